/** The other workstations: who they are, what is exchanged with those of this clinic, whose blocks are fetched, and the ledger for those that have none. */
import type {
  HoldingsPort,
  IpfsPort,
  KeyPort,
  LedgerPort,
  OperationCodecPort,
  PeerPort,
  RecordCryptoPort,
  WorkstationStorePort,
} from '../../ports.ts';
import type { ClockWatch } from '../clock-watch.ts';
import { directoryKinds, type Directory } from '../directory.ts';
import type { FactBus } from '../facts.ts';
import type { NetworkService } from '../network.ts';
import type { Sessions } from '../sessions.ts';
import { createArrivals, type Arrivals } from './arrivals.ts';
import { createBlockFetcher, type BlockFetcher } from './block-fetcher.ts';
import { createComputers, type Computers } from './computers.ts';
import { createExchange } from './exchange.ts';
import { createHello, type Hello } from './hello.ts';
import { createReplication, type Replication } from './replication.ts';
import { createTimes } from './times.ts';
import { createVouchers } from './vouchers.ts';

export const ledgerProtocol = '/anamnesis/ledger/1';
/** A batch of transactions, and a piece of the logs. */
const maxLedgerRequest = 768 * 1024;
const maxLedgerAnswer = 16 * 1024 * 1024;

/** For the maker of an operation to send it itself; then one after the other of those who hold it, so that not all do at once. */
const headStartMs = 4_000;
const turnMs = 3_000;

export interface Neighbourhood {
  readonly computers: Computers;
  readonly hello: Hello;
  /** The same checks, and the same fetching, serve what comes by other ways. */
  readonly arrivals: Arrivals;
  readonly fetcher: BlockFetcher;
  readonly replication: Replication;
  /** After what time this workstation sends what another brought: the connected ones take turns, in the order of their ids. */
  headStartMs(): number;
  stop(): Promise<void>;
}

export function createNeighbourhood(deps: {
  readonly store: WorkstationStorePort;
  readonly held: Pick<HoldingsPort, 'holdersOf'>;
  readonly keys: KeyPort;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly ledger: LedgerPort;
  readonly ipfs: IpfsPort & PeerPort;
  readonly directory: Directory;
  readonly network: NetworkService;
  readonly sessions: Sessions;
  readonly facts: FactBus;
  readonly clock: () => number;
  readonly clockWatch: ClockWatch;
  /** Of the newest block that is known, in seconds; null before the ledger was reached. */
  readonly ledgerTime: () => number | null;
  readonly report: (error: unknown) => void;
  readonly organization: () => string | null;
  readonly ownPeer: () => string | null;
  readonly areMoved: Parameters<typeof createBlockFetcher>[0]['areMoved'];
  /** After operations became known, and it was looked which of them this clinic keeps. */
  readonly onReplicated: () => void;
  /** Something that waited for another workstation may go on. */
  readonly onReachable: () => void;
}): Neighbourhood {
  const { store, crypto, codec, ipfs, directory, network, sessions, facts, report } = deps;
  const vouchers = createVouchers(codec, crypto, directory, (organization) => network.ofOrganization(organization));
  const computers = createComputers({ ...deps, peers: ipfs, vouchers });
  const hello = createHello({ peers: ipfs, crypto, computers, report });
  const { clock, clockWatch } = deps;
  const times = createTimes({ peers: ipfs, crypto, hello, clock, clockWatch, onChange: () => facts.tell('status', null), report });
  const arrivals = createArrivals({
    ...{ store, codec, directory, ledgerTime: deps.ledgerTime },
    network: () => network.require().config,
    tell: (kinds) => facts.tell('operations', { kinds }),
  });
  const fetcher = createBlockFetcher({
    ...{ store, ipfs, crypto, codec, areMoved: deps.areMoved, report },
    isOffered(opId) {
      const connected = new Set(ipfs.peers().map(({ id }) => id));
      return deps.held.holdersOf(opId).some(({ holder }) => connected.has(holder));
    },
  });
  const replication = createReplication({
    ...{ store, codec, directory },
    organization: deps.organization,
    onMarked: () => fetcher.wake(),
  });
  const exchange = createExchange({
    ...{ store, peers: ipfs, crypto, hello, arrivals, fetcher, report },
    checksummed: (account) => codec.checksummed(account),
    // No kind changed, but what screens say about them.
    onPublished: () => facts.tell('operations', { kinds: new Set() }),
  });

  /** Only for members, and only where the ledger runs here. */
  ipfs.serve(ledgerProtocol, {
    maxRequestBytes: maxLedgerRequest,
    maxAnswerBytes: maxLedgerAnswer,
    async answer(peer, request) {
      const standing = await hello.standing(peer);
      if ((standing !== 'own' && standing !== 'member') || !network.current()?.embedded) return null;
      return deps.ledger.relay(request);
    },
  });

  const renew = () => {
    const session = sessions.current();
    if (session) computers.renew(session);
  };
  sessions.onBegin(renew);
  computers.onChange(() => facts.tell('status', null));
  hello.onStanding(() => {
    fetcher.wake();
    deps.onReachable();
  });
  facts.on('operations', ({ kinds }) => {
    const isDirectory = [...kinds].some((kind) => directoryKinds.has(kind));
    if (isDirectory) {
      renew();
      hello.review();
    }
    exchange.wake(isDirectory);
    replication.look().then(deps.onReplicated, report);
    fetcher.wake();
  });

  return {
    ...{ computers, hello, arrivals, fetcher, replication },
    headStartMs() {
      const me = deps.ownPeer() ?? '';
      return headStartMs + turnMs * hello.own().filter((peer) => peer < me).length;
    },
    async stop() {
      hello.stop();
      times.stop();
      exchange.stop();
      await Promise.all([fetcher.stop(), replication.stop()]);
    },
  };
}
