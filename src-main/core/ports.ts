/**
 * What the services need of the outside: cryptography, ledger, IPFS, store. Services import this file and src-shared only; each
 * adapter implements a part of it and is the only importer of its library. `core.ts` puts them together.
 *
 * Conventions: accounts are EIP-55 checksummed addresses; bytes32 values 0x-prefixed lower-case hex; CIDs base32 strings (CIDv1);
 * times on operations are seconds since 1970, all others milliseconds; bytes are Uint8Array.
 */
import type { Category } from '../../src-shared/categories.ts';
import type { OperationKind, OperationPayload, SignedOperation } from '../../src-shared/operations.ts';

// ---------------------------------------------------------------- cryptography

/** A person's unlocked keys. In memory only while unlocked; `destroy` zeroes them. */
export interface PersonKeys {
  readonly account: string;
  /** X25519 public key (bytes32 hex) that others seal to. */
  readonly encryptionKey: string;
  /** Signs a 32-byte digest with secp256k1: 65 bytes r || s || v (27/28), low s, as 0x hex. */
  sign(digest: Uint8Array): string;
  /** X25519 secret key for opening envelopes (a view of the key material, not a copy: zeroed by `destroy`). */
  encryptionSecret(): Uint8Array;
  /** 32 bytes by HKDF-SHA256 from the seed, separated by the label and the given parts. */
  derive(label: string, ...parts: readonly Uint8Array[]): Uint8Array;
  /** The 24 words; for showing at creation only. */
  phrase(): string;
  /** 32 bytes of BIP-39 entropy (a copy, the caller zeroes it): what is sealed at rest and on a card. */
  entropy(): Uint8Array;
  destroy(): void;
}

/** Entropy sealed under a passphrase or PIN (Argon2id, XChaCha20-Poly1305). All byte fields base64url. */
export interface SealedSecret {
  readonly v: 1;
  readonly kdf: { readonly name: 'argon2id'; readonly memoryKiB: number; readonly passes: number; readonly salt: string };
  readonly nonce: string;
  readonly ciphertext: string;
}

export interface KeyPort {
  /** 24 new BIP-39 words. */
  createPhrase(): string;
  /** Throws PHRASE_INVALID (which word, where it can be told) unless 24 valid words with a right checksum. Tolerates case and spaces. */
  fromPhrase(phrase: string): PersonKeys;
  fromEntropy(entropy: Uint8Array): PersonKeys;
  /** Off the event loop. `context` is bound as AAD. */
  seal(secret: Uint8Array, passphrase: string, context: string): Promise<SealedSecret>;
  /** Throws WRONG_CREDENTIALS. Parameters of the KDF are bounded before use. */
  open(sealed: SealedSecret, passphrase: string, context: string): Promise<Uint8Array>;
  /** A card's text: account and sealed seed in a short form a QR code holds (prefix `ANAM1:`). */
  encodeCard(account: string, sealed: SealedSecret): string;
  /** Throws CARD_INVALID. */
  decodeCard(card: string): { account: string; sealed: SealedSecret };
  /** A new X25519 key pair (organization key), hex bytes32 public key. */
  createEncryptionKeyPair(): { publicKey: string; secretKey: Uint8Array };
}

/** One entry of a commit: where a record version's content lies. */
export interface ContentLocation {
  /** In the commit's pack (offset, length) or a UnixFS file of its own. */
  readonly pack?: { readonly offset: number; readonly length: number };
  readonly file?: { readonly cid: string; readonly length: number };
}

export interface RecordVersion {
  /** UUID. */
  readonly recordId: string;
  readonly versionId: string;
  /** Version ids this one replaces: none for a new record, two or more when a conflict is resolved. */
  readonly previous: readonly string[];
  readonly resourceType: string;
}

export interface CommitHeader {
  /** The gateway's EIP-712 domain separator, bytes32 hex. */
  readonly network: string;
  readonly patient: string;
  readonly compartment: string;
  readonly author: string;
  readonly epoch: number;
  /** Seconds. */
  readonly issuedAt: number;
  /** CIDs of the commits of this compartment that the author had seen last. */
  readonly parents: readonly string[];
}

export interface CommitEntry extends RecordVersion {
  readonly location: ContentLocation;
  /** Bytes of plaintext. */
  readonly size: number;
  readonly dek: Uint8Array;
}

