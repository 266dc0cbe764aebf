/** Identity of records: random for what is written here, derived for what must be the same wherever it is made. UUIDs (RFC 9562). */
import type { RecordCryptoPort } from '../ports.ts';
import { utf8 } from './bytes.ts';

const format = (bytes: Uint8Array, version: number): string => {
  const b = Uint8Array.from(bytes.subarray(0, 16));
  b[6] = ((b[6] ?? 0) & 0x0f) | (version << 4);
  b[8] = ((b[8] ?? 0) & 0x3f) | 0x80;
  const hex = Buffer.from(b).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
};

/** UUID version 4. */
export function randomId(crypto: RecordCryptoPort): string {
  return format(crypto.randomBytes(16), 4);
}

/** UUID version 8 from the SHA-256 of a patient's account and a name. */
export function derivedId(patient: string, name: string, crypto: Pick<RecordCryptoPort, 'sha256'>): string {
  return format(crypto.sha256(utf8(`anamnesis/record/1\n${patient.toLowerCase()}\n${name}`)), 8);
}

/** The record of a patient's registered demographics. */
export function primaryRecordId(patient: string, crypto: Pick<RecordCryptoPort, 'sha256'>): string {
  return derivedId(patient, 'demographics', crypto);
}
