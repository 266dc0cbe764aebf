/**
 * The durable blockstore: `blocks.db`, one row a block. Its content is ciphertext (or public) already, so the file is not encrypted; it
 * has the same durability as the other databases, and a batch is stored as a whole or not at all, which a folder of files could not do.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../../src-shared/errors.ts';
import { BlockCare } from './block-care.ts';
import { openDatabase } from './database.ts';
import type { Db, Statement } from './database.ts';
import { translated } from './errors.ts';
import { blockMigrations } from './migrations/blocks/index.ts';

const name = 'blocks.db';
/** Largest block that is stored: bitswap's message limit. */
const maxBlockBytes = 4 * 1024 * 1024;

/** Opens the blockstore of a data folder. Throws as `openDatabase` does. */
export function createBlockstore(options: { readonly dir: string }): SqliteBlockstore {
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  return new SqliteBlockstore(openDatabase({ file: join(options.dir, name), migrations: blockMigrations, pageSize: 16384, shrinks: true }));
}

/** Blocks by multihash: the same bytes are the same block, whatever codec a CID names. */
export class SqliteBlockstore {
  /** Which of the blocks are needed by whom, and which of those are missing. */
  readonly care: BlockCare;
  readonly #db: Db;
  readonly #has: Statement;
  readonly #size: Statement;
  readonly #get: Statement;
  readonly #put: Statement;
  readonly #arrived: Statement;
  readonly #unname: Statement;
  readonly #delete: Statement;
  readonly #page: Statement;

  constructor(db: Db) {
    this.#db = db;
    this.care = new BlockCare(db);
    // What is taken out is overwritten: a patient's old contents are not to be found in free pages.
    db.pragma('secure_delete = ON');
    this.#has = db
      .prepare('SELECT 1 FROM blocks b WHERE multihash = ? AND NOT EXISTS (SELECT 1 FROM wanted w WHERE w.multihash = b.multihash)')
      .pluck();
    this.#size = db.prepare('SELECT length(bytes) FROM blocks WHERE multihash = ?').pluck();
    this.#get = db.prepare('SELECT bytes FROM blocks WHERE multihash = ?').pluck();
    this.#put = db.prepare(`
      INSERT INTO blocks (multihash, bytes) VALUES (?, ?) ON CONFLICT (multihash) DO UPDATE SET bytes = excluded.bytes
      WHERE EXISTS (SELECT 1 FROM wanted w WHERE w.multihash = excluded.multihash)`);
    this.#arrived = db.prepare('DELETE FROM wanted WHERE multihash = ?');
    this.#unname = db.prepare('DELETE FROM named WHERE multihash = ?');
    this.#delete = db.prepare('DELETE FROM blocks WHERE multihash = ?');
    this.#page = db.prepare('SELECT id, multihash FROM blocks WHERE id > ? ORDER BY id LIMIT 500');
  }

  /** Whether a block is stored here, undamaged as far as is known. */
  has(multihash: Uint8Array): boolean {
    return translated(name, () => this.#has.get(multihash) !== undefined);
  }

  /** Bytes of a stored block's content; undefined where it is not here. */
  size(multihash: Uint8Array): number | undefined {
    return translated(name, () => this.#size.get(multihash) as number | undefined);
  }

  /** A stored block as it lies there, not compared with its hash; undefined where it is not here. */
  get(multihash: Uint8Array): Uint8Array | undefined {
    const bytes = translated(name, () => this.#get.get(multihash) as Buffer | undefined);
    return bytes && new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /**
   * Stores blocks: all of them, fsynced, or none. What is here already stays, unless it was found damaged.
   * @throws AppError INVALID_INPUT for a block over 4 MiB, DISK_FULL, DISK_FAILED.
   */
  putAll(blocks: readonly { readonly multihash: Uint8Array; readonly bytes: Uint8Array }[]): void {
    if (blocks.some(({ bytes }) => bytes.length > maxBlockBytes)) {
      throw new AppError('INVALID_INPUT', 'A block is larger than 4 MiB, which peers would not take. Nothing was saved.');
    }
    translated(name, () => {
      this.#db
        .transaction(() => {
          for (const { multihash, bytes } of blocks) {
            this.#put.run(multihash, bytes);
            this.#arrived.run(multihash);
          }
        })
        .immediate();
    });
  }

  delete(multihash: Uint8Array): void {
    translated(name, () => this.#delete.run(multihash));
  }

  /** Takes blocks out: all of them, overwritten in the file and fsynced, or none. What is not here is passed over. Nobody needs them then. */
  deleteAll(multihashes: readonly Uint8Array[]): void {
    translated(name, () => {
      this.#db
        .transaction(() => {
          for (const multihash of multihashes) {
            this.#delete.run(multihash);
            this.#unname.run(multihash);
            this.#arrived.run(multihash);
          }
        })
        .immediate();
      // The write-ahead log still had the pages as they were.
      this.#db.pragma('wal_checkpoint(TRUNCATE)');
    });
  }

  /** Multihashes of all blocks, in the order in which they were stored. */
  *multihashes(): Generator<Uint8Array> {
    for (let last = 0; ;) {
      const rows = translated(name, () => this.#page.all(last) as { id: number; multihash: Buffer }[]);
      for (const { multihash } of rows) yield new Uint8Array(multihash);
      const end = rows.at(-1);
      if (end === undefined) return;
      last = end.id;
    }
  }

  /** It is not what its hash says: `has` says no, and what comes takes its place. */
  noteDamage(multihash: Uint8Array): void {
    this.care.noteDamage(multihash);
  }

  close(): void {
    this.#db.close();
  }
}
