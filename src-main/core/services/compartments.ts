/**
 * What a patient's seed yields: the compartments under which categories appear on the ledger, and the key-encryption keys of their epochs.
 * The patient can always derive all of them again; everybody else gets them in envelopes.
 */
import { categories, type Category } from '../../../src-shared/categories.ts';
import type { EnvelopeKey, PersonKeys, RecordCryptoPort } from '../ports.ts';
import { bytesOf, hexOf, utf8 } from './bytes.ts';

/** HMAC-SHA-256 of network and category under a key from the patient's seed: unreadable on the ledger, the same on every workstation. */
export function compartmentOf(patient: PersonKeys, network: string, category: Category, crypto: RecordCryptoPort): string {
  const key = patient.derive('compartment');
  const compartment = hexOf(crypto.hmac(key, bytesOf(network), utf8(category)));
  key.fill(0);
  return compartment;
}

export function compartmentsOf(patient: PersonKeys, network: string, crypto: RecordCryptoPort): Map<string, Category> {
  return new Map(categories.map((category) => [compartmentOf(patient, network, category, crypto), category]));
}

/** KEK of a compartment's epoch (32 bytes; the caller zeroes it). */
export function kekOf(patient: PersonKeys, network: string, compartment: string, epoch: number): Uint8Array {
  const epochBytes = new Uint8Array(4);
  new DataView(epochBytes.buffer).setUint32(0, epoch);
  return patient.derive('kek', bytesOf(network), bytesOf(compartment), epochBytes);
}

/** KEKs of epochs 0 to `epoch`: what a reader needs for everything written so far. */
export function keksUpTo(patient: PersonKeys, network: string, compartment: string, category: Category, epoch: number): EnvelopeKey[] {
  return Array.from({ length: epoch + 1 }, (_, e) => ({ compartment, category, epoch: e, kek: kekOf(patient, network, compartment, e) }));
}
