/**
 * Whether every resource of a Bundle is about its one Patient. References are resolved as in R4 section 3.1.6.7 (Bundle): by fullUrl, by
 * `Patient/id`, relative to the base of the Patient's fullUrl, conditionally, or by identifier.
 */
import { get, isObject, list, type JsonObject } from '../../../../src-shared/fhir/read.ts';
import type { JsonPath } from './json-scanner.ts';

export interface BundlePatient {
  readonly fullUrl: string;
  readonly id: string;
  readonly resource: JsonObject;
}

/** Elements that say whose record it is, in whatever type they stand. */
const patientElements = ['subject', 'patient', 'beneficiary'] as const;

const withoutVersion = (reference: string) => reference.replace(/\/_history\/[^/]+$/, '');

function hasIdentifier(patient: BundlePatient, system: unknown, value: unknown): boolean {
  return list(patient.resource['identifier'], 100).some(
    (one) => get(one, 'value') === value && (get(one, 'system') ?? '') === (system ?? ''),
  );
}

/** `Patient?identifier=system|value` (a conditional reference, R4 section 3.1.0.7). */
function matchesCondition(patient: BundlePatient, query: string): boolean {
  const found = new URLSearchParams(query).getAll('identifier');
  return found.some((token) => {
    const bar = token.indexOf('|');
    return hasIdentifier(patient, token.slice(0, Math.max(0, bar)), token.slice(bar + 1));
  });
}

function pointsTo(patient: BundlePatient, text: string): boolean {
  const reference = withoutVersion(text);
  if (patient.fullUrl !== '' && reference === withoutVersion(patient.fullUrl)) return true;
  if (patient.id !== '' && (reference === `Patient/${patient.id}` || reference === `urn:uuid:${patient.id}`)) return true;
  return text.startsWith('Patient?') && matchesCondition(patient, text.slice('Patient?'.length));
}

/** Whether a Reference is to this Patient; also true for one that names nobody (display only). */
function isOfPatient(reference: unknown, patient: BundlePatient): boolean {
  if (!isObject(reference)) return false;
  const text = reference['reference'];
  if (text !== undefined) return typeof text === 'string' && pointsTo(patient, text);
  const identifier = reference['identifier'];
  return identifier === undefined || hasIdentifier(patient, get(identifier, 'system'), get(identifier, 'value'));
}

/** Path within the resource of the first reference to somebody else, or null. Contained resources count too. */
export function foreignReference(resource: JsonObject, patient: BundlePatient): JsonPath | null {
  for (const element of patientElements) {
    const value = resource[element];
    if (value === undefined) continue;
    const index = list(value, 1000).findIndex((one) => !isOfPatient(one, patient));
    if (index >= 0) return Array.isArray(value) ? [element, index] : [element];
  }
  // Appointments name their patient among the participants.
  const participants = list(resource['participant'], 1000);
  const other = participants.findIndex((one) => {
    const actor = get(one, 'actor', 'reference');
    return typeof actor === 'string' && /(?:^|\/)Patient[/?]/.test(actor) && !pointsTo(patient, actor);
  });
  if (other >= 0) return ['participant', other, 'actor'];
  for (const [index, contained] of list(resource['contained'], 1000).entries()) {
    const found = isObject(contained) ? foreignReference(contained, patient) : null;
    if (found) return ['contained', index, ...found];
  }
  return null;
}
