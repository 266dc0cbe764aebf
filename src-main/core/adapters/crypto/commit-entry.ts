/**
 * One sealed entry of a commit: what only those with the KEK may know of a record version, and its DEK. Sealed bytes:
 * nonce (24) | XChaCha20-Poly1305 of the padded DAG-CBOR {recordId, versionId, previous, resourceType, contentDigest,
 * dek} | tag (16).
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import type { CommitEntry, RecordVersion } from '../../ports.ts';
import { concat, toHex, utf8, zero } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { tampered, type Refuse } from './failures.ts';
import { hkdfExpand, hkdfExtract, hkdfSalt, randomBytes } from './hashing.ts';
import { bytes32, checkBytes, checkId, checkList, checkMap, checkResourceType } from './shapes.ts';

const nonceBytes = 24;
const tagBytes = 16;
const maxPrevious = 64;
/** Entries are padded to a multiple of this: otherwise their length would tell the resource type, or a first version from a correction. */
const paddingBytes = 320;
const maxEntryBytes = 32 * paddingBytes;

/** Least and most bytes of a sealed entry. */
export const sealedEntryBytes = { min: nonceBytes + paddingBytes + tagBytes, max: nonceBytes + maxEntryBytes + tagBytes } as const;

const entryKeys = ['recordId', 'versionId', 'previous', 'resourceType', 'contentDigest', 'dek'] as const;

type EntrySecret = RecordVersion & Pick<CommitEntry, 'contentDigest' | 'dek'>;

/** Key for the entries of the one commit whose header has this digest. */
export function entryKey(kek: Uint8Array, headerDigest: Uint8Array): Uint8Array {
  const root = hkdfExtract(hkdfSalt, kek);
  const key = hkdfExpand(root, concat(utf8('commit-entry'), headerDigest), 32);
  zero(root);
  return key;
}

/** Seals one entry. Throws what `refuse` makes for a version that breaks a bound. */
export function sealEntry(key: Uint8Array, aad: Uint8Array, entry: EntrySecret, refuse: Refuse): Uint8Array {
  const { contentDigest, ...checked } = checkEntry(entry, refuse);
  const plaintext = pad(encodeCbor({ ...checked, contentDigest: bytes32(contentDigest, 'contentDigest', refuse) }));
  const nonce = randomBytes(nonceBytes);
  const sealed = concat(nonce, xchacha20poly1305(key, nonce, aad).encrypt(plaintext));
  zero(plaintext);
  return sealed;
}

/** Opens one entry; the DEK is a copy of its own. Throws TAMPERED. */
export function openEntry(key: Uint8Array, aad: Uint8Array, sealed: Uint8Array): EntrySecret {
  let plaintext: Uint8Array;
  try {
    plaintext = xchacha20poly1305(key, sealed.subarray(0, nonceBytes), aad).decrypt(sealed.subarray(nonceBytes));
  } catch (cause) {
    throw tampered('commit entry', cause);
  }
  const decoded = decodeCbor(unpad(plaintext), maxEntryBytes, tampered);
  const { contentDigest, ...rest } = checkMap(decoded, entryKeys, tampered);
  const digest = toHex(checkBytes(contentDigest, 32, 'contentDigest', tampered));
  const entry = checkEntry({ ...rest, contentDigest: digest }, tampered);
  zero(plaintext);
  return entry;
}

function checkEntry(entry: Readonly<Record<keyof EntrySecret, unknown>>, refuse: Refuse): EntrySecret {
  const versionId = checkId(entry.versionId, 'versionId', refuse);
  const previous = checkList(entry.previous, maxPrevious, 'previous', refuse).map((id) => checkId(id, 'previous', refuse));
  // A version that replaces itself, or another one twice, would make the history unreadable.
  if (new Set([versionId, ...previous]).size !== previous.length + 1) throw refuse('previous');
  return {
    recordId: checkId(entry.recordId, 'recordId', refuse),
    versionId,
    previous,
    resourceType: checkResourceType(entry.resourceType, refuse),
    contentDigest: toHex(bytes32(entry.contentDigest, 'contentDigest', refuse)),
    dek: checkBytes(entry.dek, 32, 'dek', refuse).slice(),
  };
}

/** ISO/IEC 7816-4 padding: 0x80, then zeros. */
function pad(bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((bytes.length + 1) / paddingBytes) * paddingBytes);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  return padded;
}

function unpad(padded: Uint8Array): Uint8Array {
  const end = padded.lastIndexOf(0x80);
  if (padded.length % paddingBytes !== 0 || end < padded.length - paddingBytes || padded.subarray(end + 1).some((byte) => byte !== 0)) {
    throw tampered('commit entry padding');
  }
  return padded.subarray(0, end);
}
