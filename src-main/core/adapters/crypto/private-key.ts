/** A private key as wallets show it: 64 hexadecimal digits. What is wrong with one is told without repeating it. */
import { AppError } from '../../../../src-shared/errors.ts';
import { fromHex } from './bytes.ts';
import { isPrivateKey } from './derivation.ts';

/** 32 bytes of a typed private key, with or without 0x and white space around it. Throws KEY_INVALID. */
export function readPrivateKey(text: string): Uint8Array {
  const digits = text.trim().replace(/^0x/i, '');
  const bytes = fromHex(`0x${digits}`, 32);
  if (bytes === null) {
    throw new AppError(
      'KEY_INVALID',
      'A private key has 64 digits from 0 to 9 and a to f, with or without 0x in front. Copy all of it again; nothing was kept.',
      { length: Math.min(digits.length, 1_000) },
    );
  }
  if (!isPrivateKey(bytes))
    throw new AppError('KEY_INVALID', 'These 64 digits are not a key of any account. Copy it again; nothing was kept.');
  return bytes;
}