export interface EncodedBlock {
  readonly cid: string;
  readonly bytes: Uint8Array;
  /** sha2-256 of the bytes, bytes32 hex: what operations carry. */
  readonly digest: string;
}

/** A commit block read back: the header and the sealed entries, not yet opened. */
export interface DecodedCommit {
  readonly header: CommitHeader;
  readonly pack: string | null;
  readonly entries: readonly { readonly location: ContentLocation; readonly size: number; readonly sealed: Uint8Array }[];
}

export interface EnvelopeKey {
  readonly compartment: string;
  readonly category: Category;
  readonly epoch: number;
  readonly kek: Uint8Array;
}

export interface RecordCryptoPort {
  /** CID (v1) of bytes whose sha2-256 is known from the ledger. codec: dag-cbor. */
  cidOfDigest(digest: string): string;
  digestOfCid(cid: string): string;
  /** Encrypts a record version's FHIR JSON under a fresh DEK. Up to 64 KiB of plaintext XChaCha20-Poly1305, above chunked AES-256-GCM. */
  encryptContent(
    header: Pick<CommitHeader, 'network' | 'patient' | 'compartment'>,
    version: RecordVersion,
    plaintext: Uint8Array,
  ): { ciphertext: Uint8Array; dek: Uint8Array; chunked: boolean };
  /** Throws TAMPERED where the content was changed or belongs to another record, version, patient or network. */
  decryptContent(
    header: Pick<CommitHeader, 'network' | 'patient' | 'compartment'>,
    version: RecordVersion,
    dek: Uint8Array,
    ciphertext: Uint8Array,
    chunked: boolean,
  ): Uint8Array;
  /** Builds the commit block; entries are sealed under the epoch's KEK, bound to header, pack and position. */
  encodeCommit(header: CommitHeader, pack: string | null, entries: readonly CommitEntry[], kek: Uint8Array): EncodedBlock;
  /** Parses and bounds (at most 2,000 entries, 64 parents, 2 MiB). Throws TAMPERED for anything not in canonical form. */
  decodeCommit(bytes: Uint8Array): DecodedCommit;
  /** Opens all entries. Throws TAMPERED. */
  openEntries(commit: DecodedCommit, kek: Uint8Array): CommitEntry[];
  /** One block of envelopes, HPKE base mode (RFC 9180: X25519, HKDF-SHA256, ChaCha20-Poly1305). Recipient ids are bytes32 (account left-padded, or organization). */
  sealEnvelopes(
    network: string,
    patient: string,
    recipients: readonly { readonly id: string; readonly encryptionKey: string; readonly keys: readonly EnvelopeKey[] }[],
  ): Promise<EncodedBlock>;
  /** The keys in a block that are sealed for this recipient; null where none is. Throws TAMPERED where one is but does not open. */
  openEnvelopes(
    bytes: Uint8Array,
    network: string,
    patient: string,
    recipient: string,
    secretKey: Uint8Array,
  ): Promise<EnvelopeKey[] | null>;
  /** An organization's secret keys sealed to one member. */
  sealOrganizationKey(
    network: string,
    organization: string,
    member: { id: string; encryptionKey: string },
    secretKeys: readonly Uint8Array[],
  ): Promise<EncodedBlock>;
  openOrganizationKey(
    bytes: Uint8Array,
    network: string,
    organization: string,
    member: string,
    secretKey: Uint8Array,
  ): Promise<Uint8Array[] | null>;
  /** A readable block (DAG-CBOR), for profiles: {type, name, …}. At most 4 KiB. */
  encodeProfile(profile: Profile): EncodedBlock;
  decodeProfile(bytes: Uint8Array): Profile;
  /** A code a person carries: prefix, base64url of DAG-CBOR, checksum. Throws CODE_INVALID on decode. */
  encodeCode(prefix: string, value: unknown): string;
  decodeCode(prefix: string, code: string): unknown;
  hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
  sha256(bytes: Uint8Array): Uint8Array;
  randomBytes(length: number): Uint8Array;
}

/** Public facts about an organization or person, kept as a block whose digest is on the ledger. */
export interface Profile {
  readonly type: 'organization' | 'person';
  readonly name: string;
}

// ---------------------------------------------------------------- ledger

export interface NetworkConfig {
  readonly chainId: number;
  /** Address of the gateway contract `Operations`. */
  readonly operations: string;
}

