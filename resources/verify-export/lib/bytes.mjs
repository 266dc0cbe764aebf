/** Bytes, texts and digests. Everything is checked as it is read: what comes from the file may be anything. */
import { createHash } from 'node:crypto';
import { keccak_256 } from '@noble/hashes/sha3.js';

/** Why something of the file does not hold, in words for the reader of the report. */
export class Fault extends Error {}

export const fail = (text) => {
  throw new Fault(text);
};

/** Bytes of 0x-prefixed lower- or upper-case hex; of exactly `length` bytes where it is given. */
export function bytesOf(hex, length, what = 'value') {
  if (typeof hex !== 'string' || !/^0x([0-9a-fA-F]{2})*$/.test(hex) || (length !== undefined && hex.length !== 2 + 2 * length))
    fail(`a ${what} is not ${length ?? 'some'} bytes in hexadecimal`);
  return Uint8Array.from(Buffer.from(hex.slice(2), 'hex'));
}

export const hexOf = (bytes) => `0x${Buffer.from(bytes).toString('hex')}`;

/** Bytes of padded base64 (RFC 4648, section 4), which must be spelled as an encoder spells it. */
export function bytesOfBase64(text, what) {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'base64') : null;
  if (bytes === null || bytes.toString('base64') !== text) fail(`${what} is not base64`);
  return Uint8Array.from(bytes);
}

export const sha256 = (bytes) => Uint8Array.from(createHash('sha256').update(bytes).digest());
export const keccak = (bytes) => keccak_256(bytes);
export const utf8 = (text) => new TextEncoder().encode(text);
export const concat = (...parts) => Uint8Array.from(Buffer.concat(parts.map((part) => Uint8Array.from(part))));
export const equal = (a, b) => a.length === b.length && Buffer.compare(a, b) === 0;

/** JSON in the one form of RFC 8785 (JCS): what is sealed does not depend on white space or the order of keys. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`;
}

/** A CIDv1 with sha2-256 in base32 (https://github.com/multiformats/cid): codec 0x55 raw, 0x70 dag-pb, 0x71 dag-cbor. */
export function cidOf(codec, digest) {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  const bytes = concat([0x01, codec, 0x12, 0x20], digest);
  let text = 'b';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += alphabet[(value >> (bits - 5)) & 31];
  }
  return bits > 0 ? text + alphabet[(value << (5 - bits)) & 31] : text;
}

/** Codec and digest of a CID's bytes; only the form above is taken. */
export function readCid(bytes) {
  const [version, codec, hash, length] = bytes;
  if (bytes.length !== 36 || version !== 1 || ![0x55, 0x70, 0x71].includes(codec) || hash !== 0x12 || length !== 0x20)
    fail('a link is no CID of the kind used here');
  return { codec, digest: bytes.subarray(4), text: cidOf(codec, bytes.subarray(4)) };
}

/** The beginning of an id, for sentences. */
export const short = (hex) => `${hex.slice(0, 10)}…`;
