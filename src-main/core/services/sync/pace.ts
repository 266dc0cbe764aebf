/** How far a long reading of the ledger has come. */

/** A catch-up with fewer blocks than this is over before anybody could read of it. */
const longCatchUp = 50;

export interface CatchUp {
  /** Blocks read and to be read since it began. */
  readonly done: number;
  readonly total: number;
  /** What is left, at the pace so far; null while that says nothing yet. */
  readonly secondsLeft: number | null;
}

/** How far a catch-up has come, and how long it will take at the pace so far. */
export function createPace(clock: () => number) {
  let run: { readonly first: number; last: number; at: number; readonly startedAt: number } | null = null;
  return {
    /** A run goes on where the head only moved on meanwhile. */
    begin(first: number, last: number): void {
      if (run !== null && first === run.at + 1) run.last = last;
      else run = last - first + 1 < longCatchUp ? null : { first, last, at: first - 1, startedAt: clock() };
    },
    reached(block: number): void {
      if (run !== null) run.at = block;
      if (run !== null && run.at >= run.last) run = null;
    },
    end(): void {
      run = null;
    },
    view(): CatchUp | null {
      if (run === null) return null;
      const done = run.at - run.first + 1;
      const total = run.last - run.first + 1;
      const elapsed = (clock() - run.startedAt) / 1000;
      return { done, total, secondsLeft: done > 0 && elapsed > 1 ? Math.ceil((elapsed / done) * (total - done)) : null };
    },
  };
}
