/** A member of the network with a program of their own who is asked for blocks: by bitswap, they send without an end, next to nothing, or what nobody asked for. */
import { multiaddr } from '@multiformats/multiaddr';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { block, connected, node, rawNode, type TestNode } from './nodes.ts';

const bitswap = '/ipfs/bitswap/1.2.0';
type Stream = Awaited<ReturnType<Awaited<ReturnType<Awaited<ReturnType<typeof rawNode>>['dial']>>['newStream']>>;

/** Connected to `target`, it opens `streams` streams to whoever asks it for blocks and does with each what it likes; `begun` are all of them. */
async function hostile(target: TestNode, streams: number, does: (stream: Stream) => unknown) {
  const libp2p = await rawNode();
  const begun: Stream[] = [];
  let asked = false;
  await libp2p.handle(bitswap, async (_, connection) => {
    if (asked) return;
    asked = true;
    for (let i = 0; i < streams; i++) {
      const stream = await connection.newStream(bitswap).catch(() => null);
      if (stream === null) break;
      begun.push(stream);
      // A stream that was ended takes no more: then they are done with it.
      Promise.resolve(stream)
        .then(does)
        .catch(() => undefined);
    }
  });
  await libp2p.dial(multiaddr(target.ipfs.addresses()[0] ?? ''));
  return { begun };
}

/** Who wants a block, the enemy whom it asks, and somebody honest who comes later. */
async function wanting(streams: number, does: (stream: Stream) => unknown) {
  const [wants, honest] = [node(), node()];
  await wants.start();
  const enemy = await hostile(wants, streams, does);
  await connected(wants);
  const one = block(100_000);
  honest.ipfs.put([one]);
  return { wants, honest, enemy, one };
}

/** A length that announces `bytes`, as bitswap has it before each message. */
function varint(bytes: number): Uint8Array {
  const out: number[] = [];
  for (let rest = bytes; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return new Uint8Array([...out, rest]);
    out.push((rest % 128) | 128);
  }
}

describe('a peer that is asked for a block', () => {
  it.each<[string, (stream: Stream) => unknown]>([
    ['announces more than any block has', (stream) => stream.send(varint(2 ** 32))],
    [
      'sends what is no message',
      (stream) => {
        stream.send(varint(5));
        stream.send(new Uint8Array([255, 255, 255, 255, 255]));
      },
    ],
  ])('and %s loses the stream, and the block comes from another', async (_, does) => {
    const { wants, honest, enemy, one } = await wanting(1, does);
    const asking = wants.ipfs.get(one.cid, { timeoutMs: 20_000 });
    await expect.poll(() => enemy.begun[0]?.status, { timeout: 10_000 }).toMatch(/reset|aborted|closed/);
    await honest.start({ peers: wants.ipfs.addresses() });
    expect(await asking).toEqual(one.bytes);
  });

  it('and sends a byte now and then keeps nobody waiting, nor the block away that another has', async () => {
    const ends = new AbortController();
    onTestFinished(() => ends.abort());
    const { wants, honest, enemy, one } = await wanting(1, async (stream) => {
      stream.send(varint(one.bytes.length + 50));
      while (!ends.signal.aborted && stream.status === 'open') {
        stream.send(new Uint8Array([10]));
        await delay(100);
      }
    });
    const begun = Date.now();
    await expect(wants.ipfs.get(one.cid, { timeoutMs: 1500 })).rejects.toMatchObject({ code: 'BLOCK_UNAVAILABLE' });
    expect(Date.now() - begun).toBeLessThan(4000);
    expect(enemy.begun[0]?.status).toBe('open');
    await honest.start({ peers: wants.ipfs.addresses() });
    expect(await wants.ipfs.get(one.cid, { timeoutMs: 20_000 })).toEqual(one.bytes);
  });

  it('and sends without an end, on many streams, loses them all', async () => {
    const ends = new AbortController();
    onTestFinished(() => ends.abort());
    const piece = new Uint8Array(64 * 1024);
    const { wants, honest, enemy, one } = await wanting(200, async (stream) => {
      stream.send(varint(4 * 1024 * 1024));
      while (!ends.signal.aborted && stream.status === 'open') {
        if (!stream.send(piece)) await stream.onDrain({ signal: ends.signal }).catch(() => undefined);
        await delay(1);
      }
    });
    const asking = wants.ipfs.get(one.cid, { timeoutMs: 40_000 });
    await expect.poll(() => enemy.begun.length > 0 && enemy.begun.every(({ status }) => status !== 'open'), { timeout: 60_000 }).toBe(true);
    await honest.start({ peers: wants.ipfs.addresses() });
    expect(await asking).toEqual(one.bytes);
  }, 90_000);
});
