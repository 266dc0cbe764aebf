/**
 * The durable blockstore: `blocks.db`, one row a block. Its content is ciphertext (or public) already, so the file is not encrypted; it
 * has the same durability as the other databases, and a batch is stored as a whole or not at all, which a folder of files could not do.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BaseBlockstore } from 'blockstore-core/base';
import type { InputPair, Pair } from 'interface-blockstore';
import { CID } from 'multiformats/cid';
import { decode as decodeMultihash } from 'multiformats/hashes/digest';
import { AppError } from '../../../../src-shared/errors.ts';
import { openDatabase } from './database.ts';
import type { Db, Statement } from './database.ts';
import { translated } from './errors.ts';
import { blockMigrations } from './migrations/blocks/index.ts';

const name = 'blocks.db';
/** Multicodec of raw bytes: what `getAll` can say of a block, whose codec is not kept. */
const rawCodec = 0x55;
/** Largest block that is stored: bitswap's message limit. */
const maxBlockBytes = 4 * 1024 * 1024;

/** Opens the blockstore of a data folder. Throws as `openDatabase` does. */
export function createBlockstore(options: { readonly dir: string }): SqliteBlockstore {
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  return new SqliteBlockstore(openDatabase({ file: join(options.dir, name), migrations: blockMigrations, pageSize: 16384 }));
}

export class SqliteBlockstore extends BaseBlockstore {
  readonly #db: Db;
  readonly #has: Statement;
  readonly #size: Statement;
  readonly #get: Statement;
  readonly #put: Statement;
  readonly #delete: Statement;
  readonly #page: Statement;

  constructor(db: Db) {
    super();
    this.#db = db;
    this.#has = db.prepare('SELECT 1 FROM blocks WHERE multihash = ?').pluck();
    this.#size = db.prepare('SELECT length(bytes) FROM blocks WHERE multihash = ?').pluck();
    this.#get = db.prepare('SELECT bytes FROM blocks WHERE multihash = ?').pluck();
    this.#put = db.prepare('INSERT INTO blocks (multihash, bytes) VALUES (?, ?) ON CONFLICT (multihash) DO NOTHING');
    this.#delete = db.prepare('DELETE FROM blocks WHERE multihash = ?');
    this.#page = db.prepare('SELECT id, multihash FROM blocks WHERE id > ? ORDER BY id LIMIT 500');
  }

  /** Whether a block is stored here. */
  hasLocal(cid: CID): boolean {
    return translated(name, () => this.#has.get(cid.multihash.bytes) !== undefined);
  }

  /** Bytes of a stored block's content; undefined where it is not here. */
  sizeLocal(cid: CID): number | undefined {
    return translated(name, () => this.#size.get(cid.multihash.bytes) as number | undefined);
  }

  /** A stored block as it lies there, not checked against its CID; undefined where it is not here. */
  getLocal(cid: CID): Uint8Array | undefined {
    const bytes = translated(name, () => this.#get.get(cid.multihash.bytes) as Buffer | undefined);
    return bytes && new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /**
   * Stores blocks: all of them, fsynced, or none. What is here already stays.
   * @throws AppError INVALID_INPUT for a block over 4 MiB, DISK_FULL.
   */
  putAll(blocks: readonly { readonly cid: CID; readonly bytes: Uint8Array }[]): void {
    for (const { cid, bytes } of blocks) {
      if (bytes.length > maxBlockBytes) {
        throw new AppError('INVALID_INPUT', 'A block is larger than 4 MiB, which peers would not take. Nothing was saved.', {
          cid: cid.toString(),
        });
      }
    }
    translated(name, () => {
      this.#db
        .transaction(() => {
          for (const { cid, bytes } of blocks) this.#put.run(cid.multihash.bytes, bytes);
        })
        .immediate();
    });
  }

  override has(cid: CID): boolean {
    return this.hasLocal(cid);
  }

  override async put(cid: CID, value: InputPair['bytes']): Promise<CID> {
    this.putAll([{ cid, bytes: await collect(value) }]);
    return cid;
  }

  override *get(cid: CID): Generator<Uint8Array> {
    const bytes = this.getLocal(cid);
    if (bytes === undefined)
      throw new AppError('BLOCK_UNAVAILABLE', `The block ${cid.toString()} is not on this workstation.`, { cid: cid.toString() });
    yield bytes;
  }

  override delete(cid: CID): void {
    translated(name, () => this.#delete.run(cid.multihash.bytes));
  }

  override *getAll(): Generator<Pair> {
    let last = 0;
    for (;;) {
      const rows = translated(name, () => this.#page.all(last) as { id: number; multihash: Buffer }[]);
      if (rows.length === 0) return;
      for (const row of rows) {
        const cid = CID.createV1(rawCodec, decodeMultihash(new Uint8Array(row.multihash)));
        yield { cid, bytes: this.get(cid) };
      }
      last = rows.at(-1)?.id ?? last;
    }
  }

  close(): void {
    this.#db.close();
  }
}

async function collect(value: InputPair['bytes']): Promise<Uint8Array> {
  if (value instanceof Uint8Array) return value;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of value) {
    length += chunk.length;
    if (length > maxBlockBytes)
      throw new AppError('INVALID_INPUT', 'A block is larger than 4 MiB, which peers would not take. Nothing was saved.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
