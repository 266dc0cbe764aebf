/** What is freed on this workstation because others keep it, and what this one has promised to keep. */

/** What may be freed, as far as is known without asking anybody. */
export interface FreeableFilter {
  /** Seconds; signed before. */
  readonly issuedBefore: number;
  /** Milliseconds; of patients who have not been seen here since. */
  readonly unseenSince: number;
  /** Other computers of the clinic that said that they hold it, at least. */
  readonly computers: number;
  readonly hub: boolean;
  readonly outside: boolean;
}

export interface FreeableOperation {
  readonly seq: number;
  readonly opId: string;
  readonly patient: string;
  readonly records: number;
}

/** In `workstation.db`. Synchronous; every write is durable when it returns. */
export interface FreeingPort {
  /** Final commits that are whole here and promised to nobody, the oldest first. */
  freeable(filter: FreeableFilter, afterSeq: number, limit: number): FreeableOperation[];
  /**
   * From here on it is not held here, whatever happens next. Answers false, and changes nothing, where it is not whole or somebody was promised it.
   */
  decide(opId: string): boolean;
  /** Its contents are gone. */
  noteGone(opId: string): void;
  /** Decided, and not known to be gone. */
  decided(): string[];
  /** Freed, in the order of places. */
  freedAfter(place: number, limit: number): { readonly place: number; readonly opId: string; readonly patient: string }[];
  freedOf(patient: string): string[];
  /** Freed here, and on fewer of the clinic's computers than so many. */
  freedBelow(computers: number, limit: number): string[];

  /** Milliseconds; their chart was open here, or their card. */
  noteVisit(patient: string, at: number): void;
  lastVisit(patient: string): number | undefined;

  /** Promises a peer to keep these, in one round of its asking. Answers those that are whole here, and so promised. */
  promise(peer: string, round: Uint8Array, opIds: readonly string[]): string[];
  /** Of what was promised to a peer only this round's stands from here on; null: nothing. */
  release(peer: string, round: Uint8Array | null): void;
  /** One promise that cannot be held. */
  takeBack(peer: string, opId: string): void;
  isPromised(opId: string): boolean;
  /** Peers that were promised something. */
  promisedTo(): string[];
}
