/** Questions and answers between workstations, and what a hostile member of the network can do with them: a raw libp2p node here. */
import { randomBytes } from 'node:crypto';
import { multiaddr } from '@multiformats/multiaddr';
import { describe, expect, it } from 'vitest';
import { block, connected, loopback, node, pair, rawNode, swarmKey } from './nodes.ts';
import type { TestNode } from './nodes.ts';

const protocol = '/test/1';
const limits = { maxBytes: 1000, timeoutMs: 10_000 };
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (value: string) => new TextEncoder().encode(value);

/** Somebody who has the network's key and a program of their own. */
async function hostile(target: TestNode, key = swarmKey) {
  const libp2p = await rawNode(key);
  const address = multiaddr(target.ipfs.addresses()[0]!);
  return { libp2p, id: libp2p.peerId.toString(), dial: () => libp2p.dial(address) };
}

function serving(target: TestNode, answer: (peer: string, request: Uint8Array) => Promise<Uint8Array | null>): void {
  target.ipfs.serve(protocol, { maxRequestBytes: 1000, maxAnswerBytes: 1000, answer });
}

/** Resolves with how a stream ended. */
const ended = (stream: { status: string; addEventListener(name: 'close', listener: () => void): void }) =>
  new Promise<string>((resolve) => {
    if (stream.status !== 'open') return resolve(stream.status);
    stream.addEventListener('close', () => resolve(stream.status));
  });

describe('questions and answers', () => {
  it('go both ways, each of one message', async () => {
    const [a, b] = [node(), node()];
    for (const one of [a, b]) serving(one, (peer, request) => Promise.resolve(bytes(`${text(request)} of ${peer}`)));
    await a.start();
    await b.start({ peers: a.ipfs.addresses() });
    await connected(b);
    await connected(a);
    const [idA, idB] = [b.ipfs.peers()[0]!.id, a.ipfs.peers()[0]!.id];
    expect(text(await b.ipfs.ask(idA, protocol, bytes('hello'), limits))).toBe(`hello of ${idB}`);
    expect(text(await a.ipfs.ask(idB, protocol, bytes('hello'), limits))).toBe(`hello of ${idA}`);
    const many = await Promise.all(Array.from({ length: 10 }, (_, i) => b.ipfs.ask(idA, protocol, bytes(String(i)), limits)));
    expect(many.map(text)).toEqual(Array.from({ length: 10 }, (_, i) => `${i} of ${idB}`));
  });

  it('refuse without a reason, and say to the asker only that', async () => {
    const [a, b] = [node(), node()];
    serving(a, () => Promise.resolve(null));
    await a.start();
    await b.start({ peers: a.ipfs.addresses() });
    await connected(b);
    const { id } = b.ipfs.peers()[0]!;
    await expect(b.ipfs.ask(id, protocol, bytes('hello'), limits)).rejects.toMatchObject({
      code: 'PEER_UNREACHABLE',
      details: { reason: 'refused' },
    });
    await expect(b.ipfs.ask(id, '/test/other', bytes('hello'), limits)).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' });
    await expect(b.ipfs.ask('12D3KooWNobody', protocol, bytes('hello'), limits)).rejects.toMatchObject({
      details: { reason: 'not-connected' },
    });
  });

  it('take no answer that is larger than asked for', async () => {
    const [a, b] = [node(), node()];
    serving(a, () => Promise.resolve(new Uint8Array(1000)));
    await a.start();
    await b.start({ peers: a.ipfs.addresses() });
    await connected(b);
    const { id } = b.ipfs.peers()[0]!;
    await expect(b.ipfs.ask(id, protocol, bytes('x'), { ...limits, maxBytes: 999 })).rejects.toMatchObject({
      details: { reason: 'bad-answer' },
    });
  });

  it('give up on a peer that takes the question and never answers', async () => {
    const a = node();
    await a.start();
    const enemy = await hostile(a);
    await enemy.libp2p.handle(protocol, () => undefined);
    await enemy.dial();
    await connected(a);
    await expect(a.ipfs.ask(enemy.id, protocol, bytes('x'), { ...limits, timeoutMs: 300 })).rejects.toMatchObject({
      code: 'PEER_UNREACHABLE',
      details: { reason: 'timeout' },
    });
  });

  it('give up on an answer without an end', async () => {
    const a = node();
    await a.start();
    const enemy = await hostile(a);
    await enemy.libp2p.handle(protocol, (stream) => {
      const timer = setInterval(
        () => (stream.status === 'open' ? stream.send(new Uint8Array(64 * 1024).fill(255)) : clearInterval(timer)),
        1,
      );
    });
    await enemy.dial();
    await connected(a);
    await expect(a.ipfs.ask(enemy.id, protocol, bytes('x'), limits)).rejects.toMatchObject({ details: { reason: 'bad-answer' } });
  });
});

