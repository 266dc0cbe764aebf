import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCar } from '../../../src-main/core/adapters/ipfs/car.ts';
import { layOutFile } from '../../../src-main/core/adapters/ipfs/files.ts';
import { parseCid } from '../../../src-main/core/adapters/ipfs/cids.ts';
import type { EncodedFileBlock } from '../../../src-main/core/ports.ts';
import { AppError } from '../../../src-shared/errors.ts';

const car = createCar();
const limit = 2 * 1024 * 1024;

// Asynchronous, as files and sockets are.
async function* given<T>(list: readonly T[]): AsyncGenerator<T> {
  for (const one of list) yield await Promise.resolve(one);
}

async function written(blocks: readonly EncodedFileBlock[]): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of car.write(blocks[0]?.cid ?? '', given(blocks))) parts.push(part);
  return Buffer.concat(parts);
}

/** What comes out of a file that arrives in pieces of this length, and what ended it. */
async function read(file: Uint8Array, pieceBytes = 100): Promise<{ blocks: EncodedFileBlock[]; ending: unknown }> {
  const pieces = Array.from({ length: Math.ceil(file.length / pieceBytes) }, (_, i) => file.subarray(i * pieceBytes, (i + 1) * pieceBytes));
  const blocks: EncodedFileBlock[] = [];
  try {
    const reading = car.read(given(pieces), limit);
    await reading.root();
    for await (const block of reading.blocks()) blocks.push(block);
    return { blocks, ending: null };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'INVALID_INPUT') throw error;
    return { blocks, ending: error.details['ending'] };
  }
}

const isWhole = ({ cid, bytes }: EncodedFileBlock) =>
  Buffer.from(parseCid(cid).multihash.digest).equals(createHash('sha256').update(bytes).digest());

describe('a CAR file', () => {
  const blocks = ['one', 'two', 'three'].map((name) => car.node({ name, bytes: new Uint8Array(150).fill(name.length) }, []));

  it('gives out what was put in, in order, whatever the pieces in which it comes', async () => {
    const file = await written(blocks);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 700 }), async (pieceBytes) => {
        expect(await read(file, pieceBytes)).toEqual({ blocks, ending: null });
      }),
      { numRuns: 30 },
    );
  });

  it('that was cut off anywhere gives the blocks before the cut', async () => {
    const file = await written(blocks);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: file.length - 1 }), async (length) => {
        const { blocks: got, ending } = await read(file.subarray(0, length));
        expect(got).toEqual(blocks.slice(0, got.length));
        expect(got.length).toBeLessThan(blocks.length);
        // An end between two blocks is seen by whoever knows how many there should be.
        expect(['cut-off', 'damaged', null]).toContain(ending);
      }),
      { numRuns: 100 },
    );
  });

  it('that was changed anywhere gives no block that is not what its CID names', async () => {
    const file = await written(blocks);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: file.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const changed = Uint8Array.from(file);
        changed[at] = (changed[at] ?? 0) ^ mask;
        expect((await read(changed)).blocks.every(isWhole)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('with a block or a header beyond all bounds is given up before that much is read', async () => {
    const file = await written(blocks.slice(0, 1));
    const terabyte = new Uint8Array([0x80, 0x80, 0x80, 0x80, 0x80, 0x20]);
    let taken = 0;
    const endless = async function* (start: Uint8Array) {
      yield start;
      for (;;) {
        taken += 65_536;
        yield await Promise.resolve(new Uint8Array(65_536));
      }
    };
    await expect(car.read(endless(terabyte), limit).root()).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    const cid = parseCid(blocks[1]?.cid ?? '').bytes;
    const reading = car.read(endless(Buffer.concat([file, terabyte, cid])), limit);
    const got = reading.blocks()[Symbol.asyncIterator]();
    expect((await got.next()).value).toEqual(blocks[0]);
    await expect(got.next()).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(taken).toBeLessThan(1024 * 1024);
  });

  it('fails where its blocks cannot be read while it is written', async () => {
    const failing = async function* () {
      yield await Promise.resolve(blocks[0] as EncodedFileBlock);
      throw new AppError('BLOCK_UNAVAILABLE', 'Gone.');
    };
    const all = async () => {
      for await (const part of car.write(blocks[0]?.cid ?? '', failing())) expect(part).toBeInstanceOf(Uint8Array);
    };
    await expect(all()).rejects.toMatchObject({ code: 'BLOCK_UNAVAILABLE' });
  });
});

describe('links', () => {
  it('of a node come back, and nothing but canonical DAG-CBOR is a node', () => {
    const [leaf] = [car.node({ leaf: true }, [])];
    const node = car.node({ a: 1, b: new Uint8Array([1]) }, [leaf.cid]);
    expect(car.readNode(node.bytes, limit)).toEqual({ fields: { a: 1, b: new Uint8Array([1]) }, links: [leaf.cid] });
    expect(() => car.readNode(node.bytes, 10)).toThrow(AppError);
    for (const bytes of [new Uint8Array(), new Uint8Array([0xff]), new Uint8Array([0xa0]), new Uint8Array(5000).fill(0x81)])
      expect(() => car.readNode(bytes, limit)).toThrow(AppError);
  });

  it('of a file lead to all of its blocks', async () => {
    const { cid, blocks } = await layOutFile(new Uint8Array(700_000).fill(7).map((_, i) => i % 251));
    const byCid = new Map(blocks.map((block) => [block.cid, block]));
    const found = new Set<string>();
    const walk = (at: string) => {
      found.add(at);
      car.linksOf(byCid.get(at) as EncodedFileBlock).forEach(walk);
    };
    walk(cid);
    expect(found).toEqual(new Set(byCid.keys()));
    expect(() => car.linksOf(car.node({}, []))).toThrow(AppError);
  });
});
