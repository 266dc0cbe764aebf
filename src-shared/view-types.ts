/**
 * What the core tells the screens: plain values, ready to show. Dates are FHIR dates or ISO instants, times are milliseconds since 1970
 * unless said otherwise; nothing in here is a secret except where the name says so (phrase, card).
 */
import type { Category } from './categories.ts';
import type { WireError } from './errors.ts';
import type { Capacity, Purpose, Role } from './operations.ts';
import type { DelegateView, DeskActor, DeskRightsView, Principal } from './views/delegates.ts';

export type * from './views/delegates.ts';
export type * from './views/new-key.ts';
import type { CopyWarning } from './views/availability.ts';
import type { CatchUpView, ClockView } from './views/sync.ts';

export type * from './views/reencryption.ts';
export type * from './views/carry.ts';
export type * from './views/availability.ts';
export type * from './views/computers.ts';
export type * from './views/moving.ts';
export type * from './views/keychain.ts';
export type * from './views/attention.ts';
export type * from './views/outbox.ts';
export type * from './views/sync.ts';
export type * from './views/duplicates.ts';

/** Where the workstation stands in its life. */
export type Phase = 'unconfigured' | 'joining' | 'ready';

export interface LocalPerson {
  readonly account: string;
  readonly name: string;
  readonly roles: readonly Role[];
  /** waiting: made a key here, not yet approved by an admin. */
  readonly status: 'active' | 'waiting' | 'suspended';
}

export interface SessionView {
  readonly account: string;
  readonly name: string;
  readonly roles: readonly Role[];
  readonly status: LocalPerson['status'];
  /** The key was replaced at another workstation: this one signs nothing until it has the new one. */
  readonly keyReplaced: boolean;
  /** May admit other clinics. */
  readonly governor: boolean;
}

export interface SyncView {
  /** online: ledger reachable. lan: only peers are. offline: neither. starting: not known yet. */
  readonly state: 'starting' | 'online' | 'lan' | 'offline';
  /** When the ledger last answered; null before the first time. */
  readonly lastSync: number | null;
  readonly head: number | null;
  readonly followed: number | null;
  /** Operations made here that are not yet anchored. */
  readonly waiting: number;
  readonly rejected: number;
  /** Operations on the ledger whose signature does not hold, or whose signer was not to decide them; they are left out. */
  readonly forged: number;
  readonly peers: number;
  /** single-site: embedded, without other witnesses. consortium: any other endpoint. */
  readonly ledger: 'single-site' | 'consortium';
  readonly error: WireError | null;
  /** While much that gathered on the ledger is read. */
  readonly catchUp: CatchUpView | null;
  /** Somebody halted the reading of the ledger. */
  readonly paused: boolean;
  /** Null until it could be compared. */
  readonly clock: ClockView | null;
  /** Blocks after which one is final. */
  readonly confirmations: number | null;
  /** Commits readable by the person logged in that are not in the index yet, and those whose blocks no peer has given yet. */
  readonly indexing: number;
  readonly missingBlocks: number;
  readonly copies: CopyWarning;
}

export interface Snapshot {
  readonly phase: Phase;
  readonly version: string;
  /** When this core started: another value means that it ended in between, and whoever was logged in no longer is. */
  readonly startedAt: number;
  readonly clinic: { readonly id: string; readonly name: string } | null;
  readonly people: readonly LocalPerson[];
  readonly session: SessionView | null;
  /** A patient standing at the desk with an opened card. */
  readonly patientAtDesk: {
    readonly patient: string;
    readonly name: string;
    /** Whose card it is, where that is not the patient. */
    readonly actor: DeskActor | null;
    /** For whom the card's owner may decide, themselves first (without a capacity); none where that is all. */
    readonly forWhom: readonly (Omit<Principal, 'capacity'> & { readonly capacity: Capacity | null })[];
    /** False while it has not been said for whom. */
    readonly decided: boolean;
  } | null;
  readonly sync: SyncView;
  /** What needs the decision of the person logged in. */
  readonly attention: number;
  readonly settings: SettingsView;
  /** While joining: the code the other clinic's governor has to approve. */
  readonly requestCode: string | null;
  /** The demo clinic: people's passphrases may be shown on the lock screen. */
  readonly demo: {
    readonly passphrase: string;
    readonly pin: string;
    readonly cards: readonly { readonly patient: string; readonly name: string; readonly card: string }[];
  } | null;
}

export interface SettingsView {
  readonly theme: 'system' | 'light' | 'dark';
  readonly idleLockMinutes: number;
}

export interface StaffMember {
  readonly account: string;
  readonly name: string;
  readonly roles: readonly Role[];
  readonly suspended: boolean;
  readonly onThisWorkstation: boolean;
  readonly anchored: boolean;
}

export interface NetworkView {
  readonly chainId: number;
  readonly operations: string;
  readonly endpoint: string;
  readonly embedded: boolean;
  readonly head: number | null;
  readonly addresses: readonly string[];
  readonly peers: readonly { readonly id: string; readonly address: string }[];
  readonly organizations: readonly {
    readonly id: string;
    readonly name: string;
    readonly members: number;
    readonly suspended: boolean;
    readonly own: boolean;
  }[];
}

export interface IdentifierView {
  /** FHIR Identifier.system. */
  readonly system: string;
  readonly label: string;
  readonly value: string;
}

export interface PatientSummary {
  readonly patient: string;
  readonly family: string;
  readonly given: string;
  readonly prefix: string;
  readonly birthDate: string;
  readonly birthDateEstimated: boolean;
  readonly deceased: string;
  readonly gender: string;
  readonly phone: string;
  readonly address: string;
  readonly identifiers: readonly IdentifierView[];
}

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

/** A registered patient, also one of whom nothing is shared. */
export interface FoundPatient {
  readonly patient: string;
  /** The clinic that registered them. */
  readonly registeredBy: string;
  /** Where the demographics are shared. */
  readonly summary: PatientSummary | null;
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

export interface RegistrationResult {
  readonly patient: PatientSummary;
  /** Text of the card's QR code: the seed sealed under the PIN. */
  readonly card: string;
  /** 24 words; shown and printed once, kept nowhere. '' where a card is handed over that an earlier run left. */
  readonly phrase: string;
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

export interface Progress {
  readonly job: string;
  readonly label: string;
  readonly done: number;
  readonly total: number;
}
