/**
 * What the opId of a revocation says of the epoch that it begins. Two revocations made at workstations that had not heard of each other name the same
 * number, and a ledger takes them in whatever order they reach it. So a number alone does not tell which key belongs to an epoch, nor for whom that key was
 * sealed. The opId, which is signed and stands on the ledger, does:
 *
 *     bytes 0–7    tag of the revocations of the compartment that were known where it was made, in order
 *     bytes 8–15   check value of the epoch's key
 *     bytes 16–31  random; what the seed of a patient's key gives with it is the epoch's key
 *
 * Where the tag is that of what the ledger took before, whoever made the revocation knew all who had been revoked, and the key that it sealed is the
 * epoch's. Otherwise the epoch has no key, and nothing is written in it until another one begins.
 */
import type { EnvelopeKey, RecordCryptoPort } from '../ports.ts';
import { bytesOf, hexOf, isEqual, utf8, zero32 } from './bytes.ts';
import type { CompartmentState } from './consents.ts';

const partBytes = 8;
const saltAt = 2 * partBytes;

/** The history of a compartment in which nothing has been revoked. */
export const noRevocations = zero32;

/** The history of a compartment (bytes32 hex) behind one more revocation: SHA-256 of the history before and its opId. */
export function historyAfter(crypto: Pick<RecordCryptoPort, 'sha256'>, history: string, opId: string): string {
  return hexOf(crypto.sha256(bytesOf(history + opId.slice(2))));
}

/** Whether a revocation was made where exactly this history was known, as its opId says. */
export function isMadeAfter(opId: string, history: string): boolean {
  return isEqual(bytesOf(opId).subarray(0, partBytes), bytesOf(history).subarray(0, partBytes));
}

/** Random part of a new revocation's opId (16 bytes). */
export function newSalt(crypto: Pick<RecordCryptoPort, 'randomBytes'>): Uint8Array {
  return crypto.randomBytes(32 - saltAt);
}

export function saltOf(opId: string): Uint8Array {
  return bytesOf(opId).subarray(saltAt);
}

function checkOf(crypto: Pick<RecordCryptoPort, 'hmac'>, kek: Uint8Array, salt: Uint8Array): Uint8Array {
  return crypto.hmac(kek, utf8('anamnesis/1/epoch'), salt).subarray(0, partBytes);
}

/** opId of a revocation that is made where `history` is known and begins an epoch with this key. */
export function revocationId(
  crypto: Pick<RecordCryptoPort, 'hmac'>,
  history: string,
  { kek, salt }: { readonly kek: Uint8Array; readonly salt: Uint8Array },
): string {
  return hexOf(Uint8Array.of(...bytesOf(history).subarray(0, partBytes), ...checkOf(crypto, kek, salt), ...salt));
}

/** Whether a key is the one that the revocation of this opId began an epoch with. */
export function isKeyOf(crypto: Pick<RecordCryptoPort, 'hmac'>, opId: string, kek: Uint8Array): boolean {
  return isEqual(bytesOf(opId).subarray(partBytes, saltAt), checkOf(crypto, kek, saltOf(opId)));
}

/** Of the keys that somebody holds of a compartment, that of the epoch in force; undefined where it is not among them. */
export function keyInForce<K extends EnvelopeKey>(
  crypto: Pick<RecordCryptoPort, 'hmac'>,
  state: CompartmentState | undefined,
  held: readonly K[],
): K | undefined {
  const epoch = state?.epochs.at(-1);
  if (!epoch) return held.findLast((key) => key.epoch === 0);
  const { opId } = epoch.begunBy.operation;
  return epoch.asMade ? held.find((key) => key.epoch === epoch.number && isKeyOf(crypto, opId, key.kek)) : undefined;
}
