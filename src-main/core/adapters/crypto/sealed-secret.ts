/**
 * A secret under a passphrase or PIN: Argon2id, then XChaCha20-Poly1305 with the context and the KDF's parameters as AAD. What is
 * opened comes from files and cards, so its parameters are bounded before any work is done for it.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { AppError } from '../../../../src-shared/errors.ts';
import type { SealedSecret } from '../../ports.ts';
import { costLimits, type Argon2, type Argon2Cost } from './argon2.ts';
import { fromBase64url, toBase64url, utf8, zero } from './bytes.ts';
import { encodeCbor } from './cbor.ts';
import { invalid, tampered, type Refuse } from './failures.ts';
import { randomBytes } from './hashing.ts';
import { checkInteger, checkMap } from './shapes.ts';

const nonceBytes = 24;
const tagBytes = 16;
/** Secrets are keys: entropy, a key, a few of them. */
const maxSecretBytes = 4_096;
const maxPassphraseLength = 1_024;
const maxContextLength = 256;

/** A sealed secret's fields as bytes, checked. */
export interface SealedParts extends Argon2Cost {
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** Reads and bounds a sealed secret. Throws what `refuse` makes. */
export function readSealed(sealed: unknown, refuse: Refuse): SealedParts {
  const fields = checkMap(sealed, ['v', 'kdf', 'nonce', 'ciphertext'], refuse);
  const kdf = checkMap(fields.kdf, ['name', 'memoryKiB', 'passes', 'salt'], refuse);
  if (fields.v !== 1 || kdf.name !== 'argon2id') throw refuse('version');
  const parts = {
    memoryKiB: checkInteger(kdf.memoryKiB, costLimits.memoryKiB[1], 'memoryKiB', refuse),
    passes: checkInteger(kdf.passes, costLimits.passes[1], 'passes', refuse),
    salt: readBytes(kdf.salt, costLimits.saltBytes[0], costLimits.saltBytes[1], 'salt', refuse),
    nonce: readBytes(fields.nonce, nonceBytes, nonceBytes, 'nonce', refuse),
    ciphertext: readBytes(fields.ciphertext, tagBytes + 1, maxSecretBytes + tagBytes, 'ciphertext', refuse),
  };
  if (parts.memoryKiB < costLimits.memoryKiB[0]) throw refuse('memoryKiB');
  if (parts.passes < costLimits.passes[0]) throw refuse('passes');
  return parts;
}

function readBytes(text: unknown, min: number, max: number, what: string, refuse: Refuse): Uint8Array {
  // Base64 needs 4 letters for 3 bytes: longer text is not even decoded.
  const bytes = typeof text === 'string' && text.length <= Math.ceil((max * 4) / 3) ? fromBase64url(text) : null;
  if (bytes === null || bytes.length < min || bytes.length > max) throw refuse(what);
  return bytes;
}

/** The port's form of the parts. */
export function writeSealed(parts: SealedParts): SealedSecret {
  return {
    v: 1,
    kdf: { name: 'argon2id', memoryKiB: parts.memoryKiB, passes: parts.passes, salt: toBase64url(parts.salt) },
    nonce: toBase64url(parts.nonce),
    ciphertext: toBase64url(parts.ciphertext),
  };
}

/** Seals 1 to 4,096 bytes. Throws INVALID_INPUT for an empty or over-long passphrase or secret. */
export async function sealSecret(
  argon2: Argon2,
  cost: Argon2Cost,
  secret: Uint8Array,
  passphrase: string,
  context: string,
): Promise<SealedSecret> {
  if (secret.length < 1 || secret.length > maxSecretBytes) throw invalid(`A sealed secret has 1 to ${maxSecretBytes} bytes.`);
  if (!isPassphrase(passphrase)) throw invalid(`A passphrase has 1 to ${maxPassphraseLength} characters.`);
  const salt = randomBytes(16);
  const nonce = randomBytes(nonceBytes);
  const aad = sealedAad(context, cost, salt);
  // Copied before the first wait: the caller may zero its own buffer as soon as this returns a promise.
  const plaintext = new Uint8Array(secret);
  try {
    const key = await argon2.derive(passphraseBytes(passphrase), salt, cost);
    const ciphertext = xchacha20poly1305(key, nonce, aad).encrypt(plaintext);
    zero(key);
    return writeSealed({ ...cost, salt, nonce, ciphertext });
  } finally {
    zero(plaintext);
  }
}

/** Opens a sealed secret. Throws TAMPERED where its form or parameters are impossible, else WRONG_CREDENTIALS whatever the reason. */
export async function openSecret(argon2: Argon2, sealed: SealedSecret, passphrase: string, context: string): Promise<Uint8Array> {
  const parts = readSealed(sealed, tampered);
  if (!isPassphrase(passphrase)) throw wrongCredentials();
  const { memoryKiB, passes, salt } = parts;
  const aad = sealedAad(context, { memoryKiB, passes }, salt);
  const key = await argon2.derive(passphraseBytes(passphrase), salt, { memoryKiB, passes });
  try {
    return xchacha20poly1305(key, parts.nonce, aad).decrypt(parts.ciphertext);
  } catch {
    // Wrong passphrase, other context or changed bytes: an AEAD cannot tell, and the person is not told.
    throw wrongCredentials();
  } finally {
    zero(key);
  }
}

function sealedAad(context: string, cost: Argon2Cost, salt: Uint8Array): Uint8Array {
  if (context.length > maxContextLength) throw invalid(`A sealing context has at most ${maxContextLength} characters.`);
  return encodeCbor(['anamnesis/sealed-secret/1', context, cost.memoryKiB, cost.passes, salt]);
}

function isPassphrase(passphrase: string): boolean {
  return passphrase.length >= 1 && passphrase.length <= maxPassphraseLength;
}

/** NFKC, so that a passphrase typed on another keyboard or system gives the same bytes. */
function passphraseBytes(passphrase: string): Uint8Array {
  return utf8(passphrase.normalize('NFKC'));
}

function wrongCredentials(): AppError {
  return new AppError('WRONG_CREDENTIALS', 'That does not open it. Nothing was changed; check what was entered and try again.');
}