export interface OperationCodecPort {
  /** EIP-712 domain separator of the gateway. */
  network(config: NetworkConfig): string;
  encodePayload<K extends OperationKind>(kind: K, payload: OperationPayload<K>): string;
  /** Throws INVALID_INPUT for unknown kinds and malformed payloads. */
  decodePayload(operation: Pick<SignedOperation, 'kind' | 'payload'>): DecodedOperation;
  /** The EIP-712 digest that is signed. */
  digest(config: NetworkConfig, operation: Omit<SignedOperation, 'signatures'>): Uint8Array;
  /** The account whose secp256k1 signature this is, or null for a signature that is none. */
  recover(digest: Uint8Array, signature: string): string | null;
}

export type DecodedOperation = { [K in OperationKind]: { readonly kind: K; readonly payload: OperationPayload<K> } }[OperationKind];

export interface LedgerEvent {
  readonly type: 'applied' | 'rejected';
  readonly opId: string;
  /** The operation as the ledger holds it; only when applied. */
  readonly operation?: SignedOperation;
  /** Decoded name and arguments of the custom error, e.g. "EpochPassed(3)"; only when rejected. */
  readonly reason?: string;
  readonly block: number;
  readonly blockHash: string;
  readonly logIndex: number;
  readonly txHash: string;
}

export interface LedgerHead {
  readonly number: number;
  readonly hash: string;
  /** Seconds. */
  readonly timestamp: number;
}

/** A connection to any JSON-RPC endpoint. Every answer is parsed and bounded; failures are LEDGER_UNREACHABLE, LEDGER_WRONG_CHAIN or LEDGER_REFUSED. */
export interface LedgerPort {
  connect(url: string, config: NetworkConfig): void;
  readonly config: NetworkConfig | null;
  /** Throws LEDGER_WRONG_CHAIN where another chain answers or no gateway is at the address. */
  check(): Promise<LedgerHead>;
  head(): Promise<LedgerHead>;
  blockHash(number: number): Promise<string | null>;
  /** Events of the gateway in blocks [from, to], in order. */
  events(from: number, to: number): Promise<LedgerEvent[]>;
  nonce(relayer: string): Promise<number>;
  /** Builds and signs the batch without sending it, so that it can be stored first. Gas price as the network asks (zero on ours). */
  signBatch(
    operations: readonly SignedOperation[],
    relayerKey: Uint8Array,
    nonce: number,
    gasPriceFactor?: number,
  ): Promise<{ hash: string; raw: string }>;
  /** Sends a stored transaction. "already known" counts as sent. Throws LEDGER_REFUSED with details.reason 'nonce-too-low' | 'underpriced' | 'other'. */
  broadcast(raw: string): Promise<void>;
  receipt(hash: string): Promise<{ block: number; blockHash: string; success: boolean } | null>;
  relayerAddress(relayerKey: Uint8Array): string;
  close(): void;
}

export interface EmbeddedLedgerPort {
  /** Starts Anvil on loopback with its state in the folder; restarts it if it dies. `port` 0 or taken: another free one. */
  start(options: { readonly dir: string; readonly chainId: number; readonly port: number }): Promise<{ url: string; port: number }>;
  /** Deploys gateway and modules deterministically (idempotent). */
  deploy(url: string, chainId: number, governors: readonly string[], threshold: number): Promise<NetworkConfig>;
  stop(): Promise<void>;
}

// ---------------------------------------------------------------- IPFS

export interface PeerInfo {
  readonly id: string;
  readonly address: string;
}

