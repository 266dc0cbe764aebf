/** What screens show of a chart: its records, their states and checks, and what is written into it. */
import type { Category } from '../categories.ts';
import type { PatientSummary } from './patients.ts';

/** A record's state: saved here -> shared (another computer of the clinic holds it) -> anchored -> verified, or what failed. */
export interface RecordState {
  readonly chip: 'saved' | 'shared' | 'anchored' | 'verified' | 'refused' | 'tampered' | 'unavailable';
  readonly block: number | null;
  /** Whether the block can still be undone by a reorganization. */
  readonly final: boolean;
  /** In words, where something failed. */
  readonly reason: string | null;
}

/** One of the four checks of a record, in words. */
export interface CheckResult {
  readonly ok: boolean | null;
  readonly text: string;
}

export interface VerificationView {
  readonly state: RecordState;
  readonly content: CheckResult;
  readonly anchor: CheckResult;
  readonly signature: CheckResult;
  readonly consent: CheckResult;
  readonly author: { readonly account: string; readonly name: string; readonly organization: string };
  readonly issuedAt: number;
  /** When the patient last had it encrypted anew, milliseconds; null where that was not so. */
  readonly encryptedAnewAt: number | null;
  readonly commit: string;
  readonly opId: string;
  readonly txHash: string | null;
  /** The ledger's state that this was checked against. */
  readonly asOfBlock: number | null;
}

/** A line of a chart: decrypted metadata of a record's current version. */
export interface ChartEntry {
  readonly recordId: string;
  readonly versionId: string;
  readonly resourceType: string;
  readonly category: Category;
  readonly date: string;
  readonly title: string;
  readonly detail: string;
  readonly status: string;
  readonly code: string;
  readonly codeSystem: string;
  readonly author: string;
  readonly organization: string;
  /** Further current versions of the same record: an offline conflict that a person has to resolve. */
  readonly conflicting: number;
  /** Account of another registration of the same person that it is in; null: the chart's own. */
  readonly origin: string | null;
  readonly encounter: string;
  readonly extract: RecordExtract;
  /** When the patient last had it encrypted anew, milliseconds; null where that was not so. */
  readonly encryptedAnewAt: number | null;
  readonly state: RecordState;
}

/** Structured values for lists and results. All optional, as the record has them. */
export interface RecordExtract {
  readonly value?: string;
  readonly unit?: string;
  readonly range?: string;
  readonly interpretation?: 'normal' | 'abnormal' | 'critical';
  readonly components?: readonly { readonly label: string; readonly value: string; readonly unit: string }[];
  readonly dosage?: string;
  readonly clinicalStatus?: string;
  readonly criticality?: string;
  readonly onset?: string;
  readonly end?: string;
  readonly class?: string;
  readonly reason?: string;
  readonly note?: string;
  /** Of an appointment: whose time it takes besides the patient's. */
  readonly actors?: readonly string[];
}

export type AllergyState = 'known' | 'none-known' | 'not-recorded' | 'unavailable' | 'hidden';

export interface ChartView {
  readonly patient: PatientSummary;
  readonly allergyState: AllergyState;
  readonly allergies: readonly ChartEntry[];
  readonly problems: readonly ChartEntry[];
  readonly medications: readonly ChartEntry[];
  readonly recentResults: readonly ChartEntry[];
  readonly latestEncounters: readonly ChartEntry[];
  readonly counts: readonly { readonly resourceType: string; readonly category: Category; readonly count: number }[];
  /** Categories this person may read and write, with the end of the grant (seconds, 0 = open). */
  readonly access: readonly { readonly category: Category; readonly read: boolean; readonly write: boolean; readonly until: number }[];
  /** Categories that this person could read once and may no longer: what is shown of them is as it was then. */
  readonly endedAccess: readonly Category[];
  /** Commits of this patient that cannot be shown yet, and why. */
  readonly problemsWithRecords: readonly {
    readonly commit: string;
    readonly author: string;
    readonly chip: RecordState['chip'];
    readonly reason: string;
  }[];
}

export interface RecordView {
  readonly entry: ChartEntry;
  /** The FHIR resource exactly as it was stored (JSON text). */
  readonly json: string;
  readonly versions: readonly {
    readonly versionId: string;
    readonly author: string;
    readonly issuedAt: number;
    readonly current: boolean;
    readonly state: RecordState;
  }[];
  readonly verification: VerificationView;
}

export interface CodedConcept {
  /** FHIR Coding.system. */
  readonly system: string;
  readonly code: string;
  readonly display: string;
}

export interface SavedRecords {
  readonly records: readonly {
    readonly recordId: string;
    readonly versionId: string;
    readonly resourceType: string;
    readonly title: string;
  }[];
  readonly operations: readonly string[];
}

export interface Draft {
  readonly id: string;
  readonly patient: string;
  readonly kind: string;
  readonly json: string;
  readonly updatedAt: number;
}

export interface VerifyReport {
  readonly patient: string;
  readonly name: string;
  /** The last block that was read; null where none ever was. */
  readonly asOfBlock: number | null;
  readonly ledger: 'current' | 'behind' | 'away';
  /** Whether only what is held here was looked at. */
  readonly offline: boolean;
  readonly records: number;
  readonly verified: number;
  readonly waiting: number;
  /** Commits in parts of the record whose key the reader does not have: not looked at. */
  readonly notShared: number;
  readonly failures: readonly {
    readonly commit: string;
    readonly recordId: string | null;
    /** Title of the record, where the index has it. */
    readonly title: string;
    /** Name of the commit's author, and what their clock said (seconds). */
    readonly author: string;
    readonly issuedAt: number;
    /** withheld: a commit that another one names as its parent is not known. */
    readonly check: 'content' | 'anchor' | 'signature' | 'consent' | 'unavailable' | 'withheld';
    readonly text: string;
  }[];
}

/** A verifiable export that waits to be fetched. */
export interface ExportResult {
  readonly file: string;
  readonly name: string;
  readonly size: number;
  readonly records: number;
  readonly commits: number;
  /** Commits whose content is not here; the file names them. */
  readonly missing: number;
}
