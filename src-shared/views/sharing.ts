/** What screens show of access to a record: who has it, who asked for it, and what happened to it. */
import type { Category } from '../categories.ts';
import type { Capacity, Purpose } from '../operations.ts';
import type { DelegateView, DeskRightsView } from './delegates.ts';
import type { PatientSummary } from './patients.ts';

/** A grant as the sharing screen shows it. One row per grantee. */
export interface AccessHolder {
  readonly grantee: string;
  readonly granteeType: 'person' | 'organization';
  readonly name: string;
  readonly organization: string;
  readonly account: string;
  readonly categories: readonly {
    readonly category: Category;
    readonly read: boolean;
    readonly write: boolean;
    readonly purpose: Purpose;
    /** Seconds; 0 = open end. */
    readonly since: number;
    readonly until: number;
    readonly anchored: boolean;
  }[];
}

export interface SharingEvent {
  readonly opId: string;
  readonly type:
    | ('registered' | 'granted' | 'revoked' | 'requested' | 'approved' | 'declined' | 'appointed' | 'dismissed')
    | ('emergency' | 'emergency-off' | 'emergency-on' | 'new-key')
    | ('helpers-chosen' | 'key-asked' | 'key-stopped' | 'key-given' | 'brought-back');
  /** Who decided it, where it was not the patient. */
  readonly by?: { readonly name: string; readonly capacity: Capacity | null };
  /** Of an appointment or dismissal. */
  readonly capacity?: Capacity;
  /** Of an emergency: the reason given, null where it has not come yet, and until when it lasts (seconds). */
  readonly note?: string | null;
  readonly until?: number;
  readonly name: string;
  readonly categories: readonly Category[];
  readonly at: number;
  readonly state: 'waiting' | 'anchored' | 'refused';
  readonly block: number | null;
  readonly reason: string | null;
}

export interface SharingView {
  /** Clinics with a new key, to which what they may read was sealed when the card was opened. */
  readonly renewed: readonly string[];
  readonly delegates: readonly DelegateView[];
  readonly rights: DeskRightsView;
  readonly patient: PatientSummary;
  readonly categories: readonly { readonly category: Category; readonly count: number | null }[];
  readonly holders: readonly AccessHolder[];
  readonly history: readonly SharingEvent[];
  /** Whether records may be opened in an emergency without asking. */
  readonly emergencyAllowed: boolean;
  /** Whom one can share with: organizations and their practitioners. */
  readonly candidates: readonly {
    readonly id: string;
    readonly type: 'person' | 'organization';
    readonly name: string;
    readonly organization: string;
    readonly account: string;
  }[];
}

/** Opening a record in an emergency, as the practitioner sees it. */
export interface EmergencyView {
  /** False once the patient switched it off. */
  readonly allowed: boolean;
  /** Whether this clinic has an emergency key and the patient allows it. */
  readonly possible: boolean;
  /** Until when it is open to the person logged in, seconds; 0: it is not. */
  readonly until: number;
}

/** A request for access, as whoever made it sees it. */
export interface SentRequest {
  readonly id: string;
  readonly patient: string;
  readonly summary: PatientSummary | null;
  /** Null where the sealed words are not here. */
  readonly categories: readonly Category[] | null;
  readonly reason: string | null;
  readonly write: boolean;
  /** Seconds; 0 = open end. */
  readonly until: number;
  readonly askedAt: number;
  readonly anchored: boolean;
  readonly state: 'open' | 'approved' | 'declined' | 'refused';
  /** Seconds; 0 while it is open. */
  readonly answeredAt: number;
  /** Why the ledger refused it. */
  readonly problem: string | null;
}

/** A request for access, as the patient at the desk sees it. */
export interface PatientRequest {
  readonly id: string;
  readonly name: string;
  readonly organization: string;
  readonly account: string;
  /** Whether the asker is still an active member of a clinic. */
  readonly active: boolean;
  /** Null where the sealed words have not come yet. */
  readonly categories: readonly Category[] | null;
  readonly reason: string | null;
  readonly write: boolean;
  readonly purpose: Purpose;
  readonly until: number;
  readonly askedAt: number;
}
