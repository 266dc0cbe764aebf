import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { CID } from 'multiformats/cid';
import { create as multihash } from 'multiformats/hashes/digest';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createBlockstore } from '../../../src-main/core/adapters/sqlite/blockstore.ts';
import type { SqliteBlockstore } from '../../../src-main/core/adapters/sqlite/blockstore.ts';
import { temporaryFolder } from './fixtures.ts';

const sha2256 = 0x12;
const block = (bytes: Uint8Array = randomBytes(100), codec = 0x55) => ({
  cid: CID.createV1(codec, multihash(sha2256, createHash('sha256').update(bytes).digest())),
  bytes: new Uint8Array(bytes),
});

function open(dir = temporaryFolder()): SqliteBlockstore {
  const blocks = createBlockstore({ dir });
  onTestFinished(() => blocks.close());
  return blocks;
}

async function read(source: ReturnType<SqliteBlockstore['get']>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

describe('the blockstore', () => {
  it('holds blocks when it is opened again', () => {
    const dir = temporaryFolder();
    const one = block();
    const first = createBlockstore({ dir });
    first.putAll([one]);
    first.close();
    const again = open(dir);
    expect(again.getLocal(one.cid)).toEqual(one.bytes);
    expect(again.sizeLocal(one.cid)).toBe(100);
    expect(again.hasLocal(block().cid)).toBe(false);
    expect(again.getLocal(block().cid)).toBeUndefined();
    expect(again.sizeLocal(block().cid)).toBeUndefined();
  });

  it('knows a block by its bytes, whatever codec a CID names', () => {
    const blocks = open();
    const one = block();
    blocks.putAll([one]);
    blocks.putAll([one]);
    expect(blocks.hasLocal(CID.createV1(0x71, one.cid.multihash))).toBe(true);
  });

  it('takes a batch as a whole or not at all', () => {
    const blocks = open();
    const good = block();
    expect(() => blocks.putAll([good, block(new Uint8Array(5 * 1024 * 1024))])).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
    expect(blocks.hasLocal(good.cid)).toBe(false);
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
    expect(batch.some(({ cid }) => blocks.hasLocal(cid))).toBe(false);
    blocks.putAll(batch);
    expect(batch.every(({ cid }) => blocks.hasLocal(cid))).toBe(true);
  });

  it('is a blockstore as Helia knows it', async () => {
    const blocks = open();
    const [one, two] = [block(), block()];
    expect(await blocks.put(one.cid, one.bytes)).toEqual(one.cid);
    const source = async function* () {
      yield two.bytes.subarray(0, 10);
      yield two.bytes.subarray(10);
    };
    await blocks.put(two.cid, source());
    expect(blocks.has(two.cid)).toBe(true);
    expect(await read(blocks.get(two.cid))).toEqual(two.bytes);
    const all: [string, Uint8Array][] = [];
    for (const { cid, bytes } of blocks.getAll()) all.push([cid.toString(), await read(bytes as ReturnType<SqliteBlockstore['get']>)]);
    expect(all).toEqual([one, two].map(({ cid, bytes }) => [cid.toString(), bytes]));
    blocks.delete(one.cid);
    expect(blocks.has(one.cid)).toBe(false);
    await expect(read(blocks.get(one.cid))).rejects.toMatchObject({ code: 'BLOCK_UNAVAILABLE' });
  });

  it('takes no block without an end', async () => {
    const endless = async function* () {
      for (;;) yield new Uint8Array(1024 * 1024);
    };
    await expect(open().put(block().cid, endless())).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});
