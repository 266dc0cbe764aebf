/**
 * SHA-256, HMAC, HKDF and random bytes: one place for how they are called. Hashing is node:crypto's (four times as fast as
 * JavaScript on a block); HKDF is noble's, which takes and leaves plain bytes that can be zeroed.
 */
import { createHash, randomFillSync } from 'node:crypto';
import { expand, extract } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { AppError } from '../../../../src-shared/errors.ts';
import { lengthPrefixed, utf8 } from './bytes.ts';

/** Salt of every HKDF of this product: domain separation from other uses of a BIP-39 seed. */
export const hkdfSalt = utf8('anamnesis/1');

/** SHA2-256 (FIPS 180-4): 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

/** HMAC-SHA-256 (RFC 2104) over the parts, each behind its length: different lists of parts never share a MAC. */
export function hmacOfParts(key: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  return hmac(nobleSha256, key, lengthPrefixed(parts));
}

/** HKDF-Extract with SHA-256 (RFC 5869, section 2.2): a 32-byte pseudorandom key. */
export function hkdfExtract(salt: Uint8Array, keyMaterial: Uint8Array): Uint8Array {
  return extract(nobleSha256, keyMaterial, salt);
}

/** HKDF-Expand with SHA-256 (RFC 5869, section 2.3): at most 8,160 bytes. */
export function hkdfExpand(pseudorandomKey: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  return expand(nobleSha256, pseudorandomKey, info, length);
}

/** 1 to 65,536 bytes from the operating system's generator. Throws INVALID_INPUT for another length. */
export function randomBytes(length: number): Uint8Array {
  if (!Number.isInteger(length) || length < 1 || length > 65_536) {
    throw new AppError('INVALID_INPUT', 'Random bytes are made 1 to 65,536 at a time.');
  }
  return randomFillSync(new Uint8Array(length));
}
