/** The line of a patient in lists and search: from the demographics the clinic registered, or, until those are known, from any Patient resource. */
import { patientRowOf } from '../../../src-shared/fhir/patient.ts';
import type { AccountIndexPort, PatientRow, RecordCryptoPort } from '../ports.ts';
import { primaryRecordId } from './record-ids.ts';

interface Described {
  readonly patient: string;
  readonly recordId: string;
  readonly resourceType: string;
  readonly json: string;
}

export function patientRowsOf(records: readonly Described[], index: AccountIndexPort, crypto: RecordCryptoPort): PatientRow[] {
  const rows = new Map<string, PatientRow>();
  for (const record of records) {
    if (record.resourceType !== 'Patient' || record.json === '') continue;
    const primary = record.recordId === primaryRecordId(record.patient, crypto);
    if (!primary && (rows.has(record.patient) || index.patient(record.patient))) continue;
    rows.set(record.patient, patientRowOf(JSON.parse(record.json), record.patient));
  }
  return [...rows.values()];
}
