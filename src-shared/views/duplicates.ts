/** People registered more than once: what the screens are told about links between patients, and about pairs that look alike. */
import type { PatientSummary } from '../view-types.ts';

/** An identifier that somebody on the network has. */
export interface ClaimedIdentifier {
  readonly label: string;
  readonly value: string;
  readonly patient: string;
  /** Null where the demographics are not shared with this clinic. */
  readonly summary: PatientSummary | null;
}

/** A line of a list of patients whose person has other registrations. */
export interface LinkMark {
  readonly patient: string;
  /** How many others there are. */
  readonly others: number;
  /** Whether this is the one to go on with. */
  readonly main: boolean;
}

/** Another registration of the same person, as whoever looks at one of them sees it. */
export interface LinkedPatient {
  readonly patient: string;
  /** Null where the demographics are not shared with the person logged in: then only that there is another is shown. */
  readonly summary: PatientSummary | null;
  /** Whether it is the one to go on with. */
  readonly main: boolean;
  /** Seconds, and whether the ledger has it. */
  readonly linkedAt: number;
  readonly anchored: boolean;
}

/** Two patients who may be one person. `a` was registered first. */
export interface DuplicateCandidate {
  readonly a: PatientSummary;
  readonly b: PatientSummary;
  /** 0 to 1; 1 where they share an identifier. */
  readonly likeness: number;
  /** Seconds; null where the registration itself is not known here. */
  readonly registeredA: number | null;
  readonly registeredB: number | null;
  /** Somebody here said that they are two people. */
  readonly dismissed: { readonly by: string; readonly at: number } | null;
}

/** A link as the desk sees it. */
export interface PatientLinkView {
  readonly duplicate: string;
  readonly survivor: string;
  readonly duplicateSummary: PatientSummary | null;
  readonly survivorSummary: PatientSummary | null;
  /** Who linked them, and the clinic. */
  readonly by: string;
  readonly organization: string;
  /** Null where it is sealed to another clinic, or has not come yet. */
  readonly reason: string | null;
  readonly at: number;
  readonly anchored: boolean;
}

export interface DuplicatesView {
  readonly candidates: readonly DuplicateCandidate[];
  /** More pairs were found than are listed. */
  readonly more: boolean;
  readonly links: readonly PatientLinkView[];
  /** Patients that were compared. */
  readonly compared: number;
}
