/** FHIR Patient to what screens and search show of a person, and back from what a registrar typed. */
import type { Demographics } from '../ipc-schema.ts';
import type { PatientSummary } from '../view-types.ts';
import {
  addressOf,
  birthDateEstimatedOf,
  birthDateOf,
  dateAccuracySystem,
  dateAccuracyUrl,
  deceasedOf,
  identifiersOf,
  nameOf,
  phoneOf,
} from './patient-parts.ts';
import { code, get } from './read.ts';

export { samePatient, similarity } from './patient-match.ts';

/** A patient in the index: the same fields as PatientRow of the core's ports. */
export interface PatientFields extends PatientSummary {
  /** Milliseconds. */
  readonly updatedAt: number;
}

/** The fields of a Patient resource nobody has checked; missing and malformed ones are ''. Never throws. */
export function patientRowOf(resource: unknown, account: string, updatedAt = 0): PatientFields {
  const gender = code(resource, 'gender');
  return {
    patient: account,
    ...nameOf(get(resource, 'name')),
    birthDate: birthDateOf(resource),
    birthDateEstimated: birthDateEstimatedOf(resource),
    deceased: deceasedOf(resource),
    gender: ['male', 'female', 'other', 'unknown'].includes(gender) ? gender : '',
    phone: phoneOf(resource),
    address: addressOf(resource),
    identifiers: identifiersOf(resource),
    updatedAt,
  };
}

interface Extension {
  readonly url: string;
  readonly valueCoding: { readonly system: string; readonly code: string };
}

/** The Patient that this workstation writes; valid FHIR R4. */
export interface PatientResource {
  readonly resourceType: 'Patient';
  readonly id: string;
  readonly active: true;
  readonly identifier?: readonly { readonly system: string; readonly value: string; readonly type?: { readonly text: string } }[];
  readonly name?: readonly {
    readonly use: 'official';
    readonly family?: string;
    readonly given?: readonly string[];
    readonly prefix?: readonly string[];
  }[];
  readonly telecom?: readonly { readonly system: 'phone'; readonly value: string }[];
  readonly gender: Demographics['gender'];
  readonly birthDate?: string;
  readonly _birthDate?: { readonly extension: readonly Extension[] };
  readonly address?: readonly { readonly use: 'home'; readonly text: string }[];
}

/**
 * A Patient resource of what was typed at registration. An estimated date of birth carries HL7 Australia's date-accuracy-indicator: what
 * is given of day, month and year is E(stimated), what is not is U(nknown).
 */
export function patientResourceOf(demographics: Demographics, recordId: string): PatientResource {
  const { family, given, prefix, birthDate } = demographics;
  const given_ = given.split(/\s+/).filter((part) => part !== '');
  const accuracy = { 10: 'EEE', 7: 'UEE', 4: 'UUE' }[birthDate.length];
  return {
    resourceType: 'Patient',
    id: recordId,
    active: true,
    ...(demographics.identifiers.length === 0
      ? {}
      : {
          identifier: demographics.identifiers.map(({ system, label, value }) => ({
            ...(label === '' ? {} : { type: { text: label } }),
            system,
            value,
          })),
        }),
    ...(family === '' && given === ''
      ? {}
      : {
          name: [
            {
              use: 'official' as const,
              ...(family === '' ? {} : { family }),
              ...(given_.length === 0 ? {} : { given: given_ }),
              ...(prefix === '' ? {} : { prefix: [prefix] }),
            },
          ],
        }),
    ...(demographics.phone === '' ? {} : { telecom: [{ system: 'phone' as const, value: demographics.phone }] }),
    gender: demographics.gender,
    ...(birthDate === '' ? {} : { birthDate }),
    ...(demographics.birthDateEstimated && accuracy
      ? { _birthDate: { extension: [{ url: dateAccuracyUrl, valueCoding: { system: dateAccuracySystem, code: accuracy } }] } }
      : {}),
    ...(demographics.address === '' ? {} : { address: [{ use: 'home' as const, text: demographics.address }] }),
  };
}