export interface IpfsPort {
  /** swarmKey: 32 bytes of pre-shared key. identity: 32-byte Ed25519 seed of this workstation. */
  start(options: {
    readonly swarmKey: Uint8Array;
    readonly identity: Uint8Array;
    readonly listen: readonly string[];
    readonly peers: readonly string[];
    readonly mdns: boolean;
  }): Promise<void>;
  stop(): Promise<void>;
  /** Multiaddrs (with peer id) that others can dial. */
  addresses(): string[];
  peers(): PeerInfo[];
  dial(address: string): Promise<void>;
  /** Called when the number of peers changes. */
  onPeersChanged(listener: () => void): void;
  /** Computes a UnixFS file's blocks without storing them. */
  layOut(bytes: Uint8Array): Promise<{ cid: string; blocks: EncodedFileBlock[] }>;
  /** Durable (fsynced) when it returns, all or nothing. */
  put(blocks: readonly EncodedFileBlock[]): void;
  has(cid: string): boolean;
  /** A block, checked against its CID. offline: never asks the network. Throws BLOCK_UNAVAILABLE or TAMPERED. */
  get(cid: string, options?: { readonly offline?: boolean; readonly timeoutMs?: number; readonly maxBytes?: number }): Promise<Uint8Array>;
  /** Bytes [offset, offset+length) of a UnixFS file, each block checked against its CID. */
  readFile(
    cid: string,
    options?: {
      readonly offset?: number;
      readonly length?: number;
      readonly offline?: boolean;
      readonly timeoutMs?: number;
      readonly maxBytes?: number;
    },
  ): Promise<Uint8Array>;
}

export interface EncodedFileBlock {
  readonly cid: string;
  readonly bytes: Uint8Array;
}

// ---------------------------------------------------------------- store

export type OperationState = 'pending' | 'submitted' | 'mined' | 'final' | 'rejected';

/** An operation as this workstation knows it: made here, or seen on the ledger. */
export interface StoredOperation {
  /** Order in which it became known here; grows by at least one. */
  readonly seq: number;
  readonly operation: SignedOperation;
  readonly kind: OperationKind;
  readonly state: OperationState;
  readonly origin: 'here' | 'ledger';
  readonly block: number | null;
  readonly logIndex: number | null;
  readonly txHash: string | null;
  readonly rejectReason: string | null;
  /** Milliseconds; when it became known here. */
  readonly createdAt: number;
  /** What to call it on the outbox screen: plain words, nothing readable about a patient. */
  readonly label: string;
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
  /** Made at this workstation, or learnt from the ledger. */
  readonly origin?: StoredOperation['origin'];
  readonly afterSeq?: number;
  readonly limit?: number;
  /** 'ledger' (default): anchored ones by block and log index, then the rest by seq. 'seq': as they became known. */
  readonly order?: 'ledger' | 'seq';
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

/** `workstation.db`: no decrypted clinical data. Synchronous; every write is durable when it returns. */
export interface WorkstationStorePort {
  setting<T>(name: string): T | undefined;
  setSetting(name: string, value: unknown): void;
  people(): PersonRow[];
  addPerson(person: PersonRow): void;
  removePerson(account: string): void;
  /**
   * The commit point of a save: all or none. Known opIds are left as they are. `replaces`: operations made here that the ledger refused and that
   * these take the place of, with everything they held.
   */
  enqueue(
    operations: readonly { operation: SignedOperation; decoded: DecodedOperation; label: string }[],
    replaces?: readonly string[],
  ): void;
  operation(opId: string): StoredOperation | undefined;
  operations(filter: OperationFilter): StoredOperation[];
  countOperations(filter: OperationFilter): number;
  /** Outbox: made here, pending, oldest first. */
  pending(limit: number): StoredOperation[];
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
  ): void;
  /** Operations mined at or below this block are final. */
  finalize(block: number): void;
  /** Followed blocks, newest first. */
  followedBlocks(limit: number): { number: number; hash: string }[];
  /** Forgets blocks above `number`; operations in them lose their anchor and (if sent from here or known with signature) go back to 'pending'. */
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
  keks(filter: { readonly patient?: string; readonly compartment?: string }): KekRow[];
  /** In one transaction with `commitIndexed`. */
  addRecords(commit: string, records: readonly RecordRow[]): void;
  commitIndexed(commit: string): boolean;
  records(filter: RecordListFilter): RecordRow[];
  countRecords(patient: string): { readonly resourceType: string; readonly category: Category; readonly count: number }[];
  /** Current versions in one chart whose title or code has words beginning so; newest first. */
  searchRecords(patient: string, text: string, limit: number): RecordRow[];
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
  /**
   * Opens (creating if needed) an account's index; a damaged or undecryptable one is set aside and rebuilt, `rebuilt` says so. Drafts lie in
   * a file of their own and survive that; where it was damaged, `draftsLost` says so.
   */
  openAccount(account: string, key: Uint8Array): { index: AccountIndexPort; rebuilt: boolean; draftsLost?: boolean };
  close(): void;
}
