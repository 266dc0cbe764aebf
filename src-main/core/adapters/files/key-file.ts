/**
 * `machine.key`: 32 plain bytes, or a line of JSON with the key as the keychain sealed it. It is replaced by a rename, so a kill at any moment
 * leaves the old file or the new one, each whole. A plain file that a sealed one replaced is overwritten, which a disk that
 * moves its blocks about (SSD) may not do in place (docs/security.md).
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const keyBytes = 32;
/** Far more than any keychain makes of 32 bytes. */
const maxFileBytes = 16 * 1024;

const sealedFile = z.strictObject({
  format: z.literal('anamnesis/sealed-machine-key/1'),
  /** SHA-256 of the key with a label: what a keychain gives back is not authenticated. */
  check: z.string().regex(/^[0-9a-f]{64}$/),
  sealed: z.base64().min(1).max(8192),
});

export type KeyFile =
  | { readonly kind: 'none' | 'damaged' }
  | { readonly kind: 'plain'; readonly key: Uint8Array }
  | { readonly kind: 'sealed'; readonly sealed: Uint8Array; readonly check: string };

export const keyFilePath = (dataDir: string): string => join(dataDir, 'machine.key');
const newPath = (dataDir: string): string => `${keyFilePath(dataDir)}.new`;
const oldPath = (dataDir: string): string => `${keyFilePath(dataDir)}.old`;

/** What lies there now. */
export function readKeyFile(dataDir: string): KeyFile {
  const file = keyFilePath(dataDir);
  if (!existsSync(file)) return { kind: 'none' };
  if (statSync(file).size > maxFileBytes) return { kind: 'damaged' };
  const bytes = readFileSync(file);
  if (bytes.length === keyBytes) return { kind: 'plain', key: new Uint8Array(bytes) };
  const parsed = sealedFile.safeParse(jsonOf(bytes.toString('utf8')));
  if (!parsed.success) return { kind: 'damaged' };
  return { kind: 'sealed', check: parsed.data.check, sealed: new Uint8Array(Buffer.from(parsed.data.sealed, 'base64')) };
}

/** Durable when it returns. */
export function writePlainKey(dataDir: string, key: Uint8Array): void {
  replace(dataDir, key);
}

/** Durable when it returns; a plain file that was there before is overwritten and gone. */
export function writeSealedKey(dataDir: string, sealed: Uint8Array, check: string): void {
  const content = { format: 'anamnesis/sealed-machine-key/1', check, sealed: Buffer.from(sealed).toString('base64') } as const;
  const wasPlain = readKeyFile(dataDir).kind === 'plain';
  if (wasPlain) keepOldName(dataDir);
  replace(dataDir, Buffer.from(`${JSON.stringify(content satisfies z.infer<typeof sealedFile>)}\n`, 'utf8'));
  if (wasPlain) erase(oldPath(dataDir));
}

/** Ends what a kill interrupted. Only for whoever holds the folder. */
export function clearKeyLeftovers(dataDir: string): void {
  const { kind } = readKeyFile(dataDir);
  // Never the only one: without a machine.key nothing is known of what the other holds.
  if (kind === 'none' || kind === 'damaged') return;
  if (existsSync(newPath(dataDir))) erase(newPath(dataDir));
  if (!existsSync(oldPath(dataDir))) return;
  // Beside a plain machine.key it is the same file by a second name.
  if (kind === 'plain') unlinkSync(oldPath(dataDir));
  else erase(oldPath(dataDir));
}

function replace(dataDir: string, content: Uint8Array): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const handle = openSync(newPath(dataDir), 'w', 0o600);
  try {
    writeSync(handle, content);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(newPath(dataDir), keyFilePath(dataDir));
  syncFolder(dataDir);
}

/** A second name for the plain file, by which it can still be overwritten after the sealed one took its place. */
function keepOldName(dataDir: string): void {
  if (existsSync(oldPath(dataDir))) unlinkSync(oldPath(dataDir));
  try {
    linkSync(keyFilePath(dataDir), oldPath(dataDir));
  } catch (error) {
    // File systems without second names (exFAT): the plain file then only loses its name.
    if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

function erase(file: string): void {
  if (!existsSync(file)) return;
  const handle = openSync(file, 'r+');
  try {
    writeSync(handle, new Uint8Array(Math.min(fstatSync(handle).size, maxFileBytes)), 0, undefined, 0);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  unlinkSync(file);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: neither form, as the schema then says.
    return null;
  }
}

/** Makes the renaming durable. Windows does it with the file and cannot open a folder. */
function syncFolder(dir: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(dir, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
