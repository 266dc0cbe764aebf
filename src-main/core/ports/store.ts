/** What is kept on this workstation: operations and settings, and one index a person. */
import type { Category } from '../../../src-shared/categories.ts';
import type { OperationKind, SignedOperation } from '../../../src-shared/operations.ts';
import type { HoldingsPort } from './availability.ts';
import type { FreeingPort } from './freeing.ts';
import type { KeptPinsPort, PinQueuePort } from './pinning.ts';
import type { EnvelopeKey, SealedSecret } from './crypto.ts';
import type { DecodedOperation, LedgerEvent } from './ledger.ts';

export type OperationState = 'pending' | 'submitted' | 'mined' | 'final' | 'rejected';

/** An operation as this workstation knows it: made here, seen on the ledger, or brought by another workstation of the clinic before that. */
export interface StoredOperation {
  /** Order in which it became known here; grows by at least one. */
  readonly seq: number;
  readonly operation: SignedOperation;
  readonly kind: OperationKind;
  readonly state: OperationState;
  readonly origin: 'here' | 'ledger' | 'peer';
  readonly block: number | null;
  readonly logIndex: number | null;
  /** Seconds; known only of what a delegate decided, whose appointment may end: what the ledger judged by. */
  readonly blockTime: number | null;
  readonly txHash: string | null;
  readonly rejectReason: string | null;
  /** Milliseconds; when it became known here. */
  readonly createdAt: number;
  /** What to call it on the outbox screen: plain words, nothing readable about a patient. */
  readonly label: string;
  /** Another workstation of the clinic said that it holds it with its blocks. */
  readonly published: boolean;
  /** Blocks that it names are still to be fetched for this workstation. */
  readonly awaitsBlocks: boolean;
  /** `seq` of the first operation of the save that it belongs to; null for what others made. */
  readonly save: number | null;
  /** Whether it may have left this workstation: then it cannot be taken back. */
  readonly handedOut: boolean;
  /** EIP-712 domain separator of the predecessor network in which it was signed; null for this one. */
  readonly predecessor: string | null;
}

/** An operation that was taken back before it left this workstation. */
export interface WithdrawnOperation {
  readonly seq: number;
  readonly opId: string;
  readonly kind: OperationKind;
  readonly patient: string | null;
  readonly grantee: string | null;
  /** Of a commit. */
  readonly digest: string | null;
}

/** Columns by which operations are found. */
export interface OperationFilter {
  readonly kinds?: readonly OperationKind[];
  readonly actor?: string;
  readonly patient?: string;
  readonly compartment?: string;
  readonly organization?: string;
  readonly grantee?: string;
  readonly member?: string;
  readonly digest?: string;
  readonly states?: readonly OperationState[];
  /** Made at this workstation, learnt from the ledger, or from another workstation first. */
  readonly origin?: StoredOperation['origin'];
  /** EIP-712 domain separator of the network in which they were signed, where that is a former one. */
  readonly predecessor?: string;
  readonly afterSeq?: number;
  readonly beforeSeq?: number;
  readonly limit?: number;
  /** 'ledger' (default): anchored ones by block and log index, then the rest by seq. 'seq': as they became known. 'sending': as they are to be sent. */
  readonly order?: 'ledger' | 'seq' | 'sending';
  /** Turns the order round: the newest first. */
  readonly descending?: boolean;
}

export interface StoredTransaction {
  readonly hash: string;
  readonly nonce: number;
  readonly raw: string;
  readonly opIds: readonly string[];
  readonly createdAt: number;
}

export interface PersonRow {
  readonly account: string;
  readonly name: string;
  readonly encryptionKey: string;
  readonly sealed: SealedSecret;
  readonly createdAt: number;
}

/** A commit as the ledger told of it, of which only the signature is not checked yet. */
export interface UncheckedCommit {
  readonly event: LedgerEvent;
  readonly compartment: string;
  /** The account that signs for its author at that place of the ledger. */
  readonly signer: string;
  /** Somebody who works here may read it. */
  readonly wanted: boolean;
}

