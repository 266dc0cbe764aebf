/** Hexadecimal text at the port, bytes in the tables: half the size, and one spelling only. */
import { AppError } from '../../../../src-shared/errors.ts';

/**
 * Bytes of 0x-prefixed hexadecimal text, of the given length where one is given.
 * @throws AppError INVALID_INPUT for anything else.
 */
export function bytesOfHex(hex: string, what: string, length?: number): Buffer {
  if (!/^0x(?:[0-9a-fA-F]{2})*$/.test(hex) || (length !== undefined && hex.length !== 2 + 2 * length)) {
    throw new AppError(
      'INVALID_INPUT',
      `The ${what} is not ${length === undefined ? '' : `${length} bytes of `}0x-prefixed hexadecimal text. Nothing was saved.`,
    );
  }
  return Buffer.from(hex.slice(2), 'hex');
}

/** 0x-prefixed lower-case hexadecimal text. */
export function hexOfBytes(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
}
