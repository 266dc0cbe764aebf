/** Where records are held, as screens show it. */

/** Another computer or service that said it holds something. */
export interface CopyView {
  readonly name: string;
  readonly kind: 'workstation' | 'hub' | 'pinning' | 'clinic';
  /** Milliseconds; when it last said so. */
  readonly confirmedAt: number;
}

export interface RecordCopies {
  /** partly: some of it is missing or damaged on this computer. freed: taken out to free space, as others keep it. */
  readonly here: 'whole' | 'partly' | 'freed' | 'none';
  readonly copies: readonly CopyView[];
}

/** Counts of records (versions) that this workstation keeps. */
export interface CopyCounts {
  readonly records: number;
  /** Whole here, and nobody else has said that they hold them. */
  readonly onlyHere: number;
  /** On fewer of the clinic's computers than it wants, `onlyHere` included. */
  readonly tooFew: number;
  /** On no hub, where the clinic wants them on one. */
  readonly noHub: number;
  /** Nowhere outside the clinic, where it wants them there too. */
  readonly notOutside: number;
  /** Not whole here: on their way, missing or damaged. */
  readonly incomplete: number;
  /** Not whole here, and nobody is known to hold them. */
  readonly nowhere: number;
  /** Taken out here to free space, because others keep them. */
  readonly freed: number;
}

export interface HolderView {
  readonly name: string;
  readonly kind: CopyView['kind'];
  readonly connected: boolean;
  readonly confirmedAt: number;
  /** Operations with their blocks that it said it holds. */
  readonly held: number;
}

/** Which copies a clinic wants. */
export interface WantedCopies {
  /** Of its own, a hub and this one included; 1 to 9. */
  readonly computers: number;
  /** One of them a hub. */
  readonly hub: boolean;
  /** One more outside the clinic: at a pinning service, as another clinic's hub is. */
  readonly outside: boolean;
}

/** For the status line. */
export interface CopyWarning {
  readonly onlyHere: number;
  readonly noHub: number;
  readonly notOutside: number;
  readonly nowhere: number;
  /** Milliseconds; since when there has been something to warn of. Null where there is not. */
  readonly since: number | null;
}

export interface AvailabilityView {
  readonly counts: CopyCounts;
  readonly wanted: WantedCopies;
  readonly holders: readonly HolderView[];
  /** Null where this computer uses none. */
  readonly pinning: PinningView | null;
  /** Milliseconds; when all blocks were last compared with their hashes. */
  readonly checkedAt: number | null;
  readonly bytes: number;
  readonly freeing: FreeingView;
}

export interface BlockCheckView {
  readonly blocks: number;
  readonly damaged: number;
  /** Blocks that are missing or damaged still, after the others were asked. */
  readonly wanted: number;
  /** Operations that need them. */
  readonly affected: number;
}

/** Freeing space on this computer. */
export interface FreeingView {
  /** What may lie here in bytes, and in how many days what was written or whose patient was seen stays. Null: turned off. */
  readonly limits: { readonly keepBytes: number; readonly recentDays: number } | null;
  readonly usedBytes: number;
  readonly running: boolean;
  /** Since the program was started. */
  readonly last: (FreeingResult & { readonly at: number }) | null;
}

export interface FreeingPreview {
  /** Bytes that lie here beyond the size. */
  readonly over: number;
  /** What of it could go, as far as is known before the others are asked. */
  readonly bytes: number;
  readonly records: number;
  readonly patients: number;
  readonly stays: number;
  /** Of the clinic, connected now. */
  readonly computers: number;
}

export interface FreeingResult {
  readonly bytes: number;
  readonly records: number;
  /** enough: what lies here fits. nothing-left: the rest has to stay. nobody: too few computers promised to keep more. */
  readonly end: 'enough' | 'nothing-left' | 'nobody';
}

/** The pinning service of this computer. */
export interface PinningView {
  readonly name: string;
  readonly endpoint: string;
  /** Blocks, by what the service said of them; `waiting`: not given to it yet. */
  readonly waiting: number;
  readonly queued: number;
  readonly pinning: number;
  readonly pinned: number;
  readonly failed: number;
  /** Milliseconds; when it last answered. */
  readonly answeredAt: number | null;
  /** Why it went no further the last time. */
  readonly error: string | null;
}
