import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createBlockstore } from '../../../src-main/core/adapters/sqlite/blockstore.ts';
import type { SqliteBlockstore } from '../../../src-main/core/adapters/sqlite/blockstore.ts';
import { temporaryFolder } from './fixtures.ts';

const block = (bytes: Uint8Array = randomBytes(100)) => ({
  // Multihash: code and length of sha2-256 before the digest.
  multihash: new Uint8Array([0x12, 0x20, ...createHash('sha256').update(bytes).digest()]),
  bytes: new Uint8Array(bytes),
});

function open(dir = temporaryFolder()): SqliteBlockstore {
  const blocks = createBlockstore({ dir });
  onTestFinished(() => blocks.close());
  return blocks;
}

describe('the blockstore', () => {
  it('holds blocks when it is opened again', () => {
    const dir = temporaryFolder();
    const one = block();
    const first = createBlockstore({ dir });
    first.putAll([one]);
    first.close();
    const again = open(dir);
    expect(again.get(one.multihash)).toEqual(one.bytes);
    expect(again.size(one.multihash)).toBe(100);
    expect(again.has(block().multihash)).toBe(false);
    expect(again.get(block().multihash)).toBeUndefined();
    expect(again.size(block().multihash)).toBeUndefined();
  });

  it('keeps a block that comes again', () => {
    const blocks = open();
    const one = block();
    blocks.putAll([one, one]);
    blocks.putAll([one]);
    expect([...blocks.multihashes()]).toEqual([one.multihash]);
  });

  it('takes a batch as a whole or not at all', () => {
    const blocks = open();
    const good = block();
    expect(() => blocks.putAll([good, block(new Uint8Array(5 * 1024 * 1024))])).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
    expect(blocks.has(good.multihash)).toBe(false);
  });

  it('takes none of a batch that cannot be written', () => {
    const dir = temporaryFolder();
    const blocks = open(dir);
    const batch = Array.from({ length: 200 }, () => block(randomBytes(20_000)));
    const other = new Database(join(dir, 'blocks.db'));
    onTestFinished(() => void other.close());
    // Another connection's write lock stands for whatever keeps this one from writing.
    other.exec('BEGIN IMMEDIATE');
    expect(() => blocks.putAll(batch)).toThrow(expect.objectContaining({ code: 'STORE_IN_USE' }));
    other.exec('ROLLBACK');
    expect(batch.some(({ multihash }) => blocks.has(multihash))).toBe(false);
    blocks.putAll(batch);
    expect(batch.every(({ multihash }) => blocks.has(multihash))).toBe(true);
  });

  it('lists what it holds, and forgets what is deleted', () => {
    const blocks = open();
    const all = Array.from({ length: 1200 }, () => block(randomBytes(10)));
    blocks.putAll(all);
    expect([...blocks.multihashes()]).toEqual(all.map(({ multihash }) => multihash));
    blocks.delete(all[0]!.multihash);
    expect(blocks.has(all[0]!.multihash)).toBe(false);
  });
});
