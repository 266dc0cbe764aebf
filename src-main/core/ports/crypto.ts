/** Keys of people, commits and envelopes, and the codes that people carry. */
import type { Category } from '../../../src-shared/categories.ts';

/** A person's unlocked keys. In memory only while unlocked; `destroy` zeroes them. */
export interface PersonKeys {
  /** Address of the first signer, for good; of a recovered account, whose first signer is lost, too. */
  readonly account: string;
  /** Addresses that these keys can sign with, the newest last: more than one where the keys were rotated. */
  readonly signers: readonly string[];
  /** X25519 public key (bytes32 hex) that others seal to. */
  readonly encryptionKey: string;
  /** Signs a 32-byte digest with secp256k1: 65 bytes r || s || v (27/28), low s, as 0x hex. By the newest signer, or one of `signers`. */
  sign(digest: Uint8Array, signer?: string): string;
  /** X25519 secret key for opening envelopes (a view of the key material, not a copy: zeroed by `destroy`). */
  encryptionSecret(): Uint8Array;
  /** The same for all of them, the newest first: what was sealed before a rotation opens with an older one. */
  encryptionSecrets(): readonly Uint8Array[];
  /** What `derive` gave before each rotation, the newest first (the caller zeroes them). */
  deriveFormer(label: string): Uint8Array[];
  /** 32 bytes by HKDF-SHA256 from the seed, separated by the label and the given parts. */
  derive(label: string, ...parts: readonly Uint8Array[]): Uint8Array;
  /** What `derive` gives from one of the keys, named by its address in `signers`. Throws INVALID_INPUT for another. */
  deriveAs(signer: string, label: string, ...parts: readonly Uint8Array[]): Uint8Array;
  /** The words (24 where the key was made here), or null for a key that came as a private key. */
  phrase(): string | null;
  /**
   * What is sealed at rest and on a card, and gives these keys again (a copy, the caller zeroes it): BIP-39 entropy, a marked private key, or, after a
   * rotation, the account with all of these. `most`: with no more than so many of them, the newest.
   */
  secret(most?: number): Uint8Array;
  /** The same without the newest key; null where there is only one. */
  formerSecret(): Uint8Array | null;
  /** The signer's secp256k1 secret key, 32 bytes (a copy, the caller zeroes it): for an export only. */
  privateKey(): Uint8Array;
  destroy(): void;
}

/** A secret sealed under a passphrase or PIN (Argon2id, XChaCha20-Poly1305). All byte fields base64url. */
export interface SealedSecret {
  readonly v: 1;
  readonly kdf: { readonly name: 'argon2id'; readonly memoryKiB: number; readonly passes: number; readonly salt: string };
  readonly nonce: string;
  readonly ciphertext: string;
}

export interface KeyPort {
  /** 24 new BIP-39 words. */
  createPhrase(): string;
  /** Throws PHRASE_INVALID (which word, where it can be told) unless 12, 15, 18, 21 or 24 valid words with a right checksum. Tolerates case and spaces. */
  fromPhrase(phrase: string): PersonKeys;
  /** 64 hexadecimal digits, with or without 0x. Everything but the signer comes from it by HKDF. Throws KEY_INVALID. */
  fromPrivateKey(hex: string): PersonKeys;
  /** What `PersonKeys.secret` gave. */
  fromSecret(secret: Uint8Array): PersonKeys;
  /** Keys of the same account with a newer signer and X25519 key in front. Neither is destroyed. Throws INVALID_INPUT after 32 rotations. */
  rotated(former: PersonKeys, newer: PersonKeys): PersonKeys;
  /**
   * Keys for an account whose own are lost, as its guardians give them: it keeps its address, and what was sealed to its former keys opens with nothing of these. Throws
   * INVALID_INPUT for keys that were rotated, or are the account's own.
   */
  recovered(account: string, newer: PersonKeys): PersonKeys;
  /** Web3 Secret Storage, version 3. The KDF's cost is bounded before it is spent, off the event loop. Throws KEY_INVALID, WRONG_CREDENTIALS, TRY_LATER. */
  fromKeystore(json: string, password: string): Promise<PersonKeys>;
  /** The signer's key as a V3 keystore: AES-128-CTR, scrypt with N 131,072, r 8, p 1. */
  toKeystore(keys: PersonKeys, password: string): Promise<string>;
  /** Off the event loop. `context` is bound as AAD. */
  seal(secret: Uint8Array, passphrase: string, context: string): Promise<SealedSecret>;
  /** Throws WRONG_CREDENTIALS. Parameters of the KDF are bounded before use. */
  open(sealed: SealedSecret, passphrase: string, context: string): Promise<Uint8Array>;
  /** What one guess at a passphrase sealed now costs: seconds on one core of this machine, measured. */
  secondsPerGuess(): Promise<number>;
  /** A card's text: account and sealed seed in a short form a QR code holds (prefix `ANAM1:`). */
  encodeCard(account: string, sealed: SealedSecret): string;
  /** Throws CARD_INVALID. */
  decodeCard(card: string): { account: string; sealed: SealedSecret };
  /** A new X25519 key pair (organization key), hex bytes32 public key. */
  createEncryptionKeyPair(): { publicKey: string; secretKey: Uint8Array };
  /** The X25519 public key (bytes32 hex) of a secret key. */
  encryptionKeyOf(secretKey: Uint8Array): string;
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
  /** Entries of earlier commits whose contents lie in this one, encrypted anew; none in a commit of records. */
  readonly originals: readonly OriginalRange[];
}