describe('a hostile peer', () => {
  it.each([
    ['announces more than is taken', [0xff, 0xff, 0xff, 0xff, 1]],
    ['sends two messages', [0, 0, 0, 1, 7, 0, 0, 0, 1, 7]],
  ])('that %s loses the stream', async (_, sent) => {
    const a = node();
    let asked = 0;
    serving(a, () => {
      asked += 1;
      return Promise.resolve(new Uint8Array());
    });
    await a.start();
    const connection = await (await hostile(a)).dial();
    const stream = await connection.newStream(protocol);
    const end = ended(stream);
    stream.send(new Uint8Array(sent));
    expect(await end).toBe('reset');
    expect(asked).toBe(0);
  });

  it('that leaves a stream half-open loses it when its time is over', async () => {
    const a = node({ transferMs: 200 });
    serving(a, () => Promise.resolve(new Uint8Array()));
    await a.start();
    const connection = await (await hostile(a)).dial();
    for (const sent of [[], [0, 0], [0, 0, 0, 9, 1]]) {
      const stream = await connection.newStream(protocol);
      const end = ended(stream);
      stream.send(new Uint8Array(sent));
      expect(await end).toBe('reset');
    }
  });

  it('that floods is cut off, and not let in again, while others are served', async () => {
    const little = { requests: 20, requestsPerSecond: 1, bytes: 1_000_000, bytesPerSecond: 1_000_000 };
    const [a, b] = [node({ budget: little }), node()];
    serving(a, () => Promise.resolve(bytes('yes')));
    await a.start();
    const enemy = await hostile(a);
    const connection = await enemy.dial();
    const flood = async () => {
      while (connection.status === 'open') {
        // Beyond the streams that it may have at once, they are reset.
        const stream = await connection.newStream(protocol).catch(() => null);
        if (stream?.status === 'open') stream.send(new Uint8Array([0, 0, 0, 1, 7]));
        await stream?.close().catch(() => stream.abort(new Error('gone')));
      }
    };
    await Promise.allSettled(Array.from({ length: 8 }, flood));
    await b.start({ peers: a.ipfs.addresses() });
    await connected(b);
    expect(text(await b.ipfs.ask(b.ipfs.peers()[0]!.id, protocol, bytes('x'), limits))).toBe('yes');
    await enemy.dial().then(
      (again) => ended(again as never),
      () => 'refused',
    );
    expect(a.ipfs.peers().map(({ id }) => id)).not.toContain(enemy.id);
  });

  it('without the right network key is not even talked to', async () => {
    const a = node();
    await a.start();
    const stranger = await hostile(a, new Uint8Array(randomBytes(32)));
    await expect(stranger.dial()).rejects.toThrow();
    expect(a.ipfs.peers()).toEqual([]);
  });
});

describe('blocks', () => {
  it('go to none whom they are not for, and to others as before', async () => {
    const [a, b] = await pair();
    const [one, other] = [block(), block()];
    a.ipfs.put([one, other]);
    let allowed = false;
    a.ipfs.guardBlocks(() => Promise.resolve(allowed));
    await expect(b.ipfs.get(one.cid, { timeoutMs: 500 })).rejects.toMatchObject({ code: 'BLOCK_UNAVAILABLE' });
    allowed = true;
    expect(await b.ipfs.get(other.cid)).toEqual(other.bytes);
  });

  it('come although the peer refused what it was asked first, before it knew who asks', async () => {
    const [a, b] = [node(), node()];
    await Promise.all([a.start(), b.start()]);
    const one = block();
    a.ipfs.put([one]);
    let allowed = false;
    const refused = new Promise<void>((resolve) =>
      a.ipfs.guardBlocks(() => {
        if (!allowed) resolve();
        return Promise.resolve(allowed);
      }),
    );
    const wanted = b.ipfs.get(one.cid, { timeoutMs: 20_000 });
    await b.ipfs.dial(a.ipfs.addresses()[0]!);
    await refused;
    allowed = true;
    expect(await wanted).toEqual(one.bytes);
    // And from then on at once.
    const other = block();
    a.ipfs.put([other]);
    expect(await b.ipfs.get(other.cid)).toEqual(other.bytes);
  });

  it('come over WebSocket connections as well', async () => {
    const [a, b] = [node(), node()];
    await a.start({ listen: [`${loopback}/ws`] });
    const [address] = a.ipfs.addresses();
    expect(address).toMatch(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/ws\/p2p\//);
    await b.start({ peers: [address!] });
    await connected(b);
    const one = block();
    a.ipfs.put([one]);
    expect(await b.ipfs.get(one.cid)).toEqual(one.bytes);
  });
});
