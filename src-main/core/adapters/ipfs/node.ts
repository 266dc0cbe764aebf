/**
 * The Helia node, composed by hand: `createHelia` without options would join the public network. Only TCP inside a private network
 * (pre-shared key), bitswap between members, and no bootstrap, DHT, gateway, relay or delegated routing. Everything is imported when the
 * node is started, so that the core answers before that.
 */
import { createHash } from 'node:crypto';
import type { HeliaWithLibp2p } from '@helia/libp2p';
import type { CID } from 'multiformats/cid';
import { AppError } from '../../../../src-shared/errors.ts';
import { bitswapLimitMs, limitOutgoing, watchIncoming } from './bitswap-streams.ts';
import type { DurableBlocks, FetchBlock } from './blocks.ts';
import type { Connection } from './frames.ts';
import { Liveness } from './liveness.ts';
import { createWants } from './wants.ts';

export interface Node {
  readonly helia: HeliaWithLibp2p<Record<string, unknown>>;
  readonly fetch: FetchBlock;
  readonly liveness: Liveness;
  /** Tells peers that wait for them that these blocks are here now. */
  announce(cids: readonly CID[]): Promise<void>;
}

/** Who is let in, and who gets blocks; asked at each connection and at each stream that wants blocks. */
export interface Gate {
  isCutOff(peer: string): boolean;
  mayHaveBlocks(peer: string): Promise<boolean>;
}

/** A clinic's workstations, other clinics' and room for devices; beyond it a flood is refused. */
const maxConnections = 128;

/** Whoever brought nothing for so long is asked again for what is waited for: */
const askAgainMs = 3_000;
/** more than its own wants in that time, */
const bytesOfWants = 4096;
/** and whoever goes on bringing something, after so long. */
const askAllMs = 60_000;
/** A peer sends its messages one after the other; each may have the size of the largest block. */
const maxBlockStreams = 32;
/** For a stream to a peer to be opened. */
const openStreamMs = 10_000;

/**
 * Starts a node.
 * @throws AppError PEER_UNREACHABLE (details.reason 'listen') where it cannot listen on the given addresses.
 */
export async function startNode(
  blocks: DurableBlocks,
  options: {
    readonly swarmKey: Uint8Array;
    readonly identity: Uint8Array;
    readonly listen: readonly string[];
    readonly mdns: boolean;
    readonly gate: Gate;
  },
): Promise<Node> {
  const [
    { createHeliaLight },
    { withLibp2pLight },
    { withBitswap },
    { tcp },
    { webSockets },
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
    import('@libp2p/websockets'),
    import('@chainsafe/libp2p-noise'),
    import('@chainsafe/libp2p-yamux'),
    import('@libp2p/identify'),
    import('@libp2p/ping'),
    import('@libp2p/pnet'),
    import('@libp2p/crypto/keys'),
    import('./helia-blockstore.ts'),
  ]);
  const discovery = options.mdns ? [(await import('@libp2p/mdns')).mdns({ serviceTag: serviceTag(options.swarmKey) })] : [];
  const { gate } = options;
  const helia = withLibp2pLight(createHeliaLight({ blockstore: new HeliaBlockstore(blocks) }), {
    privateKey: await generateKeyPairFromSeed('Ed25519', options.identity),
    // What others learn of this node: no versions of the system below.
    nodeInfo: { name: 'anamnesis', version: '1', userAgent: 'anamnesis' },
    addresses: { listen: [...options.listen] },
    transports: [tcp(), webSockets()],
    connectionProtector: preSharedKey({ psk: swarmKeyFile(options.swarmKey) }),
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: {
      denyDialPeer: (peer) => gate.isCutOff(peer.toString()),
      denyInboundEncryptedConnection: (peer) => gate.isCutOff(peer.toString()),
    },
    peerDiscovery: discovery,
    connectionManager: {
      maxConnections,
      inboundConnectionThreshold: 32,
      // A /dnsaddr would be resolved over public DNS-over-HTTPS servers.
      resolvers: {},
      // Reconnection is done in peers.ts, for addresses rather than ids, and without an end.
      reconnectRetries: 0,
    },
    connectionMonitor: { enabled: false },
    services: { identify: identify(), ping: ping() },
  });
  const wants = createWants(async (cid, signal) => {
    const chunks: Uint8Array[] = [];
    const asking = bitswap.askAgain();
    try {
      for await (const chunk of helia.blockstore.get(cid, { signal })) chunks.push(chunk);
    } finally {
      asking.end();
    }
    const [only] = chunks;
    return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
  });
  const liveness = new Liveness();
  const bitswap = standBetween(helia, gate, liveness, (bytes) => wants.note(bytes));
  withBitswap(helia, {
    ...{ maxInboundStreams: maxBlockStreams, maxOutboundStreams: maxBlockStreams },
    ...{ messageReceiveTimeout: bitswapLimitMs, messageSendTimeout: bitswapLimitMs },
  });
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
  liveness.watch(helia.libp2p);
  return {
    helia,
    liveness,
    fetch: (cid, wait) => wants.fetch(cid, wait),
    async announce(cids) {
      for (const cid of cids) for (const broker of announcers) await broker.announce?.(cid);
    },
  };
}