/** Entries [first, first + count) of an earlier commit of the same patient and compartment. */
export interface OriginalRange {
  /** CID. */
  readonly commit: string;
  readonly first: number;
  readonly count: number;
}

/** A record version and what its author signed of its content. */
export interface SignedContent extends RecordVersion {
  /** SHA-256 of a salt and the content, bytes32 hex; the salt lies in front of the content, encrypted with it. */
  readonly contentDigest: string;
}

export interface EncryptedContent {
  readonly ciphertext: Uint8Array;
  readonly dek: Uint8Array;
  readonly chunked: boolean;
  readonly contentDigest: string;
}

/** Ciphertext turned into ciphertext under another key, piece by piece. */
export interface ContentStream {
  /** The new key (the caller zeroes it). */
  readonly dek: Uint8Array;
  update(ciphertext: Uint8Array): Uint8Array;
  /** The rest. Throws TAMPERED where all of it was not what was signed. */
  final(): Uint8Array;
}

type ContentPlace = Pick<CommitHeader, 'network' | 'patient' | 'compartment'>;

export interface CommitEntry extends SignedContent {
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
  encryptContent(place: ContentPlace, version: RecordVersion, plaintext: Uint8Array): EncryptedContent;
  /** Throws TAMPERED where the content was changed, belongs to another record, version, patient or network, or is not the one that was signed. */
  decryptContent(place: ContentPlace, content: SignedContent, dek: Uint8Array, ciphertext: Uint8Array, chunked: boolean): Uint8Array;
  /** The same content under a fresh DEK. Throws TAMPERED as `decryptContent` does. */
  reencryptContent(
    place: ContentPlace,
    content: SignedContent,
    dek: Uint8Array,
    ciphertext: Uint8Array,
    chunked: boolean,
  ): EncryptedContent;
  /** The same for chunked content of any size. */
  reencryptChunked(place: ContentPlace, content: SignedContent, dek: Uint8Array): ContentStream;
  /** Builds the commit block; entries are sealed under the epoch's KEK, bound to header, pack and position. */
  encodeCommit(header: CommitHeader, pack: string | null, entries: readonly CommitEntry[], kek: Uint8Array): EncodedBlock;
  /** Parses and bounds (at most 2,000 entries, 64 parents, 2 MiB). Throws TAMPERED for anything not in canonical form. */
  decodeCommit(bytes: Uint8Array): DecodedCommit;
  /** Opens all entries. Throws TAMPERED. */
  openEntries(commit: DecodedCommit, kek: Uint8Array): CommitEntry[];
  /** Opens `count` entries from `first` on. Throws TAMPERED. */
  openSomeEntries(commit: DecodedCommit, kek: Uint8Array, first: number, count: number): CommitEntry[];
  /** The key that opens the entries of this one commit and of no other (32 bytes; the caller zeroes it): for giving away without the KEK. */
  commitKey(commit: DecodedCommit, kek: Uint8Array): Uint8Array;
  /**
   * One block of envelopes, HPKE base mode (RFC 9180: X25519, HKDF-SHA256, ChaCha20-Poly1305). Recipient ids are bytes32 (account left-padded, or
   * organization). `former`: the secret of a patient's former keys, sealed to the key that replaced them.
   */
  sealEnvelopes(
    network: string,
    patient: string,
    recipients: readonly { readonly id: string; readonly encryptionKey: string; readonly keys: readonly EnvelopeKey[] }[],
    former?: { readonly encryptionKey: string; readonly secret: Uint8Array },
  ): Promise<EncodedBlock>;
  /** The secret of a patient's former keys in such a block (the caller zeroes it); null where there is none for this key. Throws TAMPERED. */
  openFormerKeys(bytes: Uint8Array, network: string, patient: string, keys: PersonKeys): Promise<Uint8Array | null>;
  /** The keys in a block that are sealed for this recipient; null where none is. Throws TAMPERED where one is but does not open. */
  openEnvelopes(
    bytes: Uint8Array,
    network: string,
    patient: string,
    recipient: string,
    secretKey: Uint8Array,
  ): Promise<EnvelopeKey[] | null>;
  /** Whether these keys can be in what such a block has for a recipient, as its length tells without opening it. Throws TAMPERED. */
  mayHoldKeys(bytes: Uint8Array, network: string, patient: string, recipient: string, keys: readonly Omit<EnvelopeKey, 'kek'>[]): boolean;
  /** Whom the keys of a block of envelopes are sealed to. Throws TAMPERED. */
  envelopeRecipients(bytes: Uint8Array, network: string, patient: string): string[];
  /** An organization's secret keys sealed to one member. */
  sealOrganizationKey(
    network: string,
    organization: string,
    member: { id: string; encryptionKey: string },
    secretKeys: readonly Uint8Array[],
  ): Promise<EncodedBlock>;
  /** The same to several members (1 to 2,000) in one block, which says readably for which public key it is and to whom it is sealed. */
  sealOrganizationKeyTo(
    network: string,
    organization: string,
    members: readonly { readonly id: string; readonly encryptionKey: string }[],
    secretKeys: readonly Uint8Array[],
  ): Promise<EncodedBlock>;
  /** To whom such a block is sealed; `publicKey` is null for one by `sealOrganizationKey`, which does not say. Throws TAMPERED. */
  organizationKeyHolders(bytes: Uint8Array): { readonly publicKey: string | null; readonly members: readonly string[] };
  /** Opens both forms. */
  openOrganizationKey(
    bytes: Uint8Array,
    network: string,
    organization: string,
    member: string,
    secretKey: Uint8Array,
  ): Promise<Uint8Array[] | null>;
  /** A text (up to 16 KiB of UTF-8) sealed to up to 16 readers; its length is hidden up to 512 bytes. */
  sealNote(
    network: string,
    patient: string,
    readers: readonly { readonly id: string; readonly encryptionKey: string }[],
    text: string,
  ): Promise<EncodedBlock>;
  /** Null where the note is for others. Throws TAMPERED. */
  openNote(bytes: Uint8Array, network: string, patient: string, reader: string, secretKey: Uint8Array): Promise<string | null>;
  /** A readable block (DAG-CBOR), for profiles: {type, name, …}. At most 4 KiB. */
  encodeProfile(profile: Profile): EncodedBlock;
  decodeProfile(bytes: Uint8Array): Profile;
  /** A code a person carries: prefix, base64url of DAG-CBOR, checksum. Throws CODE_INVALID on decode. */
  encodeCode(prefix: string, value: unknown): string;
  decodeCode(prefix: string, code: string): unknown;
  /** What workstations send each other: canonical DAG-CBOR. */
  encodeMessage(value: unknown): Uint8Array;
  /** Throws INVALID_INPUT over `maxBytes`, and for anything not in canonical form. */
  decodeMessage(bytes: Uint8Array, maxBytes: number): unknown;
  hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
  sha256(bytes: Uint8Array): Uint8Array;
  randomBytes(length: number): Uint8Array;
}

/** Public facts about an organization or person, kept as a block whose digest is on the ledger. */
export interface Profile {
  readonly type: 'organization' | 'person';
  readonly name: string;
}
