/**
 * Bytes to text and back, strictly: what decodes also encodes to the same text again, so one value has one spelling.
 * Below every other file of the crypto adapter; imports no library.
 */
import { timingSafeEqual } from 'node:crypto';

const utf8Encoder = new TextEncoder();

/** UTF-8 bytes of a string. */
export function utf8(text: string): Uint8Array {
  return utf8Encoder.encode(text);
}

/** Concatenation, in order. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Each part behind its length (32 bits, big-endian), so that no two lists of parts have the same bytes. */
export function lengthPrefixed(parts: readonly Uint8Array[]): Uint8Array {
  return concat(...parts.flatMap((part) => [uint32(part.length), part]));
}

/** 32 bits, big-endian. */
export function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** 0x-prefixed lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}`;
}

/** Bytes of 0x-prefixed hex of exactly `length` bytes in either case; null for anything else. */
export function fromHex(hex: unknown, length: number): Uint8Array | null {
  if (typeof hex !== 'string' || hex.length !== 2 + 2 * length || !/^0x[0-9a-fA-F]*$/.test(hex)) return null;
  return new Uint8Array(Buffer.from(hex.slice(2), 'hex'));
}

/** Unpadded base64url (RFC 4648, section 5). */
export function toBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64url');
}

/** Bytes of unpadded base64url; null where the text is not exactly what {@link toBase64url} writes. */
export function fromBase64url(text: unknown): Uint8Array | null {
  if (typeof text !== 'string') return null;
  const bytes = new Uint8Array(Buffer.from(text, 'base64url'));
  return toBase64url(bytes) === text ? bytes : null;
}

/** Equality in a time that depends on the lengths only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Overwrites secrets that are no longer needed. Copies that the engine made on its own are out of reach. */
export function zero(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}
