/** What stands in the form when a condition is corrected: what the record says now, as far as the form has it. */
import type { Correction } from '../../../src-shared/ipc-schema.ts';
import { codings, date, get, text } from '../../../src-shared/fhir/read.ts';

export type ConditionFields = Omit<Extract<Correction, { kind: 'condition' }>, 'kind'>;

const clinical = ['active', 'recurrence', 'relapse', 'inactive', 'remission', 'resolved'] as const;
const verification = ['unconfirmed', 'provisional', 'differential', 'confirmed', 'refuted', 'entered-in-error'] as const;

export function conditionFields(json: string): ConditionFields {
  let resource: unknown;
  try {
    resource = JSON.parse(json);
  } catch {
    // Not readable: the form starts empty, and the core refuses to correct it.
    resource = {};
  }
  const codes = (name: string) => codings(get(resource, name)).map((one) => one.code);
  const onset = date(get(resource, 'onsetDateTime')).slice(0, 10);
  return {
    clinicalStatus: clinical.find((code) => codes('clinicalStatus').includes(code)) ?? 'active',
    verificationStatus: verification.find((code) => codes('verificationStatus').includes(code)) ?? 'confirmed',
    onset,
    note: text(get(resource, 'note'), 'text').slice(0, 2000),
  };
}
