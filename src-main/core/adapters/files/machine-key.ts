/**
 * The machine's key: what `workstation.db` is encrypted with, so that sending goes on while nobody is logged in. A file that only this operating-system
 * user may read; it protects a database file that was copied away, not a disk that was taken whole (docs/security.md).
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../../src-shared/errors.ts';

const keyBytes = 32;

/** Reads the key of a data folder; makes one for a folder that has none. Throws STORE_DAMAGED where a database is there and its key is not. */
export function machineKey(dataDir: string, random: (length: number) => Uint8Array): Uint8Array {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const file = join(dataDir, 'machine.key');
  if (existsSync(file)) {
    const key = readFileSync(file);
    if (key.length === keyBytes) return key;
    throw new AppError(
      'STORE_DAMAGED',
      `The key file of this workstation (${file}) is damaged. Restore it from a backup; nothing was changed.`,
    );
  }
  if (existsSync(join(dataDir, 'workstation.db'))) {
    throw new AppError(
      'STORE_DAMAGED',
      `The key file of this workstation (${file}) is missing. Restore it from a backup; nothing was changed.`,
    );
  }
  const key = random(keyBytes);
  const temporary = `${file}.new`;
  const handle = openSync(temporary, 'w', 0o600);
  try {
    writeSync(handle, key);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(temporary, file);
  syncFolder(dataDir);
  return key;
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
