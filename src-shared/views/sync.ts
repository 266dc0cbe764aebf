/** Parts of the sync state that have words of their own. */

/** This computer's clock against others'. */
export interface ClockView {
  /** Seconds by which it is ahead of them; negative: behind. */
  readonly ahead: number;
  readonly by: 'ledger' | 'workstations';
  /** More than can come from measuring. */
  readonly wrong: boolean;
}

/** A long reading of what gathered on the ledger. */
export interface CatchUpView {
  readonly done: number;
  readonly total: number;
  /** Null while the pace is not known yet. */
  readonly secondsLeft: number | null;
}
