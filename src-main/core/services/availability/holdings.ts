/**
 * What this workstation keeps, and whether it is whole: all that its clinic's operations name. Looks at what became known since the last time, at what was
 * fetched, and at what was found damaged; so it costs nothing while nothing happens.
 */
import type { BlockCarePort, HoldingsPort, OperationCodecPort, StoredOperation, WorkstationStorePort } from '../../ports.ts';
import { digestsIn } from '../peers/blocks-of.ts';
import type { Replication } from '../peers/replication.ts';
import type { BlockLists } from './operation-blocks.ts';

export interface Holdings {
  /** After operations or blocks became known. */
  wake(): void;
  /** Blocks of these came. */
  arrived(opIds: readonly string[]): void;
  /** Resolves when all that is known was looked at. */
  settled(): Promise<void>;
  onChange(listener: () => void): void;
  stop(): Promise<void>;
}

const setting = 'availability.looked';
const page = 500;
/** Between keeping how far it looked: not at every save, and looking twice does no harm. */
const keepEvery = 500;
const pageOfOwners = 5000;

export function createHoldings(deps: {
  readonly store: WorkstationStorePort;
  readonly holdings: HoldingsPort;
  readonly care: BlockCarePort;
  readonly codec: OperationCodecPort;
  readonly lists: BlockLists;
  readonly replication: Pick<Replication, 'keeps' | 'lookedTo'>;
  readonly wakeFetcher: () => void;
  readonly report: (error: unknown) => void;
}): Holdings {
  const { store, holdings, care, codec, lists, replication } = deps;
  const listeners: (() => void)[] = [];
  const fetched = new Set<string>();
  let damaged = true;
  let looked: number | null = null;
  let kept = 0;
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = false;
  let changed = false;

  const keep = () => {
    if (looked !== null && looked > kept) store.setSetting(setting, (kept = looked));
  };

  const note = (opId: string, whole: boolean, records: number) => {
    changed = holdings.note(opId, whole, records) || changed;
  };

  /** Names its blocks, as far as they can be known here, and says whether they are here. */
  const examine = async (stored: StoredOperation): Promise<void> => {
    const { opId } = stored.operation;
    const { cids, complete, records } = await lists.of(stored);
    care.name(opId, cids);
    note(opId, complete && care.isWhole(opId), records);
    if (complete || stored.awaitsBlocks) return;
    // Nobody knows of how many blocks it consists: fetched from the beginning.
    store.awaitBlocks([opId]);
    deps.wakeFetcher();
  };

  const lookAtNew = async (): Promise<void> => {
    while (!stopped) {
      const after: number = (looked ??= kept = store.setting<number>(setting) ?? 0);
      const operations = store.operations({ order: 'seq', afterSeq: after, limit: page });
      for (const stored of operations) {
        // Further on it is not known yet which patients are this clinic's.
        if (stopped || stored.seq > replication.lookedTo()) return;
        const isKept = stored.origin !== 'ledger' || replication.keeps(stored);
        if (isKept && digestsIn(codec.decodePayload(stored.operation)).length > 0) {
          if (stored.awaitsBlocks) note(stored.operation.opId, false, 0);
          else await examine(stored);
          await new Promise((resolve) => setImmediate(resolve));
        }
        looked = stored.seq;
      }
      if (looked > kept + keepEvery) keep();
      if (operations.length < page) return;
    }
  };

  const lookAtFetched = async (): Promise<void> => {
    for (const opId of fetched) {
      if (stopped) return;
      fetched.delete(opId);
      const stored = store.operation(opId);
      if (stored) await examine(stored);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };

  /** What lacks blocks now, and what did and has them again. */
  const lookAtDamage = (): void => {
    const lacking = new Set<string>();
    for (let after: string | undefined; ;) {
      const owners = care.incomplete(pageOfOwners, after);
      for (const opId of owners) lacking.add(opId);
      after = owners.at(-1);
      if (owners.length < pageOfOwners) break;
    }
    for (const opId of lacking) {
      const holding = holdings.holding(opId);
      if (holding?.whole) note(opId, false, holding.records);
    }
    for (let after = 0; ;) {
      const incomplete = holdings.incompleteAfter(after, page);
      for (const { place, opId, records } of incomplete) {
        after = place;
        if (!lacking.has(opId) && store.operation(opId)?.awaitsBlocks === false && care.isWhole(opId)) note(opId, true, records);
      }
      if (incomplete.length < page) return;
    }
  };

  const run = async (): Promise<void> => {
    try {
      do {
        again = false;
        await lookAtNew();
        await lookAtFetched();
        if (damaged) lookAtDamage();
        damaged = false;
      } while (again && !stopped);
    } catch (error) {
      if (!stopped) deps.report(error);
    } finally {
      running = null;
      if (changed) for (const listener of listeners) listener();
      changed = false;
    }
  };

  const wake = () => {
    if (stopped) return;
    if (running) again = true;
    else running = run();
  };

  care.onDamaged(() => {
    damaged = true;
    wake();
  });

  return {
    wake,
    arrived(opIds) {
      for (const opId of opIds) fetched.add(opId);
      damaged = true;
      wake();
    },
    async settled() {
      wake();
      while (running) await running;
    },
    onChange: (listener) => void listeners.push(listener),
    async stop() {
      stopped = true;
      while (running) await running;
      keep();
    },
  };
}
