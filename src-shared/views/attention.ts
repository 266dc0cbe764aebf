/** What needs a person's decision: both sides of each, as screens show them. Nothing of it is decided by a clock. */
import type { Demographics } from '../ipc-schema.ts';
import type { PatientSummary } from '../view-types.ts';

/** A current version of a patient's registered demographics. */
export interface DetailsVersion {
  readonly versionId: string;
  readonly author: string;
  readonly organization: string;
  /** Seconds, by the author's clock. */
  readonly at: number;
  readonly demographics: Demographics;
}

export interface AttentionPatient {
  readonly patient: string;
  /** Null where the demographics are not shared with the person logged in. */
  readonly summary: PatientSummary | null;
}

/** One side of a conflict of versions. */
export interface VersionSide {
  readonly versionId: string;
  readonly author: string;
  readonly organization: string;
  /** Seconds, by the author's clock. */
  readonly at: number;
  readonly title: string;
  readonly detail: string;
}

/** One of two appointments for one slot. */
export interface BookedSide extends AttentionPatient {
  readonly recordId: string;
  readonly versionIds: readonly string[];
  readonly title: string;
  /** ISO instants. */
  readonly start: string;
  readonly end: string;
  readonly author: string;
  /** Whether the person logged in may cancel it. */
  readonly mayCancel: boolean;
}

export type AttentionItem =
  | {
      readonly kind: 'versions';
      readonly about: AttentionPatient;
      readonly recordId: string;
      readonly resourceType: string;
      readonly sides: readonly VersionSide[];
    }
  | {
      /** The ledger refused an identifier of a new patient, because another one has it. */
      readonly kind: 'registrations';
      readonly opId: string;
      readonly added: AttentionPatient;
      readonly known: AttentionPatient;
      /** Clinic that registered the one who has it. */
      readonly knownAt: string;
      /** Seconds; null where the registration is not known here. */
      readonly addedOn: number | null;
      readonly knownOn: number | null;
    }
  | {
      /** The ledger refused records, because the consent ended on the way. They are kept here. */
      readonly kind: 'refused-record';
      readonly opId: string;
      readonly about: AttentionPatient;
      readonly titles: readonly string[];
      readonly reason: string;
      /** Consent is there again: they can be sent as they are. */
      readonly mayWrite: boolean;
      /** Milliseconds. */
      readonly madeAt: number;
    }
  | { readonly kind: 'double-booking'; readonly actor: string; readonly a: BookedSide; readonly b: BookedSide }
  | { readonly kind: 'refused'; readonly opId: string; readonly label: string; readonly reason: string; readonly madeAt: number };

export interface AttentionView {
  readonly items: readonly AttentionItem[];
  /** There is more than is listed. */
  readonly more: boolean;
}
