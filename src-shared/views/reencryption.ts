/** What screens show of old records that a patient has encrypted anew. */
import type { Category } from '../categories.ts';

/** What of the record at the desk lies under keys that earlier readers may hold. */
export interface EarlierRecords {
  readonly categories: readonly { readonly category: Category; readonly records: number; readonly later: number }[];
  readonly records: number;
  /** Of which the commit is not here or not on the ledger yet: they can be encrypted anew once that is so. */
  readonly later: number;
  readonly running: boolean;
  /** A request of this workstation that did not come to its end. */
  readonly interrupted: { readonly done: number; readonly total: number } | null;
}

export interface ReencryptionResult {
  readonly done: number;
  readonly total: number;
  /** Records whose content could not be read: away, or damaged. They stay as they were. */
  readonly unreadable: number;
  readonly later: number;
  /** By the patient, or because the desk was closed. What was done stays done. */
  readonly stopped: boolean;
}

export interface InterruptedReencryption {
  readonly patient: string;
  /** Milliseconds. */
  readonly since: number;
  readonly done: number;
  readonly total: number;
}
