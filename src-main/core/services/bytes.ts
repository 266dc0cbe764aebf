/** Conversions between bytes and the strings that the ports use for them. */
import { AppError } from '../../../src-shared/errors.ts';

/** 0x-prefixed lower-case hex to bytes. Throws INVALID_INPUT for anything else. */
export function bytesOf(hex: string): Uint8Array {
  if (!/^0x([0-9a-f]{2})*$/i.test(hex)) throw new AppError('INVALID_INPUT', 'A value that should be hexadecimal is not.');
  return Uint8Array.from(Buffer.from(hex.slice(2), 'hex'));
}

export function hexOf(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString('hex')}`;
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

export const zero32 = `0x${'00'.repeat(32)}`;

/** The bytes32 form of an account: left-padded, lower case (how `Consents` names a person as grantee). */
export function granteeOfAccount(account: string): string {
  return `0x${'00'.repeat(12)}${account.slice(2).toLowerCase()}`;
}

/** Whether a grantee is a person (an address left-padded) and not an organization (32 random bytes). */
export function isPersonGrantee(grantee: string): boolean {
  return grantee.startsWith(`0x${'00'.repeat(12)}`);
}

export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
