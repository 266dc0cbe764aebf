/**
 * IPFS for the core: blocks on the disk at once, the network behind it when it is up. Storing and reading what is here work without a
 * running node; everything that comes from a peer is checked like everything that comes from the disk.
 */
import type { EncodedFileBlock, IpfsPort, PeerPort, PeerService } from '../../ports.ts';
import { AppError } from '../../../../src-shared/errors.ts';
import { readBlock } from './blocks.ts';
import type { DurableBlocks, ReadOptions } from './blocks.ts';
import { matches, parseCid } from './cids.ts';
import { fileBlocks, layOutFile, layOutStream, readFileRange } from './files.ts';
import { startNode } from './node.ts';
import type { Node } from './node.ts';
import type { Budget } from './peer-budget.ts';
import { PeerMessages } from './peer-messages.ts';
import { PeerKeeper, parseAddress } from './peers.ts';

/** For a peer that floods this one. */
const floodPauseMs = 10 * 60_000;
const maxCutOff = 1024;

/**
 * @param options.blocks the durable blockstore; it is closed by whoever opened it, after `stop`.
 * @param options.transferMs how long a peer may take over one message; `budget`, how much it may ask for.
 */
export function createIpfs(options: {
  readonly blocks: DurableBlocks;
  readonly transferMs?: number;
  readonly budget?: Budget;
}): IpfsPort & PeerPort {
  const { blocks } = options;
  const listeners = new Set<() => void>();
  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  const peerListeners: ((peer: string, connected: boolean) => void)[] = [];
  const services = new Map<string, PeerService>();
  /** Peers that were cut off, with the time (ms) until when. */
  const cutOff = new Map<string, number>();
  let mayHaveBlocks: (peer: string) => Promise<boolean> = () => Promise.resolve(true);
  const gate = {
    isCutOff: (peer: string) => (cutOff.get(peer) ?? 0) > Date.now(),
    mayHaveBlocks: (peer: string) => mayHaveBlocks(peer),
  };
  let running: { readonly node: Node; readonly keeper: PeerKeeper; readonly messages: PeerMessages } | null = null;
  // Starting and stopping never overlap.
  let last: Promise<void> = Promise.resolve();
  const inTurn = (step: () => Promise<void>): Promise<void> => {
    const done = last.then(step);
    last = done.catch(() => undefined);
    return done;
  };
  const tellPeer = (peer: string, isConnected: boolean) => {
    for (const listener of peerListeners) listener(peer, isConnected);
  };
  const cutPeerOff = (peer: string, forMs: number) => {
    if (cutOff.size >= maxCutOff) cutOff.delete(cutOff.keys().next().value ?? '');
    cutOff.set(peer, Date.now() + forMs);
    for (const connection of running?.node.helia.libp2p.getConnections() ?? []) {
      if (connection.remotePeer.toString() === peer) connection.abort(new Error('Cut off'));
    }
  };
  const read = async (cid: string, readOptions?: ReadOptions): Promise<Uint8Array> => {
    const parsed = parseCid(cid);
    // A node that is about to be up is waited for; what is here already is not.
    if (running === null && readOptions?.offline !== true && !blocks.has(parsed.multihash.bytes)) await last;
    const network = { fetch: running?.node.fetch ?? null, alone: running === null || running.keeper.connected().length === 0 };
    return readBlock(blocks, network, parsed, readOptions);
  };

  return {
    start: (startOptions) =>
      inTurn(async () => {
        if (running !== null) throw new AppError('INTERNAL', 'The IPFS node is running already.');
        if (startOptions.swarmKey.length !== 32 || startOptions.identity.length !== 32)
          throw new RangeError('Swarm key and identity have 32 bytes');
        startOptions.peers.forEach(parseAddress);
        const node = await startNode(blocks, { ...startOptions, gate });
        const { libp2p } = node.helia;
        const messages = new PeerMessages(libp2p, {
          onFlood: (peer) => cutPeerOff(peer, floodPauseMs),
          onHeard: (connection) => node.liveness.heard(connection),
          ...options,
        });
        for (const [protocol, service] of services) await messages.serve(protocol, service);
        const keeper = new PeerKeeper(libp2p, changed);
        running = { node, keeper, messages };
        libp2p.addEventListener('peer:connect', (event) => tellPeer(event.detail.toString(), true));
        libp2p.addEventListener('peer:disconnect', (event) => {
          messages.forget(event.detail.toString());
          tellPeer(event.detail.toString(), false);
        });
        // Who was faster than the listeners.
        for (const { id } of keeper.connected()) tellPeer(id, true);
        for (const peer of startOptions.peers) keeper.keep(peer);
      }),
    stop: () =>
      inTurn(async () => {
        const stopping = running;
        if (stopping === null) return;
        running = null;
        stopping.keeper.stop();
        await stopping.node.helia.stop();
        changed();
      }),
    addresses: () => (running === null ? [] : running.node.helia.libp2p.getMultiaddrs().map(String)),
    peers: () => running?.keeper.connected() ?? [],
    async dial(address) {
      parseAddress(address);
      await last;
      if (running === null)
        throw new AppError('PEER_UNREACHABLE', 'This workstation is not connected to any network yet. Try again in a moment.');
      await running.keeper.dial(address);
    },
    onPeersChanged(listener) {
      listeners.add(listener);
    },
    async idOf(identity) {
      const [{ generateKeyPairFromSeed }, { peerIdFromPrivateKey }] = await Promise.all([
        import('@libp2p/crypto/keys'),
        import('@libp2p/peer-id'),
      ]);
      return peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', identity)).toString();
    },
    serve(protocol, service) {
      services.set(protocol, service);
    },
    async ask(peer, protocol, request, askOptions) {
      if (running === null)
        throw new AppError('PEER_UNREACHABLE', 'This workstation is not connected to any network yet. It is tried again.');
      return running.messages.ask(peer, protocol, request, askOptions);
    },
    guardBlocks(guard) {
      mayHaveBlocks = guard;
    },
    cutOff: cutPeerOff,
    onPeer(listener) {
      peerListeners.push(listener);
    },
    layOut: layOutFile,
    layOutStream,
    fileBlocks: (cid, options) => fileBlocks((block) => read(block.toString(), options), parseCid(cid)),
    remove: (cids) => blocks.deleteAll(cids.map((cid) => parseCid(cid).multihash.bytes)),
    put(encoded) {
      const parsed = encoded.map(parseBlock);
      blocks.putAll(parsed.map(({ cid, bytes }) => ({ multihash: cid.multihash.bytes, bytes })));
      // Not waited for: peers that are told nothing ask again.
      running?.node.announce(parsed.map(({ cid }) => cid)).catch((error: unknown) => {
        running?.node.helia.logger.forComponent('anamnesis:ipfs')('blocks not announced: %e', error as Error);
      });
    },
    has: (cid) => blocks.has(parseCid(cid).multihash.bytes),
    get: read,
    readFile: (cid, { offset, length, maxBytes, offline, timeoutMs } = {}) =>
      readFileRange((block) => read(block.toString(), { offline, timeoutMs }), parseCid(cid), { offset, length, maxBytes }),
  };
}

/** What is stored under a CID must be it: a mistake would otherwise show only when it is read, as tampering. */
function parseBlock({ cid, bytes }: EncodedFileBlock): { cid: ReturnType<typeof parseCid>; bytes: Uint8Array } {
  const parsed = parseCid(cid);
  if (!matches(parsed, bytes)) throw new AppError('INVALID_INPUT', 'A block does not match its CID. Nothing was saved.', { cid });
  return { cid: parsed, bytes };
}
