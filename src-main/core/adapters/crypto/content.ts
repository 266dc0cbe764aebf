/**
 * Content of one record version, under a DEK of its own. The AAD names network, patient, compartment, record, version and type: a
 * ciphertext put in another one's place does not open.
 *
 * What is encrypted is a random salt (32 bytes) and then the content. The entry, which the author signs, holds SHA-256 of both: so the signature
 * covers the content whatever ciphertext it lies in (see ADR 11), and whoever has the entry's key but not the ciphertext cannot guess at the content.
 */
import { createHash } from 'node:crypto';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { AppError } from '../../../../src-shared/errors.ts';
import type { CommitHeader, ContentStream, EncryptedContent, RecordVersion, SignedContent } from '../../ports.ts';
import { concat, toHex, zero } from './bytes.ts';
import { encodeCbor } from './cbor.ts';
import { createChunkedDecryptor, createChunkedEncryptor, decryptChunked, encryptChunked } from './chunked.ts';
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

const saltBytes = 32;

const digestOf = (salted: Uint8Array): string => toHex(createHash('sha256').update(salted).digest());

/** Salt and content under a fresh DEK, in the form that the content's size asks for. */
function seal(aad: Uint8Array, salted: Uint8Array): EncryptedContent {
  const dek = randomBytes(32);
  const contentDigest = digestOf(salted);
  if (salted.length > saltBytes + maxPackedBytes)
    return { ciphertext: encryptChunked(dek, aad, salted), dek, chunked: true, contentDigest };
  const nonce = randomBytes(nonceBytes);
  return { ciphertext: concat(nonce, xchacha20poly1305(dek, nonce, aad).encrypt(salted)), dek, chunked: false, contentDigest };
}

/** Salt and content, compared with the digest that was signed. */
function unseal(place: ContentPlace, content: SignedContent, dek: Uint8Array, ciphertext: Uint8Array, chunked: boolean): Uint8Array {
  const salted = open(contentAad(place, content), dek, ciphertext, chunked);
  if (salted.length < saltBytes || digestOf(salted) !== content.contentDigest) throw tampered('content digest');
  return salted;
}

function open(aad: Uint8Array, dek: Uint8Array, ciphertext: Uint8Array, chunked: boolean): Uint8Array {
  if (dek.length !== 32) throw tampered('content key');
  if (chunked) return decryptChunked(dek, aad, ciphertext);
  if (ciphertext.length < nonceBytes + tagBytes || ciphertext.length > nonceBytes + saltBytes + maxPackedBytes + tagBytes)
    throw tampered('content length');
  try {
    return xchacha20poly1305(dek, ciphertext.subarray(0, nonceBytes), aad).decrypt(ciphertext.subarray(nonceBytes));
  } catch (cause) {
    throw tampered('content', cause);
  }
}

/** Encrypts under a fresh DEK (32 bytes). Up to 64 KiB: nonce (24) | ciphertext | tag (16). Throws FILE_TOO_LARGE above 512 MiB. */
export function encryptContent(place: ContentPlace, version: RecordVersion, plaintext: Uint8Array): EncryptedContent {
  if (plaintext.length > maxContentBytes) {
    throw new AppError('FILE_TOO_LARGE', 'This is larger than 512 MiB and cannot be kept as one record. Nothing was saved; divide it.');
  }
  const salted = concat(randomBytes(saltBytes), plaintext);
  const sealed = seal(contentAad(place, version), salted);
  zero(salted);
  return sealed;
}

/** Decrypts what {@link encryptContent} or {@link reencryptContent} made. Throws TAMPERED, also where it is not what `contentDigest` names. */
export function decryptContent(
  place: ContentPlace,
  content: SignedContent,
  dek: Uint8Array,
  ciphertext: Uint8Array,
  chunked: boolean,
): Uint8Array {
  return unseal(place, content, dek, ciphertext, chunked).subarray(saltBytes);
}

/** The same content under a new DEK; its digest stays. Throws TAMPERED where it is not what was signed. */
export function reencryptContent(
  place: ContentPlace,
  content: SignedContent,
  dek: Uint8Array,
  ciphertext: Uint8Array,
  chunked: boolean,
): EncryptedContent {
  const salted = unseal(place, content, dek, ciphertext, chunked);
  const sealed = seal(contentAad(place, content), salted);
  zero(salted);
  return sealed;
}

/**
 * {@link reencryptContent} for chunked content, piece by piece: `update` takes ciphertext and gives ciphertext under `dek`. Only after `final`, which
 * throws TAMPERED otherwise, is it known to be the content that was signed; what was given out before is worthless where it throws.
 */
export function reencryptChunked(place: ContentPlace, content: SignedContent, dek: Uint8Array): ContentStream {
  const aad = contentAad(place, content);
  const fresh = randomBytes(32);
  const [from, to] = [createChunkedDecryptor(dek, aad), createChunkedEncryptor(fresh, aad)];
  const hash = createHash('sha256');
  const pass = (plaintext: Uint8Array): Uint8Array => {
    hash.update(plaintext);
    const sealed = to.update(plaintext);
    zero(plaintext);
    return sealed;
  };
  return {
    dek: fresh,
    update: (ciphertext) => pass(from.update(ciphertext)),
    final() {
      const last = pass(from.final());
      if (toHex(hash.digest()) !== content.contentDigest) throw tampered('content digest');
      return concat(last, to.final());
    },
  };
}
