/**
 * Checks of decoded values: each returns the value with its type or throws what `refuse` makes. Every string and list has a bound.
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { categories, type Category } from '../../../../src-shared/categories.ts';
import { fromHex, toHex } from './bytes.ts';
import type { Refuse } from './failures.ts';

/** A map with exactly these keys. */
export function checkMap<K extends string>(value: unknown, keys: readonly K[], refuse: Refuse): Record<K, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) throw refuse(keys.join());
  const present = Object.keys(value);
  if (present.length !== keys.length || !keys.every((key) => Object.hasOwn(value, key))) throw refuse(keys.join());
  return value as Record<K, unknown>;
}

/** A list with at most `limit` members. */
export function checkList(value: unknown, limit: number, what: string, refuse: Refuse): readonly unknown[] {
  if (!Array.isArray(value) || value.length > limit) throw refuse(what);
  return value;
}

/** A safe integer from 0 to `limit`. */
export function checkInteger(value: unknown, limit: number, what: string, refuse: Refuse): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > limit) throw refuse(what);
  return value;
}

/** Bytes of exactly `length`, or from `length` to `limit`. */
export function checkBytes(value: unknown, length: number, what: string, refuse: Refuse, limit = length): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length < length || value.length > limit) throw refuse(what);
  return value;
}

/** A FHIR id (R4, datatypes: `[A-Za-z0-9\-\.]{1,64}`), which every UUID is. */
export function checkId(value: unknown, what: string, refuse: Refuse): string {
  if (typeof value !== 'string' || !/^[A-Za-z0-9.-]{1,64}$/.test(value)) throw refuse(what);
  return value;
}

/** The name of a FHIR resource type. */
export function checkResourceType(value: unknown, refuse: Refuse): string {
  if (typeof value !== 'string' || !/^[A-Z][A-Za-z]{0,63}$/.test(value)) throw refuse('resourceType');
  return value;
}

export function checkCategory(value: unknown, refuse: Refuse): Category {
  const category = categories.find((known) => known === value);
  if (category === undefined) throw refuse('category');
  return category;
}

/** 32 bytes of a bytes32 hex string. */
export function bytes32(hex: unknown, what: string, refuse: Refuse): Uint8Array {
  const bytes = fromHex(hex, 32);
  if (bytes === null) throw refuse(what);
  return bytes;
}

/** 20 bytes of an address. Mixed case must be the right EIP-55 checksum. */
export function addressBytes(address: unknown, what: string, refuse: Refuse): Uint8Array {
  const bytes = fromHex(address, 20);
  if (bytes === null) throw refuse(what);
  const text = address as string;
  const digits = text.slice(2);
  if (digits !== digits.toLowerCase() && digits !== digits.toUpperCase() && text !== addressOf(bytes)) throw refuse(what);
  return bytes;
}

/** EIP-55 checksummed address of 20 bytes. */
export function addressOf(bytes: Uint8Array): string {
  const digits = toHex(bytes).slice(2);
  // EIP-55: a letter is upper case where the same digit of keccak256(lower-case hex) is 8 or more.
  const hash = toHex(keccak_256(Buffer.from(digits, 'latin1'))).slice(2);
  let address = '0x';
  for (let i = 0; i < digits.length; i++) address += hash.charAt(i) >= '8' ? digits.charAt(i).toUpperCase() : digits.charAt(i);
  return address;
}
