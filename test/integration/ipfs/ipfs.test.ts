import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import { CID } from 'multiformats/cid';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { AppError } from '../../../src-shared/errors.ts';
import { block, cidOf, connected, loopback, node, pair, swarmKey } from './nodes.ts';
import type { TestNode } from './nodes.ts';

/** Changes one byte of a stored block, as a failing disk or an intruder would. */
function flipByte({ dir }: TestNode, cid: string): void {
  const db = new Database(join(dir, 'blocks.db'));
  const hash = CID.parse(cid).multihash.bytes;
  const bytes = db.prepare('SELECT bytes FROM blocks WHERE multihash = ?').pluck().get(hash) as Buffer;
  bytes[bytes.length >> 1]! ^= 1;
  db.prepare('UPDATE blocks SET bytes = ? WHERE multihash = ?').run(bytes, hash);
  db.close();
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('without a network', () => {
  it('stores and reads blocks and files before the node is started', async () => {
    const { ipfs } = node();
    const one = block();
    const bytes = new Uint8Array(randomBytes(1_000_000));
    const file = await ipfs.layOut(bytes);
    expect(ipfs.has(file.cid)).toBe(false);
    ipfs.put([one, ...file.blocks]);
    expect(ipfs.has(one.cid)).toBe(true);
    expect(await ipfs.get(one.cid)).toEqual(one.bytes);
    expect(await ipfs.readFile(file.cid)).toEqual(bytes);
    expect(await ipfs.readFile(file.cid, { offset: 262_100, length: 300_000, offline: true })).toEqual(bytes.subarray(262_100, 562_100));
    expect(ipfs.peers()).toEqual([]);
    expect(ipfs.addresses()).toEqual([]);
  });

  it.each([0, 1, 262_144, 262_145])('lays out a file of %i bytes the same way each time, storing nothing', async (size) => {
    const { ipfs } = node();
    const bytes = new Uint8Array(size).fill(5);
    const file = await ipfs.layOut(bytes);
    expect(await ipfs.layOut(bytes)).toEqual(file);
    expect(file.blocks.map((one) => cidOf(one.bytes, CID.parse(one.cid).code))).toEqual(file.blocks.map(({ cid }) => cid));
    expect(ipfs.has(file.cid)).toBe(false);
    ipfs.put(file.blocks);
    expect(await ipfs.readFile(file.cid)).toEqual(bytes);
    expect(await ipfs.readFile(file.cid, { offset: size })).toEqual(new Uint8Array());
  });

  it('says that a block is not here', async () => {
    const { ipfs } = node();
    const { cid } = block();
    await expect(ipfs.get(cid)).rejects.toMatchObject({ code: 'BLOCK_UNAVAILABLE', details: { cid } });
    await expect(ipfs.readFile(cid, { offline: true })).rejects.toMatchObject({ code: 'BLOCK_UNAVAILABLE', details: { cid } });
  });

  it('refuses a stored block that was changed', async () => {
    const one = node();
    const [raw, bytes] = [block(), new Uint8Array(randomBytes(600_000))];
    const file = await one.ipfs.layOut(bytes);
    one.ipfs.put([raw, ...file.blocks]);
    flipByte(one, raw.cid);
    flipByte(one, file.blocks[1]!.cid);
    await expect(one.ipfs.get(raw.cid)).rejects.toMatchObject({ code: 'TAMPERED', details: { cid: raw.cid } });
    await expect(one.ipfs.readFile(file.cid)).rejects.toMatchObject({ code: 'TAMPERED', details: { cid: file.blocks[1]!.cid } });
    expect(await one.ipfs.readFile(file.cid, { length: 1000 })).toEqual(bytes.subarray(0, 1000));
  });

  it('reads nothing that is larger than expected', async () => {
    const { ipfs } = node();
    const file = await ipfs.layOut(new Uint8Array(1_000_000));
    const one = block(5000);
    ipfs.put([one, ...file.blocks]);
    await expect(ipfs.get(one.cid, { maxBytes: 4999 })).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
    await expect(ipfs.readFile(file.cid, { maxBytes: 999_999 })).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
    expect((await ipfs.readFile(file.cid, { maxBytes: 1000, offset: 5, length: 1000 })).length).toBe(1000);
  });

  it.each([
    ['beyond the end', { offset: 900, length: 101 }],
    ['before the beginning', { offset: -1 }],
    ['of no number', { offset: Number.NaN }],
  ])('refuses a range %s', async (_, range) => {
    const { ipfs } = node();
    const file = await ipfs.layOut(new Uint8Array(1000));
    ipfs.put(file.blocks);
    await expect(ipfs.readFile(file.cid, range)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('refuses what is no file', async () => {
    const { ipfs } = node();
    const nonsense = block(500, 0x70);
    ipfs.put([nonsense]);
    await expect(ipfs.readFile(nonsense.cid)).rejects.toMatchObject({ code: 'TAMPERED' });
  });

  it('stores nothing under a CID that it does not have', () => {
    const { ipfs } = node();
    const [good, bad] = [block(), { ...block(), bytes: new Uint8Array(3) }];
    expect(() => ipfs.put([good, bad])).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
    expect(ipfs.has(good.cid)).toBe(false);
  });

  it.each(['', 'x', '../../etc/passwd', 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG', 'bafkqaaa', `b${'a'.repeat(500)}`])(
    'refuses %s as a CID',
    (cid) => {
      expect(() => node().ipfs.has(cid)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
    },
  );
});

describe('between two nodes', () => {
  it('fetches blocks and files by bitswap, and has them from then on', async () => {
    const [a, b] = await pair();
    const bytes = new Uint8Array(randomBytes(2_000_000));
    const file = await a.ipfs.layOut(bytes);
    const small = Array.from({ length: 100 }, () => block(2048));
    a.ipfs.put([...file.blocks, ...small]);
    expect(await b.ipfs.readFile(file.cid)).toEqual(bytes);
    expect(await Promise.all(small.map(({ cid }) => b.ipfs.get(cid)))).toEqual(small.map((one) => one.bytes));
    await a.ipfs.stop();
    expect(await b.ipfs.readFile(file.cid, { offline: true })).toEqual(bytes);
  });

  it('brings a block that is stored while a peer waits for it', async () => {
    const [a, b] = await pair();
    const one = block();
    const waiting = b.ipfs.get(one.cid);
    const wantlists = a.ipfs.get(one.cid, { timeoutMs: 300 });
    await expect(wantlists).rejects.toMatchObject({ code: 'BLOCK_UNAVAILABLE' });
    a.ipfs.put([one]);
    expect(await waiting).toEqual(one.bytes);
  });

  it.each(['has', 'get'] as const)('gives a peer the other blocks that it asks for when one of them cannot be read (%s)', async (what) => {
    const [a, b] = await pair();
    const all = [block(), block(), block()];
    a.ipfs.put(all);
    const bad = CID.parse(all[0]!.cid).multihash.bytes;
    const real = a.blocks[what].bind(a.blocks) as (multihash: Uint8Array) => never;
    vi.spyOn(a.blocks, what).mockImplementation((multihash) => {
      if (Buffer.from(multihash).equals(bad)) throw new AppError('DISK_FAILED', 'Input/output error');
      return real(multihash);
    });
    const [unread, ...read] = all.map(({ cid }) => b.ipfs.get(cid, { timeoutMs: 4_000 }));
    await expect(unread).rejects.toMatchObject({ code: 'BLOCK_UNAVAILABLE' });
    expect((await Promise.all(read)).map(hex)).toEqual(all.slice(1).map(({ bytes }) => hex(bytes)));
  });

  it('takes no changed block from a peer', async () => {
    const [a, b] = await pair();
    const one = block();
    a.ipfs.put([one]);
    flipByte(a, one.cid);
    await expect(b.ipfs.get(one.cid, { timeoutMs: 1000 })).rejects.toMatchObject({ code: 'BLOCK_UNAVAILABLE' });
    expect(b.ipfs.has(one.cid)).toBe(false);
  });

  it('gives up on a block that nobody has, saying which', async () => {
    const [, b] = await pair();
    const { cid } = block();
    await expect(b.ipfs.get(cid, { timeoutMs: 300 })).rejects.toMatchObject({
      code: 'BLOCK_UNAVAILABLE',
      message: expect.stringContaining(cid),
      details: { cid, reason: 'timeout' },
    });
  });

  it('never asks the network offline', async () => {
    const [a, b] = await pair();
    const one = block();
    a.ipfs.put([one]);
    await expect(b.ipfs.get(one.cid, { offline: true })).rejects.toMatchObject({
      code: 'BLOCK_UNAVAILABLE',
      details: { reason: 'offline' },
    });
    expect(b.ipfs.has(one.cid)).toBe(false);
  });

  it('keeps a peer connected that goes and comes back', async () => {
    const [a, b] = await pair();
    const [address] = a.ipfs.addresses();
    await a.ipfs.stop();
    await connected(b, 0);
    await a.start({ listen: [address!.replace(/\/p2p\/.*/, '')] });
    await connected(b);
    const one = block();
    a.ipfs.put([one]);
    expect(await b.ipfs.get(one.cid)).toEqual(one.bytes);
    expect(b.ipfs.peers()[0]?.id).toBe(address!.split('/p2p/')[1]);
  });

  it('does not wait for a configured peer that is away', async () => {
    const [a, b] = [node(), node()];
    await a.start();
    const [address] = a.ipfs.addresses();
    await a.ipfs.stop();
    await b.start({ peers: [address!] });
    expect(b.ipfs.peers()).toEqual([]);
    await a.start({ listen: [address!.replace(/\/p2p\/.*/, '')] });
    await connected(b);
  });

  it('refuses a node of another private network', async () => {
    const [a, stranger] = [node(), node()];
    await a.start();
    await stranger.start({ swarmKey: new Uint8Array(32).fill(1) });
    await expect(stranger.ipfs.dial(a.ipfs.addresses()[0]!)).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' });
    expect(a.ipfs.peers()).toEqual([]);
    expect(stranger.ipfs.peers()).toEqual([]);
  });

  it('refuses a node that is not the one at the address', async () => {
    const [a, b, c] = [node(), node(), node()];
    await a.start();
    await b.start();
    await c.start();
    const impostor = `${a.ipfs.addresses()[0]!.split('/p2p/')[0]!}/p2p/${b.ipfs.addresses()[0]!.split('/p2p/')[1]!}`;
    await expect(c.ipfs.dial(impostor)).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' });
  });

  it('connects by dialling, and shows it on both sides', async () => {
    const [a, b] = [node(), node()];
    await a.start();
    await b.start();
    await b.ipfs.dial(a.ipfs.addresses()[0]!);
    await connected(a);
    expect(a.ipfs.peers().map(({ id }) => id)).toEqual(b.ipfs.addresses().map((address) => address.split('/p2p/')[1]));
  });

  it.each([
    '',
    'localhost:4001',
    '/dnsaddr/bootstrap.libp2p.io',
    '/ip4/127.0.0.1/udp/1/quic-v1',
    '/ip4/127.0.0.1/tcp/80/wss',
    `/dns4/${'a'.repeat(400)}/tcp/1`,
  ])('refuses %s as an address', async (address) => {
    const one = node();
    await expect(one.ipfs.dial(address)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(one.start({ peers: [address] })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  it('says that its port is taken, and starts on another', async () => {
    const [a, b] = [node(), node()];
    await a.start();
    const taken = a.ipfs.addresses()[0]!.replace(/\/p2p\/.*/, '');
    await expect(b.start({ listen: [taken] })).rejects.toMatchObject({ code: 'PEER_UNREACHABLE', details: { reason: 'listen' } });
    await b.start();
    await b.ipfs.dial(a.ipfs.addresses()[0]!);
    expect(b.ipfs.peers()).toHaveLength(1);
  });

  it('has the same identity after a restart', async () => {
    const one = node();
    await one.start();
    const id = one.ipfs.addresses()[0]!.split('/p2p/')[1];
    await one.ipfs.stop();
    await one.start();
    expect(one.ipfs.addresses()[0]!.split('/p2p/')[1]).toBe(id);
  });
});

describe('between two processes', () => {
  it('fetches from the other, and learns that it was killed', async () => {
    const here = node();
    const there = node();
    const bytes = new Uint8Array(randomBytes(500_000));
    const file = await there.ipfs.layOut(bytes);
    there.ipfs.put(file.blocks);
    const moduleOf = (path: string) => JSON.stringify(new URL(`../../../src-main/core/adapters/${path}`, import.meta.url).href);
    const source = `
      import { createIpfs } from ${moduleOf('ipfs/ipfs.ts')};
      import { createBlockstore } from ${moduleOf('sqlite/blockstore.ts')};
      const ipfs = createIpfs({ blocks: createBlockstore({ dir: ${JSON.stringify(there.dir)} }) });
      const swarmKey = Uint8Array.from(Buffer.from('${Buffer.from(swarmKey).toString('hex')}', 'hex'));
      await ipfs.start({ swarmKey, identity: new Uint8Array(32).fill(3), listen: ['${loopback}'], peers: [], mdns: false });
      console.log(ipfs.addresses()[0]);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const [address] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    await here.start({ peers: [address] });
    expect(await here.ipfs.readFile(file.cid)).toEqual(bytes);
    child.kill('SIGKILL');
    await connected(here, 0);
    expect(await here.ipfs.readFile(file.cid)).toEqual(bytes);
  });
});
