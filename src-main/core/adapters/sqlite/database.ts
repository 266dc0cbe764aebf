/**
 * Opens a SQLite file the way all stores here want it: encrypted, durable on return (WAL with synchronous=FULL) unless said otherwise, migrated.
 */
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import Database from 'better-sqlite3';
import { translated } from './errors.ts';
import { migrate } from './migrate.ts';
import type { Migration } from './migrate.ts';

/**
 * The write-ahead log is carried over into the file when it has this size: by SQLite's own thousand small pages, every hundredth save would wait
 * for it. After a crash so much is read again, in some hundredths of a second.
 */
const walBytes = 16 * 1024 * 1024;

/**
 * SQLite3 Multiple Ciphers stands between SQLite and the files, and forgets that reading one failed (its `mcIoRead`): SQLite then takes whatever is in memory
 * for the page, and the next checkpoint writes that into the file. An encrypted page does not open then, which is an error again; a plain file
 * is opened past it, by the file system of SQLite itself, which only a URI can name. The library reads this when its first file is opened.
 */
process.env['SQLITE_USE_URI'] = '1';
const past = `?vfs=${process.platform === 'win32' ? 'win32' : 'unix'}`;

export type Db = Database.Database;
export type Statement = Database.Statement<unknown[], unknown>;

/**
 * @param options.key 32 bytes; ChaCha20-Poly1305 per page (SQLite3 Multiple Ciphers' "chacha20", raw key, so no KDF delays the start).
 *   Without one the file is plain: only for what is ciphertext already.
 * @throws AppError STORE_DAMAGED for a wrong key or a damaged first page, STORE_NEWER, STORE_IN_USE, NOT_ALLOWED, DISK_FULL, DISK_FAILED.
 */
export function openDatabase(options: {
  readonly file: string;
  readonly key?: Uint8Array;
  readonly migrations: readonly Migration[];
  readonly cacheKiB?: number;
  /**
   * Whether a commit is on the disk when it returns (default), or later, in order: after a power cut the last ones may be gone, all of each. Only
   * for what is rebuilt from durable data, with its place in it kept in the same file. A killed process loses nothing either way.
   */
  readonly durable?: boolean;
  /** Bytes; of a new file only. Larger pages suit large values. */
  readonly pageSize?: number;
  /** Of a new file only: what is not used any more can be given back to the disk step by step. */
  readonly shrinks?: boolean;
}): Db {
  const { file, key, migrations, cacheKiB = 8192, pageSize, durable = true, shrinks = false } = options;
  const name = basename(file);
  if (key !== undefined && key.length !== 32) throw new RangeError('A database key has 32 bytes');
  return translated(name, () => {
    const db = new Database(key === undefined ? `${pathToFileURL(file).href}${past}` : file, { timeout: 5000 });
    try {
      if (key !== undefined) {
        db.pragma(`cipher = 'chacha20'`);
        // The hexadecimal text lives in SQLite's parser only for this call; it is never logged (verbose is not set).
        db.pragma(`key = "raw:${Buffer.from(key).toString('hex')}"`);
      }
      // The first real read: decrypts page 1, so a wrong key or a torn header shows here. A full check would cost the start-up.
      db.prepare('SELECT count(*) FROM sqlite_schema').get();
      if (pageSize !== undefined) db.pragma(`page_size = ${pageSize}`);
      if (shrinks) db.pragma('auto_vacuum = INCREMENTAL');
      db.pragma('journal_mode = WAL');
      db.pragma(`synchronous = ${durable ? 'FULL' : 'NORMAL'}`);
      db.pragma(`wal_autocheckpoint = ${Math.round(walBytes / (db.pragma('page_size', { simple: true }) as number))}`);
      db.pragma('foreign_keys = ON');
      db.pragma('trusted_schema = OFF');
      db.pragma('temp_store = MEMORY');
      db.pragma(`cache_size = -${cacheKiB}`);
      migrate(db, name, migrations);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}
