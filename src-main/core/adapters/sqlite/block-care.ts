/** Which stored blocks are needed, by whom; which of those are missing or damaged; and looking through the file for such. */
import { createHash } from 'node:crypto';
import { CID } from 'multiformats/cid';
import { decode as decodeMultihash } from 'multiformats/hashes/digest';
import type { BlockCarePort } from '../../ports.ts';
import { bytesOfHex, hexOfBytes } from './bytes.ts';
import type { Db, Statement } from './database.ts';
import { translated } from './errors.ts';

const name = 'blocks.db';
const rawCodec = 0x55;
const pageOfNames = 500;

const multihashOf = (cid: string) => CID.parse(cid).multihash.bytes;
const cidOf = (multihash: Uint8Array) => CID.createV1(rawCodec, decodeMultihash(multihash)).toString();
const ownerOf = (owner: string) => bytesOfHex(owner, 'owner of blocks', 32);

export class BlockCare implements BlockCarePort {
  readonly #db: Db;
  readonly #statements = new Map<string, Statement>();
  readonly #listeners: (() => void)[] = [];

  constructor(db: Db) {
    this.#db = db;
  }

  name(list: Parameters<BlockCarePort['name']>[0]): void {
    this.#transact(() => {
      for (const { owner, cids } of list) {
        for (const cid of cids) {
          const multihash = multihashOf(cid);
          this.#run('INSERT INTO named (owner, multihash) VALUES (?, ?) ON CONFLICT DO NOTHING', ownerOf(owner), multihash);
          this.#want(multihash);
        }
      }
    });
  }

  forget(owner: string): void {
    this.#transact(() => {
      this.#run('DELETE FROM named WHERE owner = ?', ownerOf(owner));
      this.#run('DELETE FROM wanted WHERE damaged = 0 AND NOT EXISTS (SELECT 1 FROM named n WHERE n.multihash = wanted.multihash)');
    });
  }

  blocksOf(owner: string): string[] {
    return this.#all<Buffer>('SELECT multihash FROM named WHERE owner = ? ORDER BY multihash', ownerOf(owner)).map(cidOf);
  }

  isWhole(owner: string): boolean {
    const sql = 'SELECT 1 FROM named n JOIN wanted w USING (multihash) WHERE n.owner = ? LIMIT 1';
    return (
      this.#all('SELECT 1 FROM named WHERE owner = ? LIMIT 1', ownerOf(owner)).length > 0 && this.#all(sql, ownerOf(owner)).length === 0
    );
  }

  wanted(limit: number, after?: string): string[] {
    const start = after === undefined ? Buffer.alloc(0) : multihashOf(after);
    return this.#all<Buffer>('SELECT multihash FROM wanted WHERE multihash > ? ORDER BY multihash LIMIT ?', start, limit).map(cidOf);
  }

  owners(cid: string, limit: number): string[] {
    return this.#all<Buffer>('SELECT owner FROM named WHERE multihash = ? LIMIT ?', multihashOf(cid), limit).map(hexOfBytes);
  }

  incomplete(limit: number, after?: string): string[] {
    const start = after === undefined ? Buffer.alloc(0) : ownerOf(after);
    const sql = 'SELECT DISTINCT n.owner FROM wanted w JOIN named n USING (multihash) WHERE n.owner > ? ORDER BY n.owner LIMIT ?';
    return this.#all<Buffer>(sql, start, limit).map(hexOfBytes);
  }

  /** A stored block is not what its hash says. */
  noteDamage(multihash: Uint8Array): void {
    const added = this.#transact(() =>
      this.#run(
        `INSERT INTO wanted (multihash, damaged, found_at) SELECT ?, 1, ? WHERE EXISTS (SELECT 1 FROM blocks WHERE multihash = ?)
         ON CONFLICT (multihash) DO NOTHING`,
        multihash,
        Date.now(),
        multihash,
      ),
    );
    if (added > 0) for (const listener of this.#listeners) listener();
  }

  onDamaged(listener: () => void): void {
    this.#listeners.push(listener);
  }

  check(after: number, maxBytes: number): ReturnType<BlockCarePort['check']> {
    const result = { next: null as number | null, blocks: 0, bytes: 0, damaged: 0 };
    for (let last = after; ;) {
      const [row] = this.#rows<{ id: number; multihash: Buffer; bytes: Buffer }>(
        'SELECT id, multihash, bytes FROM blocks WHERE id > ? ORDER BY id LIMIT 1',
        last,
      );
      if (row === undefined) return { ...result, next: null };
      last = row.id;
      result.next = row.id;
      result.blocks += 1;
      result.bytes += row.bytes.length;
      // sha2-256 is all that is stored here (adapters/ipfs/cids.ts); its multihash has two bytes before the digest.
      if (createHash('sha256').update(row.bytes).digest().equals(row.multihash.subarray(2))) this.#clear(row.multihash);
      else {
        this.noteDamage(row.multihash);
        result.damaged += 1;
      }
      if (result.bytes >= maxBytes) return result;
    }
  }

  checkNames(after: string | null): string | null {
    const sql = 'SELECT DISTINCT owner FROM named WHERE owner > ? ORDER BY owner LIMIT ?';
    const owners = this.#all<Buffer>(sql, after === null ? Buffer.alloc(0) : ownerOf(after), pageOfNames);
    const before = this.#count();
    this.#transact(() => {
      for (const owner of owners)
        for (const multihash of this.#all<Buffer>('SELECT multihash FROM named WHERE owner = ?', owner)) this.#want(multihash);
    });
    if (this.#count() > before) for (const listener of this.#listeners) listener();
    const last = owners.at(-1);
    return last === undefined ? null : hexOfBytes(last);
  }

  space(): { readonly bytes: number; readonly free: number } {
    const pragma = (what: string) => this.#db.pragma(what, { simple: true }) as number;
    return translated(name, () => {
      const page = pragma('page_size');
      return { bytes: pragma('page_count') * page, free: pragma('freelist_count') * page };
    });
  }

  drop(cids: readonly string[]): number {
    let bytes = 0;
    this.#transact(() => {
      for (const multihash of cids.map(multihashOf)) {
        if (this.#all('SELECT 1 FROM named WHERE multihash = ? LIMIT 1', multihash).length > 0) continue;
        bytes += this.#all<number>('SELECT length(bytes) FROM blocks WHERE multihash = ?', multihash)[0] ?? 0;
        this.#run('DELETE FROM blocks WHERE multihash = ?', multihash);
      }
    });
    return bytes;
  }

  free(owner: string, keep: readonly string[]): number {
    const kept = new Set(keep.map((cid) => Buffer.from(multihashOf(cid)).toString('hex')));
    let bytes = 0;
    this.#transact(() => {
      for (const multihash of this.#all<Buffer>('SELECT multihash FROM named WHERE owner = ?', ownerOf(owner))) {
        if (kept.has(multihash.toString('hex'))) continue;
        this.#run('DELETE FROM named WHERE owner = ? AND multihash = ?', ownerOf(owner), multihash);
        if (this.#all('SELECT 1 FROM named WHERE multihash = ? LIMIT 1', multihash).length > 0) continue;
        bytes += this.#all<number>('SELECT length(bytes) FROM blocks WHERE multihash = ?', multihash)[0] ?? 0;
        this.#run('DELETE FROM blocks WHERE multihash = ?', multihash);
        this.#run('DELETE FROM wanted WHERE multihash = ?', multihash);
      }
    });
    return bytes;
  }

  sizeOf(owner: string, except: readonly string[]): number {
    const sql = 'SELECT b.multihash, length(b.bytes) AS bytes FROM named n JOIN blocks b USING (multihash) WHERE n.owner = ?';
    const left = new Set(except.map((cid) => Buffer.from(multihashOf(cid)).toString('hex')));
    return this.#rows<{ multihash: Buffer; bytes: number }>(sql, ownerOf(owner))
      .filter(({ multihash }) => !left.has(multihash.toString('hex')))
      .reduce((sum, { bytes }) => sum + bytes, 0);
  }

  compact(bytes: number): boolean {
    return translated(name, () => {
      const pageSize = this.#db.pragma('page_size', { simple: true }) as number;
      this.#db.pragma(`incremental_vacuum(${Math.ceil(bytes / pageSize)})`);
      // A file of before, which cannot shrink step by step, keeps its free pages for what comes.
      const shrinks = this.#db.pragma('auto_vacuum', { simple: true }) === 2;
      return shrinks && (this.#db.pragma('freelist_count', { simple: true }) as number) > 0;
    });
  }

  /** Found good again: a disk that had read it wrongly, or a copy that came another way. */
  #clear(multihash: Uint8Array): void {
    if (this.#all('SELECT 1 FROM wanted WHERE multihash = ?', multihash).length > 0)
      this.#transact(() => this.#run('DELETE FROM wanted WHERE multihash = ?', multihash));
  }

  #want(multihash: Uint8Array): void {
    this.#run(
      `INSERT INTO wanted (multihash, damaged, found_at) SELECT ?, 0, ? WHERE NOT EXISTS (SELECT 1 FROM blocks WHERE multihash = ?)
       ON CONFLICT (multihash) DO NOTHING`,
      multihash,
      Date.now(),
      multihash,
    );
  }

  #count(): number {
    return this.#all<number>('SELECT count(*) FROM wanted')[0] ?? 0;
  }

  #statement(sql: string): Statement {
    const known = this.#statements.get(sql);
    if (known) return known;
    const made = this.#db.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }

  #run(sql: string, ...parameters: unknown[]): number {
    return this.#statement(sql).run(...parameters).changes;
  }

  #rows<T>(sql: string, ...parameters: unknown[]): T[] {
    return translated(name, () => this.#statement(sql).all(...parameters) as T[]);
  }

  /** The first column of each row. */
  #all<T>(sql: string, ...parameters: unknown[]): T[] {
    return this.#rows<Record<string, T>>(sql, ...parameters).map((row) => Object.values(row)[0] as T);
  }

  #transact<T>(step: () => T): T {
    return translated(name, () => this.#db.transaction(step).immediate());
  }
}
