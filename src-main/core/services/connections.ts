/**
 * What runs while a workstation is set up: the embedded ledger where it is ours, the follower and outbox, the private IPFS node. Each starts on its own
 * and may be away; work goes on, and the state is shown.
 */
import { AppError, toWireError, type WireError } from '../../../src-shared/errors.ts';
import type {
  EmbeddedLedgerPort,
  IpfsPort,
  LedgerPort,
  OperationCodecPort,
  PeerPort,
  RecordCryptoPort,
  WorkstationStorePort,
} from '../ports.ts';
import type { ClockWatch } from './clock-watch.ts';
import type { FactBus } from './facts.ts';
import { bytesOf, hexOf } from './bytes.ts';
import type { NetworkService, NetworkSettings } from './network.ts';
import { createLedgerSync, type LedgerSync } from './sync/ledger-sync.ts';

export interface Connections {
  /** Starts the embedded ledger of a new network and deploys the contracts, governed by one account. */
  createNetwork(governor: string): Promise<NetworkSettings>;
  /** Starts everything for the saved network; returns at once, what fails is shown and tried again. */
  start(): void;
  poke(): void;
  /** Tries at once what waits for a connection: somebody asked, or a network came back. */
  hurry(): void;
  /** Halts the reading of what gathered on the ledger, or goes on with it; until the next start. */
  setPaused(paused: boolean): void;
  status(): ReturnType<LedgerSync['status']> | null;
  /** What keeps the embedded ledger or the IPFS node from running. */
  error(): WireError | null;
  setEndpoint(endpoint: string): Promise<void>;
  /** Leaves the network: everything stops, `leave` runs, and everything starts for what is the network then. */
  moveAfter(leave: () => void): Promise<void>;
  /** Peer id of this workstation; the same from its first start on. */
  peerId(): Promise<string>;
  /**
   * Where other workstations reach this one; waits for the IPFS node while it starts.
   *
   * @throws AppError PEER_UNREACHABLE where it does not come up.
   */
  addresses(): Promise<string[]>;
  stop(): Promise<void>;
}

const confirmationsEmbedded = 2;
const retryMs = 5_000;
const startingLimitMs = 10_000;

/** The asked-for addresses, with the port that was found for those that left it open (`/tcp/0`). */
function keptAddresses(asked: readonly string[], found: readonly string[]): string[] {
  const port = found.map((address) => /\/tcp\/(\d+)/.exec(address)?.[1]).find((p) => p !== undefined);
  return asked.map((address) => (port ? address.replace(/\/tcp\/0$/, `/tcp/${port}`) : address));
}