/** `workstation.db`: no decrypted clinical data. Synchronous; every write is durable when it returns. */
export interface WorkstationStorePort {
  setting<T>(name: string): T | undefined;
  setSetting(name: string, value: unknown): void;
  people(): PersonRow[];
  addPerson(person: PersonRow): void;
  /** Runs a step whose writes here count together: all of them or, where it throws or the process ends, none. */
  atomically<T>(step: () => T): T;
  /** Forgets everything: for what a first run that did not come to its end has left. */
  clear(): void;
  /**
   * The commit point of a save: all or none. Known opIds are left as they are. `replaces`: operations made here that the ledger refused and that
   * these take the place of, with everything they held.
   */
  enqueue(
    operations: readonly { operation: SignedOperation; decoded: DecodedOperation; label: string }[],
    replaces?: readonly string[],
  ): void;
  /** The same together with a person's row: keys and the operation that announces them are kept both or neither. */
  enqueueWithPerson(person: PersonRow, operations: Parameters<WorkstationStorePort['enqueue']>[0]): void;
  operation(opId: string): StoredOperation | undefined;
  operations(filter: OperationFilter): StoredOperation[];
  countOperations(filter: OperationFilter): number;
  /** Outbox: made here, pending, oldest first. */
  pending(limit: number): StoredOperation[];
  /** What another workstation brought, checked. Known opIds are left as they are; gives the opIds of those that are new. */
  addFromPeer(operations: readonly { operation: SignedOperation; decoded: DecodedOperation; awaitsBlocks: boolean }[]): string[];
  /** Another workstation holds these with their blocks. Gives those of which that is news. */
  markPublished(opIds: readonly string[]): string[];
  /** The blocks of these are to be fetched. */
  awaitBlocks(opIds: readonly string[]): void;
  /** Operations whose blocks are to be fetched, as they became known. */
  awaitingBlocks(limit: number, afterSeq: number): StoredOperation[];
  /** All blocks of it are here. */
  noteBlocks(opId: string): void;
  /** How many were made here, by state. */
  countMade(): Readonly<Record<OperationState, number>>;
  /** `seq` of the newest operation; 0 without any. */
  lastSeq(): number;
  /** Place and compartment of commits behind a place, in the order of `seq`: what an index needs to know which of them concern it. */
  commitsAfter(seq: number, limit: number): { readonly seq: number; readonly compartment: string }[];
  /** All operations that were saved together with this one, itself included, in order. */
  savedWith(opId: string): StoredOperation[];
  /**
   * Takes a save back as if it had never been made: all of its operations or, where one of them was handed out, none.
   *
   * @throws AppError NOT_FOUND, ALREADY_SENT.
   */
  withdraw(opId: string): void;
  withdrawnAfter(seq: number): WithdrawnOperation[];
  /** To be called before operations are given to anybody but the ledger (another workstation, a stick): they cannot be withdrawn any more. */
  noteHandedOut(opIds: readonly string[]): void;
  /**
   * Everything goes to another ledger: all of it waits again, in the order of the former one, as signed in the network with this EIP-712 domain separator. Kinds
   * in `left` stay behind, refused. Blocks and transactions of the former ledger are forgotten.
   */
  moveFrom(domain: string, left: readonly OperationKind[]): void;
  /** Puts a rejected operation back to pending. */
  retry(opId: string): void;
  saveTransaction(transaction: StoredTransaction): void;
  openTransactions(): StoredTransaction[];
  /** Takes a transaction out; its operations that are still 'submitted' go back to 'pending'. */
  dropTransaction(hash: string): void;
  /** Follower: in one transaction, records the events of blocks up to and including `head`, and its cursor. */
  applyEvents(
    events: readonly { event: LedgerEvent; decoded?: DecodedOperation }[],
    blocks: readonly { number: number; hash: string }[],
    /** Blocks up to this one are final already. Default: none. */
    finalTo?: number,
    /** Kept apart until `settleChecked`; no other method tells of them. Default: none. */
    unchecked?: readonly UncheckedCommit[],
  ): void;
  /**
   * Commits whose signatures are still to be checked, of compartments that somebody who works here wants, or of the others: the compartments with the newest
   * ones first, and each in the order of the ledger from its first one on.
   */
  uncheckedCommits(wanted: boolean, limit: number): UncheckedCommit[];
  countUnchecked(): number;
  /** Somebody who works here may read the commits of these compartments (32 bytes in hex each). */
  wantUnchecked(compartments: readonly string[]): void;
  /**
   * In one transaction: those that are still where they were are checked, and the operations of those that hold are recorded. Gives the ones that
   * do not hold.
   */
  settleChecked(checked: readonly { commit: UncheckedCommit; decoded: DecodedOperation | null }[], finalTo: number): UncheckedCommit[];
  /** Operations mined at or below this block are final. */
  finalize(block: number): void;
  /** Followed blocks, newest first. */
  followedBlocks(limit: number): { number: number; hash: string }[];
  /** Forgets blocks above `number`, with what is unchecked in them; operations in them lose their anchor and (if sent from here or known with signature) go back to 'pending'. */
  rollBackTo(number: number): void;
  close(): void;
}

export interface PatientRow {
  readonly patient: string;
  readonly family: string;
  readonly given: string;
  readonly prefix: string;
  /** FHIR date: YYYY, YYYY-MM or YYYY-MM-DD; '' if unknown. */
  readonly birthDate: string;
  readonly birthDateEstimated: boolean;
  readonly deceased: string;
  readonly gender: string;
  readonly phone: string;
  readonly address: string;
  readonly identifiers: readonly { readonly system: string; readonly label: string; readonly value: string }[];
  readonly updatedAt: number;
}

