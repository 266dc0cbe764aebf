/** What was made on this workstation, page by page, for the Sync screen. Says nothing about whom it concerns: other users of the PC see it too. */
import type { OutboxEntry, OutboxPage } from '../../../src-shared/view-types.ts';
import type { OperationState, StoredOperation, WorkstationStorePort } from '../ports.ts';
import type { FactBus } from './facts.ts';
import { explainRefusal, mayBeTakenLater } from './sync/refusals.ts';

export interface OutboxView {
  page(show: 'all' | 'waiting' | 'refused' | 'anchored', before: number | undefined, limit: number): OutboxPage;
  retry(opId: string): void;
  /** Puts everything back that was refused for a reason that may be gone; how many. */
  retryAll(): number;
}

const statesOf = {
  all: undefined,
  waiting: ['pending', 'submitted'],
  refused: ['rejected'],
  anchored: ['mined', 'final'],
} as const satisfies Record<string, readonly OperationState[] | undefined>;

/** Put back together; more of them wait for the next time. */
const retriesAtOnce = 10_000;

export function createOutboxView(deps: {
  readonly store: WorkstationStorePort;
  readonly facts: FactBus;
  readonly nameOf: (account: string) => string;
}): OutboxView {
  const { store, facts, nameOf } = deps;

  const entryOf =
    (names: Map<string, string>) =>
    (stored: StoredOperation): OutboxEntry => {
      const { actor, opId } = stored.operation;
      const name = names.get(actor) ?? nameOf(actor);
      names.set(actor, name);
      const refused = stored.state === 'rejected';
      return {
        opId,
        label: stored.label,
        actor: name,
        createdAt: stored.createdAt,
        state: stored.state === 'pending' && stored.published ? ('published' as const) : stored.state,
        block: stored.block,
        reason: refused ? explainRefusal(stored.rejectReason) : null,
        retry: refused && mayBeTakenLater(stored.rejectReason),
        unsent: stored.state === 'pending' && !stored.handedOut && stored.save !== null,
        position: stored.seq,
      };
    };

  /** Each state in the order of its index; together, the newest of them. */
  const newest = (show: keyof typeof statesOf, before: number | undefined, limit: number): StoredOperation[] => {
    const filter = {
      order: 'seq',
      descending: true,
      origin: 'here',
      limit,
      ...(before === undefined ? {} : { beforeSeq: before }),
    } as const;
    const states = statesOf[show];
    if (states === undefined) return store.operations(filter);
    return states
      .flatMap((state) => store.operations({ ...filter, states: [state] }))
      .sort((a, b) => b.seq - a.seq)
      .slice(0, limit);
  };

  return {
    page(show, before, limit) {
      const found = newest(show, before, limit + 1);
      const counts = store.countMade();
      return {
        entries: found.slice(0, limit).map(entryOf(new Map())),
        counts: { waiting: counts.pending + counts.submitted, refused: counts.rejected, anchored: counts.mined + counts.final },
        more: found.length > limit,
      };
    },
    retry(opId) {
      store.retry(opId);
      facts.tell('operations', { kinds: new Set() });
    },
    retryAll() {
      const refused = store
        .operations({ states: ['rejected'], origin: 'here', order: 'seq', limit: retriesAtOnce })
        .filter(({ rejectReason }) => mayBeTakenLater(rejectReason));
      store.atomically(() => refused.forEach(({ operation }) => store.retry(operation.opId)));
      if (refused.length > 0) facts.tell('operations', { kinds: new Set() });
      return refused.length;
    },
  };
}
