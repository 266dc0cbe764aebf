/**
 * Content of one record version, under a DEK of its own. The AAD names network, patient, compartment, record, version and type: a
 * ciphertext put in another one's place does not open.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { AppError } from '../../../../src-shared/errors.ts';
import type { CommitHeader, RecordVersion } from '../../ports.ts';
import { concat } from './bytes.ts';
import { encodeCbor } from './cbor.ts';
import { decryptChunked, encryptChunked } from './chunked.ts';
import { invalid, tampered } from './failures.ts';
import { randomBytes } from './hashing.ts';
import { addressBytes, bytes32, checkId, checkResourceType } from './shapes.ts';

/** Up to here one AEAD call and a place in the commit's pack; above it chunks and a file. */
const maxPackedBytes = 64 * 1024;
/** What is encrypted in one piece of memory. */
const maxContentBytes = 512 * 1024 * 1024;
const nonceBytes = 24;
const tagBytes = 16;

export type ContentPlace = Pick<CommitHeader, 'network' | 'patient' | 'compartment'>;

/** AAD, or chunked encryption's context, of a version's content: DAG-CBOR [network, patient, compartment, record, version, type]. */
function contentAad(place: ContentPlace, version: RecordVersion): Uint8Array {
  const refuse = (what: string): AppError => invalid(`A record's content cannot be sealed: its ${what} is not valid.`);
  return encodeCbor([
    bytes32(place.network, 'network', refuse),
    addressBytes(place.patient, 'patient', refuse),
    bytes32(place.compartment, 'compartment', refuse),
    checkId(version.recordId, 'recordId', refuse),
    checkId(version.versionId, 'versionId', refuse),
    checkResourceType(version.resourceType, refuse),
  ]);
}

/** Encrypts under a fresh DEK (32 bytes). Up to 64 KiB: nonce (24) | ciphertext | tag (16). Throws FILE_TOO_LARGE above 512 MiB. */
export function encryptContent(
  place: ContentPlace,
  version: RecordVersion,
  plaintext: Uint8Array,
): { ciphertext: Uint8Array; dek: Uint8Array; chunked: boolean } {
  if (plaintext.length > maxContentBytes) {
    throw new AppError('FILE_TOO_LARGE', 'This is larger than 512 MiB and cannot be kept as one record. Nothing was saved; divide it.');
  }
  const aad = contentAad(place, version);
  const dek = randomBytes(32);
  if (plaintext.length > maxPackedBytes) return { ciphertext: encryptChunked(dek, aad, plaintext), dek, chunked: true };
  const nonce = randomBytes(nonceBytes);
  return { ciphertext: concat(nonce, xchacha20poly1305(dek, nonce, aad).encrypt(plaintext)), dek, chunked: false };
}

/** Decrypts what {@link encryptContent} made. Throws TAMPERED. */
export function decryptContent(
  place: ContentPlace,
  version: RecordVersion,
  dek: Uint8Array,
  ciphertext: Uint8Array,
  chunked: boolean,
): Uint8Array {
  const aad = contentAad(place, version);
  if (dek.length !== 32) throw tampered('content key');
  if (chunked) return decryptChunked(dek, aad, ciphertext);
  if (ciphertext.length < nonceBytes + tagBytes || ciphertext.length > nonceBytes + maxPackedBytes + tagBytes)
    throw tampered('content length');
  try {
    return xchacha20poly1305(dek, ciphertext.subarray(0, nonceBytes), aad).decrypt(ciphertext.subarray(nonceBytes));
  } catch (cause) {
    throw tampered('content', cause);
  }
}
