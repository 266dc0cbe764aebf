/** Where blocks are: what this workstation keeps, who else holds it, and what is done about what is missing. Puts the parts together. */
import type {
  BlockCarePort,
  FreeingPort,
  HoldingsPort,
  KeptPinsPort,
  PinningPort,
  PinQueuePort,
  IpfsPort,
  OperationCodecPort,
  PeerPort,
  RecordCryptoPort,
  WorkstationStorePort,
} from '../../ports.ts';
import type { AvailabilityView, BlockCheckView, CopyCounts, CopyWarning, WantedCopies } from '../../../../src-shared/view-types.ts';
import type { Directory } from '../directory.ts';
import type { FactBus } from '../facts.ts';
import type { Neighbourhood } from '../peers/neighbourhood.ts';
import type { Reencryptions } from '../reencryptions.ts';
import type { Session } from '../sessions.ts';
import { createCopies, silentAfterMs, speakerOf, type Copies } from './copies.ts';
import { countCopies, warningOf } from './copy-counts.ts';
import { createContentProofs } from './content-proof.ts';
import { createCopyPolicy, type CopyPolicy } from './copy-policy.ts';
import { createFreeRound } from './free-round.ts';
import { createFreeing, type Freeing } from './freeing.ts';
import { createHoldings, type Holdings } from './holdings.ts';
import type { BlockLists } from './operation-blocks.ts';
import { createPinKeeping, usualPinLimits, type PinKeeping } from './pin-keeping.ts';
import { createPinning, type Pinning } from './pinning.ts';
import { createPromises } from './promises.ts';
import { createRecordCopies, nameOf, type RecordCopyReader } from './record-copies.ts';
import { createRepair, type Repair } from './repair.ts';

export interface Availability {
  readonly holdings: Holdings;
  readonly copies: Copies;
  readonly repair: Repair;
  readonly policy: CopyPolicy;
  readonly records: RecordCopyReader;
  readonly pinning: Pinning;
  readonly pinKeeping: PinKeeping;
  readonly freeing: Freeing;
  counts(): CopyCounts;
  warning(): CopyWarning;
  /** By an admin, for the whole clinic. Throws NOT_SET_UP. */
  setWanted(session: Session, wanted: WantedCopies): void;
  view(): AvailabilityView;
  /** Compares all blocks with their hashes now, and asks others for what is missing or damaged. */
  check(tell?: (bytes: number) => void): Promise<BlockCheckView>;
  start(): void;
  stop(): Promise<void>;
}

const sinceSetting = 'availability.lowSince';
/** Missing blocks, and operations that need them, are counted up to here. */
const countLimit = 10_000;

