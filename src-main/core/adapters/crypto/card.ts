/**
 * A patient card's text: `ANAM1:` and base32 in capitals, all of it in QR's alphanumeric mode (ISO/IEC 18004, 7.4.4). Around 200
 * characters for 32 sealed bytes, which is a version 7 code at level L and version 10 at level Q.
 *
 * Bytes: form (1) | account (20) | memory in KiB (4) | passes (1) | salt length (1) and salt | nonce (24) | ciphertext length (1)
 * and ciphertext | first 4 bytes of SHA-256 over all before. The checksum tells a misread card from a wrong PIN.
 */
import { base32upper } from 'multiformats/bases/base32';
import { AppError } from '../../../../src-shared/errors.ts';
import type { SealedSecret } from '../../ports.ts';
import { concat, equalBytes, uint32 } from './bytes.ts';
import { invalid } from './failures.ts';
import { sha256 } from './hashing.ts';
import { readSealed, writeSealed } from './sealed-secret.ts';
import { addressBytes, addressOf } from './shapes.ts';

const prefix = 'ANAM1:';
const form = 1;
const checksumBytes = 4;
/** A salt and a ciphertext of at most 64 and 255 bytes fit in it. */
const maxCardLength = 1_024;
/** Room for four keys (`secretsOnCard`): 392 characters, a version 10 code at level L. */
const maxCiphertextBytes = 176;

/** A card's text. Throws INVALID_INPUT for a sealed secret that is malformed or larger than a card should hold. */
export function encodeCard(account: string, sealed: SealedSecret): string {
  const refuse = (what: string): AppError => invalid(`This cannot be written on a card: ${what}.`);
  const parts = readSealed(sealed, refuse);
  if (parts.ciphertext.length > maxCiphertextBytes) throw refuse('size');
  const body = concat(
    Uint8Array.of(form),
    addressBytes(account, 'account', refuse),
    uint32(parts.memoryKiB),
    Uint8Array.of(parts.passes, parts.salt.length),
    parts.salt,
    parts.nonce,
    Uint8Array.of(parts.ciphertext.length),
    parts.ciphertext,
  );
  return prefix + base32upper.baseEncode(concat(body, checksum(body)));
}

/** Reads a card's text; case and white space do not matter. Throws CARD_INVALID. */
export function decodeCard(card: string): { account: string; sealed: SealedSecret } {
  if (card.length > maxCardLength) throw cardInvalid();
  const text = card.replace(/\s+/gu, '').toUpperCase();
  if (!text.startsWith(prefix)) throw cardInvalid();
  const bytes = fromBase32(text.slice(prefix.length));
  const body = bytes.subarray(0, Math.max(0, bytes.length - checksumBytes));
  if (!equalBytes(checksum(body), bytes.subarray(body.length))) throw cardInvalid();

  let offset = 0;
  const take = (length: number): Uint8Array => {
    if (offset + length > body.length) throw cardInvalid();
    return body.slice(offset, (offset += length));
  };
  const byte = (): number => take(1)[0] ?? 0;
  if (byte() !== form) throw cardInvalid();
  const account = addressOf(take(20));
  const memoryKiB = new DataView(take(4).buffer).getUint32(0);
  const passes = byte();
  const salt = take(byte());
  const nonce = take(24);
  const ciphertext = take(byte());
  if (offset !== body.length || ciphertext.length > maxCiphertextBytes) throw cardInvalid();
  const sealed = writeSealed({ memoryKiB, passes, salt, nonce, ciphertext });
  // The same bounds as for a sealed secret from a file.
  readSealed(sealed, cardInvalid);
  return { account, sealed };
}

function fromBase32(text: string): Uint8Array {
  try {
    const bytes = base32upper.baseDecode(text);
    // One spelling per card: no padding, no stray bits in the last letter.
    if (base32upper.baseEncode(bytes) === text) return bytes;
  } catch (cause) {
    throw cardInvalid('letters', cause);
  }
  throw cardInvalid();
}

function checksum(body: Uint8Array): Uint8Array {
  return sha256(body).subarray(0, checksumBytes);
}

function cardInvalid(_what?: string, cause?: unknown): AppError {
  return new AppError(
    'CARD_INVALID',
    'This is not a patient card, or it was read wrongly. Nothing was changed; scan it again in good light, or use the recovery phrase.',
    {},
    { cause },
  );
}