interface Bitswap {
  /** Sends peers that bring nothing the whole list of what is wanted, again and again until that is ended. */
  askAgain(): { end(): void };
}

/**
 * Stands between libp2p and bitswap, in what bitswap registers there when it starts.
 *
 * Its streams: bitswap knows no peers that get nothing, and libp2p's stream middleware (`use`) keeps what it is given and grows it with each stream. So a
 * stream is handed on once its peer may have blocks, with limits that fit a slow line (bitswap-streams.ts).
 *
 * Its peers: where the first list of wants does not get through (the peer has just started, or does not know yet who asks), bitswap leaves out that
 * peer for as long as the connection lasts, and what was asked of it once it never asks again. So while something is waited for, bitswap is told of
 * its peers anew, which has it send the whole list; not while a peer brings blocks, for it would bring them twice.
 */
function standBetween(
  helia: HeliaWithLibp2p<Record<string, unknown>>,
  gate: Gate,
  liveness: Liveness,
  came: (bytes: number) => void,
): Bitswap {
  let waiting = 0;
  let timer: NodeJS.Timeout | undefined;
  /** Asks those who bring nothing, and now and then the others too. */
  let tellAgain = (): void => {};
  const bytesSince = new WeakMap<Connection, number>();
  const askedAt = new WeakMap<Connection, number>();
  const isBitswap = (protocols: string | readonly string[]) => [protocols].flat().some((protocol) => protocol.startsWith('/ipfs/bitswap/'));
  helia.addMixin<typeof helia>({
    name: 'anamnesis-gate',
    start: ({ libp2p }) => {
      const handle = libp2p.handle.bind(libp2p);
      libp2p.handle = (protocols, handler, handlerOptions) =>
        handle(
          protocols,
          isBitswap(protocols)
            ? async (stream, connection) => {
                if (!(await gate.mayHaveBlocks(connection.remotePeer.toString())))
                  return stream.abort(new Error('No blocks for this peer'));
                watchIncoming(stream, (bytes) => {
                  bytesSince.set(connection, (bytesSince.get(connection) ?? 0) + bytes);
                  liveness.heard(connection);
                  came(bytes);
                });
                return handler(stream, connection);
              }
            : handler,
          handlerOptions,
        );
      const dialProtocol = libp2p.dialProtocol.bind(libp2p);
      libp2p.dialProtocol = async (peer, protocols, dialOptions) => {
        if (!isBitswap(protocols)) return dialProtocol(peer, protocols, dialOptions);
        const signal = AbortSignal.any([AbortSignal.timeout(openStreamMs), ...(dialOptions?.signal ? [dialOptions.signal] : [])]);
        const connection = await libp2p.dial(peer, { signal });
        const stream = await connection.newStream([protocols].flat(), { ...dialOptions, signal });
        limitOutgoing(stream, liveness.sends(connection));
        return stream;
      };
      const register = libp2p.register.bind(libp2p);
      libp2p.register = (protocol, topology, registerOptions) => {
        if (isBitswap(protocol))
          tellAgain = () => {
            for (const connection of libp2p.getConnections()) {
              const bringsSomething = (bytesSince.get(connection) ?? 0) > bytesOfWants;
              bytesSince.delete(connection);
              if (bringsSomething && Date.now() - (askedAt.get(connection) ?? 0) < askAllMs) continue;
              askedAt.set(connection, Date.now());
              void topology.onConnect?.(connection.remotePeer, connection);
            }
          };
        return register(protocol, topology, registerOptions);
      };
    },
  });
  return {
    askAgain() {
      waiting += 1;
      timer ??= setInterval(() => tellAgain(), askAgainMs).unref();
      return {
        end() {
          waiting -= 1;
          if (waiting > 0) return;
          clearInterval(timer);
          timer = undefined;
        },
      };
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
