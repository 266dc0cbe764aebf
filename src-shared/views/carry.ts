/** What is carried between workstations by hand, on a USB stick. */

/** A file that is about to be written. */
export interface CarryOutView {
  /** Proposed for the file. */
  readonly name: string;
  readonly operations: number;
  readonly blocks: number;
  /** Blocks that are named and not here: they are not in the file. */
  readonly missing: number;
  /** Operations that wait here and are not in the file: signed in the network from which the clinic moved, they are for its ledger to judge. */
  readonly staying: number;
}

export interface CarryInView {
  /** whole; cut-off: it ends before it should; damaged: it goes on with what is none of it; forged: too much of it is signed by nobody. */
  readonly ending: 'whole' | 'cut-off' | 'damaged' | 'forged';
  /** When it was written, as it says; milliseconds. */
  readonly madeAt: number;
  /** Entries that it should hold, and those that were read. */
  readonly total: number;
  readonly read: number;
  /** Of those: new here, known before, and not taken. */
  readonly added: number;
  readonly known: number;
  readonly refused: number;
  /** Blocks that were not here before. */
  readonly blocks: number;
  /** Blocks that belong to what was taken and are still not here. */
  readonly missing: number;
}
