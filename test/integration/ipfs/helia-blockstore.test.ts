import { CID } from 'multiformats/cid';
import { describe, expect, it } from 'vitest';
import { HeliaBlockstore } from '../../../src-main/core/adapters/ipfs/helia-blockstore.ts';
import { block, node } from './nodes.ts';

const blockstore = (): HeliaBlockstore => new HeliaBlockstore(node().blocks);
const random = () => {
  const { cid, bytes } = block();
  return { cid: CID.parse(cid), bytes };
};
const read = (source: Iterable<Uint8Array>): Uint8Array => new Uint8Array(Buffer.concat([...source]));

describe('the blockstore that Helia is given', () => {
  it('takes blocks in one piece and in several', async () => {
    const blocks = blockstore();
    const [one, two] = [random(), random()];
    expect(await blocks.put(one.cid, one.bytes)).toEqual(one.cid);
    await blocks.put(two.cid, [two.bytes.subarray(0, 10), two.bytes.subarray(10)]);
    expect(blocks.has(two.cid)).toBe(true);
    expect(read(blocks.get(two.cid))).toEqual(two.bytes);
    const all = [...blocks.getAll()].map(({ cid, bytes }) => [cid.toString(), read(bytes as Generator<Uint8Array>)]);
    expect(all).toEqual([one, two].map(({ cid, bytes }) => [cid.toString(), bytes]));
    blocks.delete(one.cid);
    expect(blocks.has(one.cid)).toBe(false);
    expect(() => read(blocks.get(one.cid))).toThrow(expect.objectContaining({ name: 'NotFoundError' }));
  });

  it('takes no block without an end', async () => {
    const endless = function* () {
      for (;;) yield new Uint8Array(1024 * 1024);
    };
    await expect(blockstore().put(random().cid, endless())).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});
