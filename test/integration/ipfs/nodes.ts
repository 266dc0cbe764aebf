/** IPFS nodes over loopback, in this process and in others. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { identify } from '@libp2p/identify';
import { preSharedKey } from '@libp2p/pnet';
import { tcp } from '@libp2p/tcp';
import { createLibp2p } from 'libp2p';
import { CID } from 'multiformats/cid';
import { create as multihash } from 'multiformats/hashes/digest';
import { onTestFinished } from 'vitest';
import { createIpfs } from '../../../src-main/core/adapters/ipfs/ipfs.ts';
import { createBlockstore } from '../../../src-main/core/adapters/sqlite/blockstore.ts';
import type { SqliteBlockstore } from '../../../src-main/core/adapters/sqlite/blockstore.ts';
import type { EncodedFileBlock, IpfsPort, PeerPort } from '../../../src-main/core/ports.ts';

export const swarmKey = new Uint8Array(randomBytes(32));
export const loopback = '/ip4/127.0.0.1/tcp/0';

export interface TestNode {
  readonly ipfs: IpfsPort & PeerPort;
  readonly blocks: SqliteBlockstore;
  readonly dir: string;
  start(options?: Partial<Parameters<IpfsPort['start']>[0]>): Promise<void>;
}

/** A node with a data folder of its own, not started. */
export function node(options: Omit<Parameters<typeof createIpfs>[0], 'blocks'> = {}): TestNode {
  const dir = mkdtempSync(join(tmpdir(), 'anamnesis-ipfs-'));
  const blocks = createBlockstore({ dir });
  const ipfs = createIpfs({ blocks, ...options });
  const identity = new Uint8Array(randomBytes(32));
  onTestFinished(async () => {
    await ipfs.stop();
    blocks.close();
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  });
  return {
    ipfs,
    blocks,
    dir,
    start: (startOptions) => ipfs.start({ swarmKey, identity, listen: [loopback], peers: [], mdns: false, ...startOptions }),
  };
}

/** Two started nodes, the second of which keeps the first as its peer. */
export async function pair(): Promise<[TestNode, TestNode]> {
  const [a, b] = [node(), node()];
  await a.start();
  await b.start({ peers: a.ipfs.addresses() });
  await connected(b);
  return [a, b];
}

/** Resolves when a node has this many peers. */
export function connected({ ipfs }: TestNode, count = 1): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (ipfs.peers().length === count) resolve();
    };
    ipfs.onPeersChanged(look);
    look();
  });
}

/** A raw block of random bytes. */
export function block(size = 1000, codec = 0x55): EncodedFileBlock {
  const bytes = new Uint8Array(randomBytes(size));
  return { cid: cidOf(bytes, codec), bytes };
}

export function cidOf(bytes: Uint8Array, codec = 0x55): string {
  return CID.createV1(codec, multihash(0x12, createHash('sha256').update(bytes).digest())).toString();
}

/** A libp2p node of somebody who has a network's key and a program of their own. */
export async function rawNode(key = swarmKey) {
  const psk = new TextEncoder().encode(`/key/swarm/psk/1.0.0/\n/base16/\n${Buffer.from(key).toString('hex')}`);
  const libp2p = await createLibp2p({
    addresses: { listen: [loopback] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionProtector: preSharedKey({ psk }),
    services: { identify: identify() },
  });
  onTestFinished(() => libp2p.stop());
  return libp2p;
}
