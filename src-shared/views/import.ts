/** What screens show of an import, before and after it. */
import type { Category } from '../categories.ts';
import type { PatientSummary } from './patients.ts';

/** What would be imported from a Bundle, before anything is. */
export interface ImportPreview {
  readonly file: string;
  readonly fileName: string;
  readonly bundlePatient: PatientSummary;
  /** Whether it is the chart's patient, and why not. */
  readonly match: 'same' | 'different' | 'not-asked';
  readonly supported: readonly { readonly resourceType: string; readonly category: Category; readonly count: number }[];
  readonly unsupported: readonly { readonly resourceType: string; readonly count: number }[];
  /** Already here, unchanged. */
  readonly alreadyHere: number;
  /** Categories the file has records of and this person may not write. Import needs them granted. */
  readonly missingConsent: readonly Category[];
}

export interface ImportResult {
  readonly imported: readonly { readonly resourceType: string; readonly count: number }[];
  readonly unsupported: readonly { readonly resourceType: string; readonly count: number }[];
  readonly alreadyHere: number;
  readonly commits: number;
}
