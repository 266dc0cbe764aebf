/** What this workstation keeps of the network's blocks, whether it is whole, and who else has said that they hold it. */

export interface Holding {
  readonly opId: string;
  /** All blocks that it needs are here, undamaged as far as is known. */
  readonly whole: boolean;
  /** Its contents were taken out here because others keep them; then it is not whole. */
  readonly freed: boolean;
  /** Record versions in it; 0 for what is no commit. */
  readonly records: number;
  /** Others that said they hold it. */
  readonly copies: number;
}

export type HolderKind = 'workstation' | 'hub' | 'pinning';

/** Another workstation (its peer id), this one's pinning service (`pinning:…`), or another one's (`outside:` and its peer id). What it said is a statement, no proof. */
export interface Holder {
  readonly holder: string;
  readonly kind: HolderKind;
  /** Of what it said, up to where it was read, and in which run of it that was written (16 bytes). */
  readonly place: number;
  readonly run: string;
  /** Milliseconds; when it last said so, or that nothing has changed since. */
  readonly confirmedAt: number;
}

export interface HoldingNote {
  readonly opId: string;
  readonly whole: boolean;
  readonly records: number;
}

export interface HoldingChange {
  readonly opId: string;
  readonly whole: boolean;
}

/** One in the list of what is kept here. */
export interface ListedHolding extends HoldingChange {
  readonly place: number;
  /** This workstation's pinning service said that it has it pinned. */
  readonly pinned: boolean;
}

/** How many operations, with how many records, are whole here or not, and have so many copies elsewhere. */
export interface HoldingTally {
  readonly whole: boolean;
  /** Its contents were taken out here because others keep them. */
  readonly freed: boolean;
  /** Other computers of the clinic, hubs included. */
  readonly computers: number;
  /** Of `computers`. */
  readonly hubs: number;
  /** At a pinning service. */
  readonly outside: number;
  readonly operations: number;
  readonly records: number;
}

/** In `workstation.db`. Synchronous; every write is durable when it returns. */
export interface HoldingsPort {
  /** Keeps what is known of them; none of them is freed from here on. What is another than before gets a new place. Answers whether anything is. */
  note(notes: readonly HoldingNote[]): boolean;
  holding(opId: string): Holding | undefined;
  /** What changed behind a place, in order. */
  changesAfter(place: number, limit: number): ListedHolding[];
  /** Gives them new places, though nothing of them is another than before: what is said of them with them is. */
  retell(opIds: readonly string[]): void;
  /** What is not whole, in the order of places. */
  incompleteAfter(place: number, limit: number): { readonly place: number; readonly opId: string; readonly records: number }[];
  /** The last one that was given, ever. */
  lastPlace(): number;
  tally(): HoldingTally[];
  holders(): Holder[];
  holdersOf(opId: string): Holder[];
  /** What a holder said, with how far that was read: together or not at all. `restart`: what it said before does not count any more. */
  hear(holder: Holder, changes: readonly HoldingChange[], restart: boolean): void;
  /** How many copies a holder said it has. */
  countOf(holder: string): number;
  /** It counts no more. Gives what it had said that it holds. */
  forget(holder: string): string[];
}

/** Over `blocks.db`. An owner is 32 bytes in hexadecimal: an operation's id, or that of a pin. CIDs that are given out have the raw codec. */
export interface BlockCarePort {
  /** Remembers which blocks owners need. Those that are not here are wanted from now on. */
  name(list: readonly { readonly owner: string; readonly cids: readonly string[] }[]): void;
  forget(owner: string): void;
  blocksOf(owner: string): string[];
  /** Its blocks are named, and all of them are here, undamaged as far as is known. */
  isWhole(owner: string): boolean;
  /** Blocks that are named and not here, or damaged. */
  wanted(limit: number, after?: string): string[];
  owners(cid: string, limit: number): string[];
  /** Owners some of whose blocks are not here, or damaged; in order. */
  incomplete(limit: number, after?: string): string[];
  /** Called when a block was found missing or damaged. */
  onDamaged(listener: () => void): void;
  /** Compares stored blocks behind a place with their hashes, about so many bytes of them. `next`: where to go on; null at the end. */
  check(
    after: number,
    maxBytes: number,
  ): { readonly next: number | null; readonly blocks: number; readonly bytes: number; readonly damaged: number };
  /** Looks whether the blocks of the next owners are here. Answers where to go on; null at the end. */
  checkNames(after: string | null): string | null;
  /** Of the file; `free` is used again by what comes. */
  space(): { readonly bytes: number; readonly free: number };
  /** Takes blocks out that nobody here needs; the others stay. Answers how many bytes they had. */
  drop(cids: readonly string[]): number;
  /** An owner needs only these of its blocks from here on, and what nobody here needs goes: together or not at all. Answers how many bytes that had. */
  free(owner: string, keep: readonly string[]): number;
  /** Bytes of an owner's blocks that are here, without those. */
  sizeOf(owner: string, except: readonly string[]): number;
  /** Gives about so many bytes of what is not used in the file back to the disk. Answers whether there is more. */
  compact(bytes: number): boolean;
}