/** Decrypted metadata of one record version. */
export interface RecordRow {
  readonly recordId: string;
  readonly versionId: string;
  readonly previous: readonly string[];
  readonly patient: string;
  readonly category: Category;
  readonly resourceType: string;
  readonly author: string;
  /** The commit's digest and the operation that anchors it. */
  readonly commit: string;
  readonly opId: string;
  readonly position: number;
  /** ISO date or instant by which it is sorted in the timeline; '' if none. */
  readonly date: string;
  /** FHIR status or clinicalStatus code, '' if none. */
  readonly status: string;
  readonly title: string;
  readonly detail: string;
  readonly codeSystem: string;
  readonly code: string;
  /** FHIR reference text of the encounter it belongs to, '' if none. */
  readonly encounter: string;
  /** Small structured extract for lists (value, unit, range, dosage …); JSON. */
  readonly extract: string;
}

export interface RecordListFilter {
  readonly patient: string;
  readonly resourceTypes?: readonly string[];
  readonly categories?: readonly Category[];
  /** Only versions that no other known version replaces. Default true. */
  readonly current?: boolean;
  readonly before?: { readonly date: string; readonly recordId: string };
  readonly limit?: number;
}

export interface KekRow extends EnvelopeKey {
  readonly patient: string;
}

export interface DraftRow {
  readonly id: string;
  readonly patient: string;
  readonly kind: string;
  readonly json: string;
  readonly updatedAt: number;
}

/** One index per account, encrypted under a key from that person's seed. Rebuilt from ledger and blocks when lost (drafts excepted). */
export interface AccountIndexPort {
  upsertPatients(patients: readonly PatientRow[]): void;
  patient(patient: string): PatientRow | undefined;
  patients(options: { readonly limit: number; readonly offset: number }): PatientRow[];
  countPatients(): number;
  /** While typing: every word must match a name's beginning, a phone's or an identifier's digits or beginning. Best matches first. */
  searchPatients(text: string, limit: number): PatientRow[];
  addKeks(keks: readonly KekRow[]): void;
  /** Takes out a patient's line, keys, records and the note that their commits were read, in one transaction. Drafts stay. */
  forgetPatient(patient: string): void;
  /** Compartments (32 bytes in hex) of which it holds a key. */
  compartments(): string[];
  /** By compartment and epoch; of one epoch, in the order in which they were added. */
  keks(filter: { readonly patient?: string; readonly compartment?: string }): KekRow[];
  /** In one transaction with `commitIndexed`. */
  addRecords(commit: string, records: readonly RecordRow[]): void;
  commitIndexed(commit: string): boolean;
  records(filter: RecordListFilter): RecordRow[];
  countRecords(patient: string): { readonly resourceType: string; readonly category: Category; readonly count: number }[];
  /** Current versions in one chart whose title or code has words beginning so; newest first. */
  searchRecords(patient: string, text: string, limit: number): RecordRow[];
  /** Records with more than one current version, in a bounded number. */
  conflicts(limit: number): { readonly patient: string; readonly category: Category; readonly recordId: string }[];
  /** Versions of a record that no other known version replaces, in an order that is the same everywhere. */
  currentVersions(patient: string, category: Category, recordId: string): RecordRow[];
  /** Current versions of appointments of all patients that begin at this time (as text) or later. */
  appointments(from: string, limit: number): RecordRow[];
  versions(recordId: string): RecordRow[];
  version(versionId: string): RecordRow | undefined;
  removeCommit(commit: string): void;
  cursor(name: string): number;
  setCursor(name: string, value: number): void;
  saveDraft(draft: DraftRow): void;
  drafts(patient?: string): DraftRow[];
  deleteDraft(id: string): void;
  close(): void;
}

export interface StorePort {
  readonly workstation: WorkstationStorePort;
  /** In the same file. */
  readonly holdings: HoldingsPort;
  readonly freeing: FreeingPort;
  readonly pins: PinQueuePort;
  readonly keptPins: KeptPinsPort;
  /**
   * Opens (creating if needed) an account's index; a damaged or undecryptable one is set aside and rebuilt, `rebuilt` says so. Drafts lie in
   * a file of their own and survive that; where it was damaged, `draftsLost` says so. Files that open with one of the `formerKeys` are put under
   * `key` first: whole or, after a kill, at the next opening.
   */
  openAccount(
    account: string,
    key: Uint8Array,
    formerKeys?: readonly Uint8Array[],
  ): { index: AccountIndexPort; rebuilt: boolean; draftsLost?: boolean };
  close(): void;
}