export function createAvailability(deps: {
  readonly store: WorkstationStorePort;
  readonly held: HoldingsPort;
  readonly table: FreeingPort;
  readonly care: BlockCarePort;
  readonly queue: PinQueuePort;
  readonly kept: KeptPinsPort;
  readonly service: PinningPort;
  readonly ipfs: IpfsPort & PeerPort;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly directory: Directory;
  readonly lists: BlockLists;
  readonly neighbourhood: Neighbourhood;
  readonly reencryptions: () => Pick<Reencryptions, 'movesOf'>;
  readonly facts: FactBus;
  readonly kind: 'workstation' | 'hub';
  readonly ownPeer: () => string | null;
  /** Patients whose chart or card is open. */
  readonly atHand: () => readonly string[];
  readonly organization: () => string | null;
  readonly networkOf: (organization: string) => string;
  readonly clinicOf: (peer: string) => string;
  readonly clock: () => number;
  readonly report: (error: unknown) => void;
}): Availability {
  const { store, held, care, ipfs, crypto, codec, lists, neighbourhood, facts, clock, report } = deps;
  const { hello, computers, fetcher, replication } = neighbourhood;
  const holdings = createHoldings({
    ...{ store, holdings: held, care, codec, lists, replication, report },
    wakeFetcher: () => fetcher.wake(),
  });
  const policy = createCopyPolicy(deps);
  const copies = createCopies({
    ...{ store, holdings: held, care, peers: ipfs, crypto, hello, policy, kind: deps.kind, clock, report },
    members: () => computers.list().map(({ peer }) => peer),
  });
  const repair = createRepair({ store, care, held, ipfs, hello, clock, report });
  const pinning: Pinning = createPinning({ ...deps, onChange: () => changed() });
  const pinKeeping = createPinKeeping({ ...deps, limits: usualPinLimits });
  const proofs = createContentProofs(deps);
  const heardOf = (peer: string) => held.holders().find(({ holder }) => holder === peer);
  const promises = createPromises({
    ...{ ...deps, peers: ipfs, proofs, hello },
    counts: (peer) => computers.standing(peer) === 'own' && (heardOf(peer)?.confirmedAt ?? 0) > clock() - silentAfterMs,
    sizeOf: (opId) => care.sizeOf(opId, proofs.keptOf(opId)),
    onMissing: (opIds) => holdings.arrived(opIds),
  });
  const round = createFreeRound({
    ...{ ...deps, proofs, promises, own: () => hello.own(), wanted: () => policy.wanted() },
    kindOf: (peer) => heardOf(peer)?.kind ?? 'workstation',
  });
  const freeing = createFreeing({
    ...{ ...deps, proofs, promises, round, wanted: () => policy.wanted() },
    isPinned: () => pinning.view() !== null,
    connected: () => hello.own().length,
    wakeFetcher: () => fetcher.wake(),
    onChange: () => {
      changed();
      copies.tellNews();
    },
  });
  const records = createRecordCopies({ ...deps, computers, copies, serviceName: () => pinning.name() });

  const counts = () => countCopies(held.tally(), policy.wanted(), deps.kind);
  const warning = () => warningOf(counts(), policy.wanted());

  const changed = () => {
    const isLow = Object.values(warning()).some((records) => records > 0);
    const since = store.setting<number>(sinceSetting) ?? null;
    if (isLow !== (since !== null)) store.setSetting(sinceSetting, isLow ? clock() : undefined);
    facts.tell('status', null);
    freeing.review();
  };
  holdings.onChange(() => {
    changed();
    copies.tellNews();
    pinning.wake();
  });
  // What is anchored now may be pinned.
  facts.on('operations', () => pinning.wake());
  copies.onChange(changed);
  repair.onRepaired(() => holdings.arrived([]));
  fetcher.onComplete((opIds) => holdings.arrived(opIds));
  hello.onStanding(() => repair.wake());
  computers.onChange(() => {
    copies.review();
    promises.review();
  });

  return {
    ...{ holdings, copies, repair, policy, records, pinning, pinKeeping, freeing, counts },
    warning: () => ({ ...warning(), since: store.setting<number>(sinceSetting) ?? null }),
    setWanted(session, wanted) {
      policy.set(session, wanted);
      copies.tellNews();
      changed();
    },
    view() {
      const names = new Map(computers.list().map(({ peer, name }) => [peer, name]));
      const connected = new Set(hello.own());
      return {
        counts: counts(),
        wanted: policy.wanted(),
        holders: held.holders().map(({ holder, kind, confirmedAt }) => ({
          ...{ kind, confirmedAt, name: nameOf(names, { holder, kind }, pinning.name()) },
          ...{ connected: connected.has(speakerOf(holder)), held: held.countOf(holder) },
        })),
        pinning: pinning.view(),
        checkedAt: repair.progress().checkedAt,
        bytes: care.space().bytes,
        freeing: freeing.view(),
      };
    },
    async check(tell) {
      const { blocks, damaged } = await repair.checkAll(tell);
      if (care.wanted(1).length > 0) await repair.fetchWanted();
      await holdings.settled();
      return { blocks, damaged, wanted: care.wanted(countLimit).length, affected: care.incomplete(countLimit).length };
    },
    start() {
      copies.review();
      repair.start();
      pinning.start();
      pinKeeping.start();
      freeing.start();
      replication.look().then(() => holdings.wake(), report);
    },
    async stop() {
      copies.stop();
      await Promise.all([holdings.stop(), repair.stop(), pinning.stop(), pinKeeping.stop(), freeing.stop()]);
    },
  };
}
