/** Two nodes with a wire between them that loses, stalls, cuts, or swallows everything: what is asked for comes whole, or is given up in time and comes later. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FaultyWire, pieceBytes } from '../../faults/process/faulty-wire.ts';
import { seeded } from '../../faults/random.ts';
import { block, connected, node, type TestNode } from './nodes.ts';

/** Two nodes; the second reaches the first over the wire alone. */
async function wired(): Promise<{ a: TestNode; b: TestNode; wire: FaultyWire }> {
  const [a, b] = [node(), node()];
  await a.start();
  const wire = await FaultyWire.before(a.ipfs.addresses(), seeded(7));
  onTestFinished(() => wire.close());
  await b.start({ peers: a.ipfs.addresses().map((address) => wire.through(address)) });
  await connected(b);
  return { a, b, wire };
}
const large = new Uint8Array(randomBytes(1_000_000));
const until = async (b: TestNode, cid: string) => {
  for (;;) {
    const bytes = await b.ipfs.get(cid, { timeoutMs: 2000 }).catch(() => null);
    if (bytes) return bytes;
  }
};

describe('a wire', () => {
  it('that loses 10 % of what is sent brings a file whole all the same', async () => {
    const { a, b, wire } = await wired();
    const file = await a.ipfs.layOut(large);
    a.ipfs.put(file.blocks);
    wire.fault = 'loss';
    expect(await b.ipfs.readFile(file.cid, { timeoutMs: 20_000 })).toEqual(large);
    expect(wire.met.get('loss')).toBeGreaterThan(0);
  });

  it('that stalls has what is asked for given up in time, and brought when it goes on', async () => {
    const { a, b, wire } = await wired();
    const one = block();
    a.ipfs.put([one]);
    wire.fault = 'stall';
    const since = Date.now();
    await expect(b.ipfs.get(one.cid, { timeoutMs: 1000 })).rejects.toMatchObject({ code: 'BLOCK_UNAVAILABLE' });
    expect(Date.now() - since).toBeLessThan(10_000);
    wire.fault = null;
    expect(await until(b, one.cid)).toEqual(one.bytes);
  });

  it('that is slow brings a file whole, though a block takes longer than anybody waits', async () => {
    const { a, b, wire } = await wired();
    const file = await a.ipfs.layOut(large.subarray(0, 400_000));
    a.ipfs.put(file.blocks);
    wire.fault = 'slow';
    for (const { cid, bytes } of file.blocks) expect(await until(b, cid)).toEqual(bytes);
    expect(await b.ipfs.readFile(file.cid, { offline: true })).toEqual(large.subarray(0, 400_000));
    // Once: what is on its way is not asked for again.
    const carried = (wire.met.get('slow') ?? 0) * pieceBytes;
    expect(carried).toBeLessThan(600_000);
  }, 90_000);

  it('that is cut again and again brings everything in the end', async () => {
    const { a, b, wire } = await wired();
    const file = await a.ipfs.layOut(large);
    a.ipfs.put(file.blocks);
    wire.fault = 'cut';
    let cuts = 0;
    for (const { cid, bytes } of file.blocks) {
      expect(await until(b, cid)).toEqual(bytes);
      cuts = wire.met.get('cut') ?? 0;
      if (cuts > 3) wire.fault = null;
    }
    expect(cuts).toBeGreaterThan(0);
    expect(await b.ipfs.readFile(file.cid, { offline: true })).toEqual(large);
  });

  it('that is half-open is noticed without anybody being told, and what is asked for comes over another', async () => {
    const { a, b, wire } = await wired();
    wire.fault = 'half-open';
    wire.fault = null;
    const one = block();
    a.ipfs.put([one]);
    expect(await until(b, one.cid)).toEqual(one.bytes);
    expect(wire.met.get('half-open')).toBe(1);
  }, 90_000);

  it('that swallows what one peer sends does not keep back what another one has', async () => {
    const { a, b, wire } = await wired();
    const c = node();
    await c.start();
    await b.ipfs.dial(c.ipfs.addresses()[0] ?? '');
    await connected(b, 2);
    const one = block();
    for (const { ipfs } of [a, c]) ipfs.put([one]);
    wire.fault = 'half-open';
    expect(await b.ipfs.get(one.cid, { timeoutMs: 15_000 })).toEqual(one.bytes);
  });
});