export function createConnections(deps: {
  readonly store: WorkstationStorePort;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly ledger: LedgerPort;
  readonly embedded: EmbeddedLedgerPort;
  readonly ipfs: IpfsPort & PeerPort;
  readonly network: NetworkService;
  readonly facts: FactBus;
  readonly clock: () => number;
  readonly clockWatch: Pick<ClockWatch, 'noteBlock'>;
  readonly ledgerDir: string;
  readonly mdns: boolean;
  readonly listen: readonly string[];
  readonly headStartMs: () => number;
  /** Compartments that whoever is logged in may read. */
  readonly wanted: () => readonly string[];
  readonly catchUpFrom?: number;
}): Connections {
  const { store, crypto, ledger, embedded, ipfs, network, facts, clockWatch } = deps;
  let sync: LedgerSync | null = null;
  let failure: WireError | null = null;
  let stopped = false;
  let isListening = (): void => undefined;
  const listening = new Promise<void>((resolve) => (isListening = resolve));
  const timers = new Set<NodeJS.Timeout>();

  const secret = (name: string): Uint8Array => {
    const stored = store.setting<string>(name);
    if (stored) return bytesOf(stored);
    const made = crypto.randomBytes(32);
    store.setSetting(name, hexOf(made));
    return made;
  };

  const later = (step: () => void) => {
    if (stopped) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      step();
    }, retryMs);
    timer.unref();
    timers.add(timer);
  };

  const startSync = () => {
    const current = network.require();
    ledger.connect(current.endpoint, current.config);
    sync = createLedgerSync({
      store,
      ledger,
      codec: deps.codec,
      relayerKey: secret('relayerKey'),
      headStartMs: deps.headStartMs,
      wanted: deps.wanted,
      ...(deps.catchUpFrom === undefined ? {} : { catchUpFrom: deps.catchUpFrom }),
      confirmations: current.confirmations,
      clock: deps.clock,
      onChange: (kinds) => facts.tell(kinds.size === 0 ? 'status' : 'operations', kinds.size === 0 ? null : ({ kinds } as never)),
      // The embedded ledger's clock is this computer's own.
      ...(current.embedded ? { onMissingGateway: redeploy } : { onNewHead: ({ timestamp }) => clockWatch.noteBlock(timestamp) }),
    });
    sync.start();
  };

  /** The ledger began anew (its state was lost): the contracts come to the same addresses, and what was signed is sent again. */
  const redeploy = async () => {
    const current = network.require();
    if (!current.embedded)
      throw new AppError('LEDGER_WRONG_CHAIN', 'The ledger has no Anamnesis contracts at the address of this network.');
    const { governors, threshold } = current.embedded;
    const config = await embedded.deploy(current.endpoint, current.chainId, governors, threshold);
    if (config.operations !== current.operations)
      throw new AppError('LEDGER_WRONG_CHAIN', 'The contracts came to another address than before. Nothing was sent.');
  };

  const startEmbedded = async () => {
    const current = network.require();
    if (current.embedded) {
      const { url, port } = await embedded.start({ dir: deps.ledgerDir, chainId: current.chainId, port: current.embedded.port });
      if (port !== current.embedded.port || url !== current.endpoint) {
        const { config: _config, id: _id, ...settings } = current;
        network.save({ ...settings, endpoint: url, embedded: { ...current.embedded, port } });
      }
    }
    if (!stopped) startSync();
  };

  const attempt = (step: () => Promise<void>) => {
    step().then(
      () => {
        failure = null;
        facts.tell('status', null);
      },
      (error: unknown) => {
        failure = toWireError(error);
        facts.tell('status', null);
        later(() => attempt(step));
      },
    );
  };

  const peerId = async (): Promise<string> => {
    const id = await ipfs.idOf(secret('ipfsIdentity'));
    if (store.setting<string>('ownPeer') !== id) store.setSetting('ownPeer', id);
    return id;
  };

  const startIpfs = async () => {
    await peerId();
    const { swarmKey, peers } = network.require();
    const start = (listen: readonly string[]) =>
      ipfs.start({ swarmKey: bytesOf(swarmKey), identity: secret('ipfsIdentity'), listen, peers, mdns: deps.mdns });
    // The ports of the first start are kept, so that invitations stay true.
    const kept = store.setting<string[]>('ipfsListen');
    try {
      await start(kept ?? deps.listen);
    } catch (error) {
      // Somebody else has the port now: another one is found, and the peers are told by the next invitation or by mDNS.
      if (!kept || !(error instanceof AppError) || error.details['reason'] !== 'listen') throw error;
      await start(deps.listen);
    }
    store.setSetting('ipfsListen', keptAddresses(deps.listen, ipfs.addresses()));
    isListening();
  };

  return {
    async createNetwork(governor) {
      const chainId = 1_000_000 + (new DataView(crypto.randomBytes(4).buffer).getUint32(0) >>> 1);
      const { url, port } = await embedded.start({ dir: deps.ledgerDir, chainId, port: 0 });
      const { operations } = await embedded.deploy(url, chainId, [governor], 1);
      return {
        chainId,
        operations,
        endpoint: url,
        embedded: { port, governors: [governor], threshold: 1 },
        confirmations: confirmationsEmbedded,
        swarmKey: hexOf(crypto.randomBytes(32)),
        identifierKey: hexOf(crypto.randomBytes(32)),
        identifierKeyVersion: 1,
        peers: [],
      };
    },
    start() {
      attempt(startEmbedded);
      // Loading the IPFS node keeps the thread busy for a moment: calls that came while the core was starting are answered first.
      setImmediate(() => {
        if (!stopped) attempt(startIpfs);
      });
    },
    peerId,
    poke: () => sync?.poke(),
    hurry: () => sync?.hurry(),
    setPaused: (paused) => sync?.setPaused(paused),
    status: () => sync?.status() ?? null,
    error: () => failure,
    async setEndpoint(endpoint) {
      const { config: _config, id: _id, ...settings } = network.require();
      if (settings.embedded) throw new AppError('NOT_ALLOWED', 'This workstation runs the ledger itself; its address cannot be changed.');
      network.save({ ...settings, endpoint });
      // First: the address is mostly changed because the former one does not answer.
      ledger.close();
      await sync?.stop();
      startSync();
    },
    async moveAfter(leave) {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
      ledger.close();
      await Promise.allSettled([sync?.stop(), ipfs.stop()]);
      await embedded.stop();
      try {
        leave();
      } finally {
        // Where leaving did not succeed (a full disk), for the network that still is.
        if (!stopped) this.start();
      }
    },
    async addresses() {
      let limit: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        limit = setTimeout(() => {
          const message =
            'This workstation is not ready for connections of others yet, so nobody could reach it. Nothing was changed. Try again in a moment.';
          reject(new AppError('PEER_UNREACHABLE', message));
        }, startingLimitMs);
      });
      try {
        await Promise.race([listening, late]);
      } finally {
        clearTimeout(limit);
      }
      return ipfs.addresses();
    },
    async stop() {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
      ledger.close();
      await Promise.allSettled([sync?.stop(), ipfs.stop()]);
      await embedded.stop();
    },
  };
}
