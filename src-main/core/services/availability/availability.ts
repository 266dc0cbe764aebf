/** Where blocks are: what this workstation keeps, who else holds it, and what is done about what is missing. Puts the parts together. */
import type {
  BlockCarePort,
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
import type { AvailabilityView, BlockCheckView, CopyCounts, CopyWarning } from '../../../../src-shared/view-types.ts';
import type { Directory } from '../directory.ts';
import type { FactBus } from '../facts.ts';
import type { Neighbourhood } from '../peers/neighbourhood.ts';
import type { Reencryptions } from '../reencryptions.ts';
import { createCopies, type Copies } from './copies.ts';
import { createCopyPolicy, type CopyPolicy } from './copy-policy.ts';
import { createHoldings, type Holdings } from './holdings.ts';
import type { BlockLists } from './operation-blocks.ts';
import { createPinKeeping, usualPinLimits, type PinKeeping } from './pin-keeping.ts';
import { createPinning, type Pinning } from './pinning.ts';
import { createRecordCopies, type RecordCopyReader } from './record-copies.ts';
import { createRepair, type Repair } from './repair.ts';

export interface Availability {
  readonly holdings: Holdings;
  readonly copies: Copies;
  readonly repair: Repair;
  readonly policy: CopyPolicy;
  readonly records: RecordCopyReader;
  readonly pinning: Pinning;
  readonly pinKeeping: PinKeeping;
  counts(): CopyCounts;
  warning(): CopyWarning;
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
  const records = createRecordCopies({ ...deps, computers, copies, serviceName: () => pinning.name() });

  const counts = (): CopyCounts => {
    const sum = { records: 0, onlyHere: 0, tooFew: 0, incomplete: 0, nowhere: 0 };
    const wanted = policy.wanted();
    for (const { whole, copies: others, records } of held.tally()) {
      sum.records += records;
      if (!whole) sum.incomplete += records;
      if (!whole && others === 0) sum.nowhere += records;
      if (whole && others === 0) sum.onlyHere += records;
      if (whole && others + 1 < wanted) sum.tooFew += records;
    }
    return sum;
  };

  const changed = () => {
    const { onlyHere, nowhere } = counts();
    const isLow = (onlyHere > 0 && policy.wanted() > 1) || nowhere > 0;
    const since = store.setting<number>(sinceSetting) ?? null;
    if (isLow !== (since !== null)) store.setSetting(sinceSetting, isLow ? clock() : undefined);
    facts.tell('status', null);
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
  computers.onChange(() => copies.review());

  return {
    ...{ holdings, copies, repair, policy, records, pinning, pinKeeping, counts },
    warning() {
      const { onlyHere, nowhere } = counts();
      return { onlyHere: policy.wanted() > 1 ? onlyHere : 0, nowhere, since: store.setting<number>(sinceSetting) ?? null };
    },
    view() {
      const names = new Map(computers.list().map(({ peer, name }) => [peer, name]));
      const connected = new Set(hello.own());
      return {
        counts: counts(),
        wanted: policy.wanted(),
        holders: held.holders().map(({ holder, kind, confirmedAt }) => ({
          ...{ kind, confirmedAt, name: kind === 'pinning' ? pinning.name() : (names.get(holder) ?? 'Computer') },
          ...{ connected: connected.has(holder), held: held.countOf(holder) },
        })),
        pinning: pinning.view(),
        checkedAt: repair.progress().checkedAt,
        bytes: care.space().bytes,
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
      replication.look().then(() => holdings.wake(), report);
    },
    async stop() {
      copies.stop();
      await Promise.all([holdings.stop(), repair.stop(), pinning.stop(), pinKeeping.stop()]);
    },
  };
}
