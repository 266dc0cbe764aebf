/**
 * The workstation's recovery code: the machine's key on paper. 32 bytes and the first 3 of a SHA-256 over them are 280 bits, so 56 symbols of
 * Crockford's base32 in 14 groups of four. O is read as 0, I and L as 1. The checksum is against slips (one in 16 million passes), not
 * against guessing, which 256 random bits rule out.
 */
import { AppError } from '../../../../src-shared/errors.ts';
import { concat, equalBytes, utf8 } from './bytes.ts';
import { sha256 } from './hashing.ts';

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const keyBytes = 32;
const checksumBytes = 3;
const symbols = ((keyBytes + checksumBytes) * 8) / 5;
const groupLength = 4;
const label = utf8('anamnesis/recovery-code/1');

/** Throws INVALID_INPUT for a key that has not 32 bytes. */
export function writeRecoveryCode(key: Uint8Array): string {
  if (key.length !== keyBytes) throw new AppError('INVALID_INPUT', 'A recovery code is made of 32 bytes.');
  let text = '';
  let pending = 0;
  let bits = 0;
  for (const byte of concat(key, checksum(key))) {
    pending = (pending << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(pending >> bits) & 31];
      pending &= (1 << bits) - 1;
    }
  }
  return text.match(new RegExp(`.{${groupLength}}`, 'g'))?.join('-') ?? '';
}

/** Throws CODE_INVALID. */
export function readRecoveryCode(code: string): Uint8Array {
  const text = code
    .toUpperCase()
    .replace(/[\s\-–—_.:]+/gu, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');
  if (text.length !== symbols)
    throw invalidCode(
      `The code has ${symbols / groupLength} groups of ${groupLength} letters and digits, ${symbols} in all; this one has ${text.length}.`,
    );
  const bytes = new Uint8Array(keyBytes + checksumBytes);
  let pending = 0;
  let bits = 0;
  let at = 0;
  for (const symbol of text) {
    const value = alphabet.indexOf(symbol);
    if (value < 0) throw invalidCode('It has a letter or sign that is in no such code.');
    pending = (pending << 5) | value;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = pending >> bits;
    pending &= (1 << bits) - 1;
  }
  const key = bytes.slice(0, keyBytes);
  const right = equalBytes(checksum(key), bytes.subarray(keyBytes));
  bytes.fill(0);
  if (right) return key;
  key.fill(0);
  throw invalidCode('At least one letter or digit is not as on the paper.');
}

function checksum(key: Uint8Array): Uint8Array {
  return sha256(concat(label, key)).subarray(0, checksumBytes);
}

function invalidCode(why: string): AppError {
  return new AppError('CODE_INVALID', `This recovery code is not right. ${why} Nothing was changed; compare it with the paper.`);
}
