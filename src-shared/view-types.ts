/**
 * What the core tells the screens: plain values, ready to show. Dates are FHIR dates or ISO instants, times are milliseconds since 1970
 * unless said otherwise; nothing in here is a secret except where the name says so (phrase, card).
 */
import type { WireError } from './errors.ts';
import type { Capacity, Role } from './operations.ts';
import type { DeskActor, Principal } from './views/delegates.ts';
import type { CopyWarning } from './views/availability.ts';
import type { CatchUpView, ClockView } from './views/sync.ts';

export type * from './views/attention.ts';
export type * from './views/availability.ts';
export type * from './views/carry.ts';
export type * from './views/chart.ts';
export type * from './views/computers.ts';
export type * from './views/delegates.ts';
export type * from './views/duplicates.ts';
export type * from './views/import.ts';
export type * from './views/keychain.ts';
export type * from './views/moving.ts';
export type * from './views/new-key.ts';
export type * from './views/outbox.ts';
export type * from './views/patients.ts';
export type * from './views/reencryption.ts';
export type * from './views/sharing.ts';
export type * from './views/sync.ts';

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
  /** Commits read off the ledger of which it is still to be found out who signed them; they do not appear before. */
  readonly checking: { readonly left: number; readonly secondsLeft: number | null };
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

export interface Progress {
  readonly job: string;
  readonly label: string;
  readonly done: number;
  readonly total: number;
}
