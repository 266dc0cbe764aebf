/**
 * Puts a database under another key, for one whose owner has new keys. The work is done on a copy that takes the original's place by a rename, so a
 * kill at any moment leaves the old file or the new one, each whole.
 */
import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import Database from 'better-sqlite3';
import { translated } from './errors.ts';

const raw = (key: Uint8Array) => `"raw:${Buffer.from(key).toString('hex')}"`;

function open(file: string, key: Uint8Array): Database.Database | null {
  const db = new Database(file, { timeout: 5000 });
  try {
    db.pragma(`cipher = 'chacha20'`);
    db.pragma(`key = ${raw(key)}`);
    db.prepare('SELECT count(*) FROM sqlite_schema').get();
    return db;
  } catch (error) {
    db.close();
    if (error instanceof Database.SqliteError && error.code === 'SQLITE_NOTADB') return null;
    throw error;
  }
}

/**
 * Re-encrypts a file that opens with one of the former keys. One that is missing, opens with `key` already, or opens with none of them is left as it is.
 * @throws AppError STORE_IN_USE, STORE_DAMAGED, NOT_ALLOWED, DISK_FULL, DISK_FAILED; then the file is as before.
 */
export function changeKey(file: string, key: Uint8Array, formerKeys: readonly Uint8Array[]): void {
  const copy = `${file}.rekeying`;
  rmSync(copy, { force: true });
  if (formerKeys.length === 0 || !existsSync(file)) return;
  translated(basename(file), () => {
    const current = open(file, key);
    if (current) return current.close();
    for (const former of formerKeys) {
      const db = open(file, former);
      if (!db) continue;
      // Everything into the one file, so that the copy is complete; and a key is changed outside WAL only.
      db.pragma('journal_mode = DELETE');
      db.close();
      copyFileSync(file, copy);
      const copied = open(copy, former);
      if (!copied) return;
      try {
        copied.pragma(`rekey = ${raw(key)}`);
      } finally {
        copied.close();
      }
      sync(copy);
      renameSync(copy, file);
      sync(dirname(file));
      return;
    }
  });
}

/** Makes a file, or a folder's entries, durable. Windows cannot open folders; NTFS journals the rename itself. */
function sync(path: string): void {
  if (process.platform === 'win32' && !path.endsWith('.rekeying')) return;
  const descriptor = openSync(path, process.platform === 'win32' ? 'r+' : 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
