/**
 * What is sent next: pending operations in the order in which they became known here, or in that of the ledger from which the clinic moved; both are orders in
 * which they can be applied.
 *
 * After a ledger has lost blocks, operations that others had made are pending here too. Their makers send them again; what depends on them
 * waits for that a moment. If it does not happen, this workstation sends them: an operation may be relayed by anyone, and its id counts once. The same
 * goes for what another workstation of the clinic brought: its maker sends it, and others in turn where the maker cannot.
 */
import type { SignedOperation } from '../../../../src-shared/operations.ts';
import type { StoredOperation, WorkstationStorePort } from '../../ports.ts';

const maxBatchBytes = 100 * 1024;
const othersHeadStartMs = 3000;
/** How long an operation is left out that the ledger does not take. */
const leftOutMs = 10 * 60_000;
const maxLeftOut = 1000;
const maxAttempts = 3;

export interface SendQueue {
  /** Up to `limit` operations and 100 KiB that were signed in the same network; empty where there is nothing to send now. */
  next(limit: number): StoredOperation[];
  /** Whether something waits for its turn that `next` does not give yet. */
  readonly waiting: boolean;
  leaveOut(opId: string): void;
  /** A transaction with the operation was carried out and followed; one that is still pending then was refused, or was sent too early. */
  noteCarriedOut(opId: string): void;
}

/** About what an operation adds to the call data, in bytes. */
function sizeOf({ payload, signatures }: SignedOperation): number {
  // Seven words of head and lengths, and each part padded to a word.
  return 320 + payload.length / 2 + signatures.reduce((sum, signature) => sum + signature.length / 2 + 96, 0);
}

/** @param headStartMs how long what another workstation of the clinic brought is left to its maker and to others. */
export function createSendQueue(
  store: WorkstationStorePort,
  clock: () => number,
  headStartMs: () => number = () => othersHeadStartMs,
): SendQueue {
  const leftOut = new Map<string, number>();
  const attempts = new Map<string, number>();
  let othersSince: number | null = null;
  /** When what others brought was first up to be sent. */
  let brought = new Map<string, number>();

  function leaveOut(opId: string): void {
    attempts.delete(opId);
    leftOut.set(opId, clock() + leftOutMs);
  }

  function candidates(limit: number): StoredOperation[] {
    for (const [opId, until] of leftOut) if (until <= clock()) leftOut.delete(opId);
    const count = limit + leftOut.size;
    // Where so much is refused, others' operations are left to the others.
    const rows =
      leftOut.size > maxLeftOut ? store.pending(count) : store.operations({ states: ['pending'], order: 'sending', limit: count });
    return rows.filter(({ operation }) => !leftOut.has(operation.opId));
  }

  /** Up to the first operation that another workstation is about to send itself. */
  function withoutYoung(rows: readonly StoredOperation[]): readonly StoredOperation[] {
    const now = clock();
    const theirs = rows.filter(({ origin }) => origin === 'peer').map(({ operation }) => operation.opId);
    // A clock that was set back begins the head start again rather than never ending it.
    brought = new Map(theirs.map((opId) => [opId, Math.min(brought.get(opId) ?? now, now)]));
    const young = rows.findIndex(({ operation }) => now - (brought.get(operation.opId) ?? -Infinity) < headStartMs());
    return young < 0 ? rows : rows.slice(0, young);
  }

  function withoutOthers(rows: readonly StoredOperation[]): readonly StoredOperation[] {
    rows = withoutYoung(rows);
    const firstOfOthers = rows.findIndex(({ origin }) => origin === 'ledger');
    if (firstOfOthers < 0) {
      othersSince = null;
      return rows;
    }
    othersSince ??= clock();
    return clock() - othersSince < othersHeadStartMs ? rows.slice(0, firstOfOthers) : rows;
  }

  return {
    next(limit) {
      const batch: StoredOperation[] = [];
      let bytes = 0;
      for (const stored of withoutOthers(candidates(limit))) {
        bytes += sizeOf(stored.operation);
        if (batch.length === limit || (batch.length > 0 && bytes > maxBatchBytes)) break;
        if (batch[0] !== undefined && batch[0].predecessor !== stored.predecessor) break;
        batch.push(stored);
      }
      return batch;
    },
    get waiting() {
      return othersSince !== null || brought.size > 0 || leftOut.size > 0;
    },
    leaveOut,
    noteCarriedOut(opId) {
      const stored = store.operation(opId);
      if (stored?.state !== 'pending') return void attempts.delete(opId);
      // Its refusal was not believed: it may have been sent before what it depends on.
      const attempt = (attempts.get(opId) ?? 0) + 1;
      attempts.set(opId, attempt);
      if (attempt >= maxAttempts) leaveOut(opId);
    },
  };
}
