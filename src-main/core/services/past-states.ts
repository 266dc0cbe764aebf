/**
 * What held at places of the ledger's order: a history replayed up to each place that is asked about, once for all places between two of its operations. The
 * check of a chart asks for every commit, and a clinic's history grows by the year.
 */
import type { StoredOperation } from '../ports.ts';
import { precedes } from './ledger-order.ts';

/** States kept of one history; commits are asked about in their order, so that the latest matter. */
const kept = 32;

export interface PastStates<T> {
  /** As it was where this operation stands: by what precedes it. */
  before(operation: StoredOperation): T;
}

/** @param history in ledger order. */
export function createPastStates<T>(history: readonly StoredOperation[], replay: (part: readonly StoredOperation[]) => T): PastStates<T> {
  const states = new Map<number, T>();
  return {
    before(operation) {
      let low = 0;
      let high = history.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        const at = history[middle];
        if (at !== undefined && precedes(at, operation)) low = middle + 1;
        else high = middle;
      }
      const known = states.get(low);
      if (known !== undefined) return known;
      if (states.size >= kept) states.clear();
      const state = replay(history.slice(0, low));
      states.set(low, state);
      return state;
    },
  };
}
