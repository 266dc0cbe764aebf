/**
 * What this workstation keeps, and whether it is whole: all that its clinic's operations name. Looks at what became known since the last time, at what was
 * fetched, and at what was found damaged; so it costs nothing while nothing happens.
 */
import type { BlockCarePort, HoldingNote, HoldingsPort, OperationCodecPort, StoredOperation, WorkstationStorePort } from '../../ports.ts';
import { digestsIn } from '../peers/blocks-of.ts';
import type { Replication } from '../peers/replication.ts';
import type { BlockLists, OperationBlocks } from './operation-blocks.ts';

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
const page = 100;
/** So that what is saved together is looked at together. */
const settleMs = 200;
/** Between keeping how far it looked: not at every save, and looking twice does no harm. */
const keepEvery = 500;
const pageOfOwners = 5000;

export function createHoldings(deps: {
  readonly store: WorkstationStorePort;
  readonly holdings: HoldingsPort;
  readonly care: BlockCarePort;
  readonly codec: OperationCodecPort;
  readonly lists: BlockLists;
  readonly replication: Pick<Replication, 'kept' | 'lookedTo'>;
  readonly wakeFetcher: () => void;
  readonly report: (error: unknown) => void;
}): Holdings {
  const { store, holdings, care, codec, lists, replication } = deps;
  const listeners: (() => void)[] = [];
  const fetched = new Set<string>();
  let damaged = true;
  let looked: number | null = null;
  let lookedKept = 0;
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = false;
  let changed = false;
  let timer: NodeJS.Timeout | null = null;

  const keep = () => {
    if (looked !== null && looked > lookedKept) store.setSetting(setting, (lookedKept = looked));
  };

  const note = (notes: readonly HoldingNote[]) => {
    if (notes.length > 0) changed = holdings.note(notes) || changed;
  };

  /** Names their blocks, as far as they can be known here, and says whether they are here: together, since each time waits for the disk. */
  const examine = async (list: readonly StoredOperation[]): Promise<void> => {
    const looked: { readonly stored: StoredOperation; readonly blocks: OperationBlocks }[] = [];
    for (const stored of list) {
      if (stopped) return;
      // Named again, its contents would be missed and fetched.
      if (holdings.holding(stored.operation.opId)?.freed === true) continue;
      looked.push({ stored, blocks: await lists.of(stored) });
      await new Promise((resolve) => setImmediate(resolve));
    }
    // Withdrawn meanwhile.
    const found = looked.filter(({ stored }) => store.operation(stored.operation.opId) !== undefined);
    if (found.length === 0) return;
    care.name(found.map(({ stored, blocks }) => ({ owner: stored.operation.opId, cids: blocks.cids })));
    note(
      found.map(({ stored: { operation }, blocks }) => ({
        ...{ opId: operation.opId, records: blocks.records },
        whole: blocks.complete && care.isWhole(operation.opId),
      })),
    );
    // Nobody knows of how many blocks these consist: fetched from the beginning.
    const again = found.filter(({ stored, blocks }) => !blocks.complete && !stored.awaitsBlocks);
    if (again.length === 0) return;
    store.awaitBlocks(again.map(({ stored }) => stored.operation.opId));
    deps.wakeFetcher();
  };

  const lookAtNew = async (): Promise<void> => {
    while (!stopped) {
      const after: number = (looked ??= lookedKept = store.setting<number>(setting) ?? 0);
      const operations = store.operations({ order: 'seq', afterSeq: after, limit: page });
      // Further on it is not known yet which patients are this clinic's.
      const ready = operations.filter(({ seq }) => seq <= replication.lookedTo());
      const ours = new Set(replication.kept(ready.filter(({ origin }) => origin === 'ledger')));
      const kept = ready.filter(
        (stored) => (stored.origin !== 'ledger' || ours.has(stored)) && digestsIn(codec.decodePayload(stored.operation)).length > 0,
      );
      note(kept.filter(({ awaitsBlocks }) => awaitsBlocks).map(({ operation: { opId } }) => ({ opId, whole: false, records: 0 })));
      await examine(kept.filter(({ awaitsBlocks }) => !awaitsBlocks));
      if (stopped) return;
      looked = ready.at(-1)?.seq ?? after;
      if (looked > lookedKept + keepEvery) keep();
      if (ready.length < operations.length) return;
      if (operations.length < page) return;
    }
  };

  const lookAtFetched = async (): Promise<void> => {
    while (fetched.size > 0 && !stopped) {
      const opIds = [...fetched].slice(0, page);
      for (const opId of opIds) fetched.delete(opId);
      await examine(opIds.flatMap((opId) => store.operation(opId) ?? []));
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
    note(
      [...lacking].flatMap((opId) => {
        const holding = holdings.holding(opId);
        return holding?.whole ? [{ opId, whole: false, records: holding.records }] : [];
      }),
    );
    for (let after = 0; ;) {
      const incomplete = holdings.incompleteAfter(after, page);
      after = incomplete.at(-1)?.place ?? after;
      note(
        incomplete
          .filter(({ opId }) => !lacking.has(opId) && store.operation(opId)?.awaitsBlocks === false && care.isWhole(opId))
          .map(({ opId, records }) => ({ opId, whole: true, records })),
      );
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

  const now = () => {
    if (timer) clearTimeout(timer);
    timer = null;
    if (stopped) return;
    if (running) again = true;
    else running = run();
  };

  const wake = () => {
    if (stopped) return;
    timer ??= setTimeout(now, settleMs);
    timer.unref();
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
      now();
      while (running) await running;
    },
    onChange: (listener) => void listeners.push(listener),
    async stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
      while (running) await running;
      keep();
    },
  };
}
