/**
 * The Helia node, composed by hand: `createHelia` without options would join the public network. Only TCP inside a private network
 * (pre-shared key), bitswap between members, and no bootstrap, DHT, gateway, relay or delegated routing. Everything is imported when the
 * node is started, so that the core answers before that.
 */
import { createHash } from 'node:crypto';
import type { HeliaWithLibp2p } from '@helia/libp2p';
import type { CID } from 'multiformats/cid';
import { AppError } from '../../../../src-shared/errors.ts';
import type { DurableBlocks, FetchBlock } from './blocks.ts';

export interface Node {
  readonly helia: HeliaWithLibp2p<Record<string, unknown>>;
  readonly fetch: FetchBlock;
  /** Tells peers that wait for them that these blocks are here now. */
  announce(cids: readonly CID[]): Promise<void>;
}

/** A clinic's workstations, other clinics' and room for devices; beyond it a flood is refused. */
const maxConnections = 128;

/**
 * Starts a node.
 * @throws AppError PEER_UNREACHABLE (details.reason 'listen') where it cannot listen on the given addresses.
 */
export async function startNode(
  blocks: DurableBlocks,
  options: { readonly swarmKey: Uint8Array; readonly identity: Uint8Array; readonly listen: readonly string[]; readonly mdns: boolean },
): Promise<Node> {
  const [
    { createHeliaLight },
    { withLibp2pLight },
    { withBitswap },
    { tcp },
    { noise },
    { yamux },
    { identify },
    { ping },
    { preSharedKey },
    { generateKeyPairFromSeed },
    { HeliaBlockstore },
  ] = await Promise.all([
    import('helia'),
    import('@helia/libp2p'),
    import('@helia/bitswap'),
    import('@libp2p/tcp'),
    import('@chainsafe/libp2p-noise'),
    import('@chainsafe/libp2p-yamux'),
    import('@libp2p/identify'),
    import('@libp2p/ping'),
    import('@libp2p/pnet'),
    import('@libp2p/crypto/keys'),
    import('./helia-blockstore.ts'),
  ]);
  const discovery = options.mdns ? [(await import('@libp2p/mdns')).mdns({ serviceTag: serviceTag(options.swarmKey) })] : [];
  const helia = withBitswap(
    withLibp2pLight(createHeliaLight({ blockstore: new HeliaBlockstore(blocks) }), {
      privateKey: await generateKeyPairFromSeed('Ed25519', options.identity),
      // What others learn of this node: no versions of the system below.
      nodeInfo: { name: 'anamnesis', version: '1', userAgent: 'anamnesis' },
      addresses: { listen: [...options.listen] },
      transports: [tcp()],
      connectionProtector: preSharedKey({ psk: swarmKeyFile(options.swarmKey) }),
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      peerDiscovery: discovery,
      connectionManager: {
        maxConnections,
        inboundConnectionThreshold: 32,
        // A /dnsaddr would be resolved over public DNS-over-HTTPS servers.
        resolvers: {},
        // Reconnection is done in peers.ts, for addresses rather than ids, and without an end.
        reconnectRetries: 0,
      },
      services: { identify: identify(), ping: ping() },
    }),
    { maxInboundStreams: 128, maxOutboundStreams: 128 },
  );
  // Helia keeps its brokers to itself, and announces only what is put through it; blocks are put before it, in one durable batch.
  const announcers: { announce?(cid: CID): Promise<void> }[] = [];
  const addBlockBroker = helia.addBlockBroker.bind(helia);
  helia.addBlockBroker = (broker) => {
    if (typeof broker !== 'function') announcers.push(broker);
    addBlockBroker(broker);
  };
  try {
    await helia.start();
  } catch (error) {
    await helia.stop();
    throw new AppError(
      'PEER_UNREACHABLE',
      'This workstation cannot listen for others: another program may have taken its port. Work goes on here. Close that program, or choose another port in the settings.',
      { reason: 'listen' },
      { cause: error },
    );
  }
  return {
    helia,
    async fetch(cid, signal) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of helia.blockstore.get(cid, { signal })) chunks.push(chunk);
      const [only] = chunks;
      return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
    },
    async announce(cids) {
      for (const cid of cids) for (const broker of announcers) await broker.announce?.(cid);
    },
  };
}

/** Pre-shared key in the text form that libp2p reads (https://github.com/libp2p/specs/blob/master/pnet/Private-Networks-PSK-V1.md). */
function swarmKeyFile(key: Uint8Array): Uint8Array {
  return new TextEncoder().encode(`/key/swarm/psk/1.0.0/\n/base16/\n${Buffer.from(key).toString('hex')}`);
}

/** mDNS service name of this private network, so that others on the same LAN are not dialled in vain. It does not tell the key. */
function serviceTag(key: Uint8Array): string {
  const network = createHash('sha256').update('anamnesis mdns service v1').update(key).digest('hex').slice(0, 16);
  return `_anamnesis-${network}._udp.local`;
}
