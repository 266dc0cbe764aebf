/**
 * Corrections of a record: the same resource with what a person changed, and everything else as it was. Numbers stay as they were written: FHIR
 * tells 1.50 from 1.5 (R4 section 2.24.0.1), so they are carried through as text.
 */
import type { Correction, Demographics } from '../ipc-schema.ts';
import { patientResourceOf, patientRowOf } from './patient.ts';
import { get, isObject, list } from './read.ts';
import { decodeText, encodeText } from './text-content.ts';

type Resource = Record<string, unknown>;

/** ECMA-262 "JSON.parse source text access"; not in TypeScript's library yet. */
const lossless = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
};

function parse(json: string): Resource | null {
  try {
    const parsed = lossless.parse(json, (_key, value, { source }) =>
      typeof value === 'number' && source !== undefined ? lossless.rawJSON(source) : value,
    );
    return isObject(parsed) ? { ...parsed } : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

const terminology = 'http://terminology.hl7.org/CodeSystem';
const coded = (system: string, code: string) => ({
  coding: [{ system: `${terminology}/${system}`, code, display: code.charAt(0).toUpperCase() + code.slice(1) }],
});

/** Which kind of correction a resource takes here; null where it can only be chosen between versions. */
export function correctionKindOf(resourceType: string, json: string): Correction['kind'] | null {
  if (resourceType === 'Condition') return 'condition';
  if (resourceType === 'Appointment') return 'cancel';
  if (resourceType === 'DocumentReference') return noteOf(json) === null ? null : 'note';
  return null;
}

const maxNoteBytes = 200_000;

/** The text of a DocumentReference that is one plain text; null for any other. */
export function noteOf(json: string): string | null {
  const contents = list(parse(json)?.['content']);
  const [only] = contents;
  const type = get(only, 'attachment', 'contentType');
  const data = get(only, 'attachment', 'data');
  if (contents.length !== 1 || typeof type !== 'string' || !type.startsWith('text/plain') || typeof data !== 'string') return null;
  return data.length > maxNoteBytes ? null : decodeText(data, maxNoteBytes);
}

/** A change of `undefined` takes an element out. */
function changed(resource: Resource, changes: Readonly<Record<string, unknown>>): Resource {
  const next = { ...resource };
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete next[name];
    else next[name] = value;
  }
  return next;
}

/** The corrected resource as JSON; null where the resource is not of the kind that is corrected. */
export function correctedJson(json: string, correction: Exclude<Correction, { kind: 'choose' }>): string | null {
  const resource = parse(json);
  if (!resource) return null;
  const type = resource['resourceType'];
  if (correction.kind === 'condition' && type === 'Condition') {
    const { clinicalStatus, verificationStatus, onset, note } = correction;
    const onsets = Object.fromEntries(Object.keys(resource).flatMap((name) => (/^_?onset/.test(name) ? [[name, undefined]] : [])));
    return JSON.stringify(
      changed(resource, {
        // R4, con-5: no clinical status on what was entered in error.
        clinicalStatus: verificationStatus === 'entered-in-error' ? undefined : coded('condition-clinical', clinicalStatus),
        verificationStatus: coded('condition-ver-status', verificationStatus),
        // Left alone unless a date was typed: an imported onset may be an age or a period.
        ...(onset === '' ? {} : { ...onsets, onsetDateTime: onset }),
        note: note === '' ? undefined : [{ text: note }],
      }),
    );
  }
  if (correction.kind === 'note' && type === 'DocumentReference') {
    const [content] = list(resource['content']);
    const attachment = get(content, 'attachment');
    if (noteOf(json) === null || !isObject(content) || !isObject(attachment)) return null;
    const { base64, size } = encodeText(correction.text);
    // A hash of the former text would be wrong for this one.
    const next = changed(attachment, { data: base64, size, hash: undefined });
    return JSON.stringify(changed(resource, { content: [{ ...content, attachment: next }] }));
  }
  if (correction.kind === 'cancel' && type === 'Appointment') {
    return JSON.stringify(changed(resource, { status: 'cancelled', cancelationReason: { text: correction.reason } }));
  }
  if (correction.kind === 'demographics' && type === 'Patient') {
    const id = typeof resource['id'] === 'string' ? resource['id'] : '';
    const typed = patientResourceOf(correction.demographics, id);
    const ours = ['identifier', 'name', 'telecom', 'gender', 'birthDate', '_birthDate', 'address'] as const;
    return JSON.stringify(changed(resource, Object.fromEntries(ours.map((name) => [name, typed[name]]))));
  }
  return null;
}

/** What stands in the form when demographics are corrected. */
export function demographicsOf(json: string): Demographics {
  const { family, given, prefix, birthDate, birthDateEstimated, gender, phone, address, identifiers } = patientRowOf(parse(json), '');
  const sex = gender === '' ? 'unknown' : (gender as Demographics['gender']);
  return { family, given, prefix, birthDate, birthDateEstimated, gender: sex, phone, address, identifiers: [...identifiers] };
}
