/**
 * Reading FHIR JSON that nobody has checked. Every accessor takes `unknown`, never throws, looks only at own properties, and bounds what
 * it returns, so that describing a record of another system cannot fail or flood a screen.
 *
 * Real data bends FHIR: an object where R4 has an array (Synthea's Condition.category), or the other way round. `first` and `list` take both.
 */
import { readFhirDate } from '../format/dates.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** What a CodeableConcept says: words for a person, and the first coding that has a code. All '' where it says nothing. */
export interface Concept {
  readonly text: string;
  readonly system: string;
  readonly code: string;
}

export const noConcept: Concept = { text: '', system: '', code: '' };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An own property of an object; undefined for anything else. */
export function get(value: unknown, ...path: readonly string[]): unknown {
  let at: unknown = value;
  for (const name of path) {
    if (Array.isArray(at)) at = at[0];
    if (!isObject(at) || !Object.hasOwn(at, name)) return undefined;
    at = at[name];
  }
  return at;
}

/** Up to `max` elements; a single value counts as a list of one. */
export function list(value: unknown, max = 50): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? (value.slice(0, max) as unknown[]) : [value];
}

/** The first element of a list, or the value itself. */
export function first(value: unknown): unknown {
  return Array.isArray(value) ? (value as unknown[])[0] : value;
}

// Control characters; zero-width spaces and byte order marks; bidirectional embeddings, overrides and isolates (UAX #9). Joiners
// (U+200C, U+200D) stay: Persian and Indic scripts need them. So do the plain direction marks, which cannot reorder other text.
// eslint-disable-next-line no-control-regex
const unseen = /[\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069]|[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/**
 * One line of plain text for lists: white space and control characters become one space, invisible and text-reordering characters go, so
 * that what is read is what is there. At most `max` characters, ending in `…` when cut. The record itself keeps every character.
 */
export function plain(value: unknown, max = 300): string {
  if (typeof value !== 'string' || value === '') return '';
  const bounded = value.length > max * 4 ? value.slice(0, max * 4) : value;
  const line = bounded
    .replace(unseen, (character) => (character > '\u009f' && character !== '\u2028' && character !== '\u2029' ? '' : ' '))
    .replace(/\s+/g, ' ')
    .trim()
    // Halves of surrogate pairs, which no encoding can carry.
    .replace(/[\ud800-\udfff]/gu, '\ufffd');
  if (line.length <= max && bounded.length === value.length) return line;
  return `${line.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** Plain text of a property along a path. */
export function text(value: unknown, ...path: readonly string[]): string {
  return plain(get(value, ...path));
}

/** A FHIR `code` (no white space around, at most 100 characters); '' for anything else. */
export function code(value: unknown, ...path: readonly string[]): string {
  const found = get(value, ...path);
  return typeof found === 'string' && found.length <= 100 ? plain(found, 100) : '';
}

/** A finite number; null for anything else. */
export function number(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

// SNOMED CT's fully specified names end in a semantic tag, which says nothing to a clinician reading a list.
const semanticTag =
  / \((?:disorder|finding|procedure|situation|regime\/therapy|event|observable entity|morphologic abnormality|body structure|substance|product|physical object|qualifier value|person)\)$/;

function words(display: string, system: string): string {
  return system === 'http://snomed.info/sct' ? display.replace(semanticTag, '') : display;
}

/** A Coding in words and its code. */
export function coding(value: unknown): Concept {
  const found = { system: plain(get(value, 'system'), 200), code: code(value, 'code') };
  return { ...found, text: words(text(value, 'display'), found.system) || found.code };
}

/** A CodeableConcept (or a list of them, of which the first counts). */
export function concept(value: unknown): Concept {
  const one = first(value);
  const codings = list(get(one, 'coding'), 20).map(coding);
  const coded = codings.find((entry) => entry.code !== '') ?? noConcept;
  const shown =
    words(text(one, 'text'), coded.system) || codings.find((entry) => entry.text !== '' && entry.text !== entry.code)?.text || coded.text;
  return { system: coded.system, code: coded.code, text: shown };
}

/** The codes a CodeableConcept (or list) carries, with their systems. */
export function codings(value: unknown): Concept[] {
  return list(value).flatMap((entry) => list(get(entry, 'coding'), 20).map(coding));
}

/** The text of a Reference: its display; '' where it has none. */
export function referenceText(value: unknown): string {
  return text(first(value), 'display');
}

/** Reference.reference, at most 300 characters. */
export function reference(value: unknown): string {
  const found = get(first(value), 'reference');
  return typeof found === 'string' && found.length <= 300 ? plain(found, 300) : '';
}

/**
 * A FHIR date as it is; an instant or dateTime with a time in UTC (`2026-11-23T14:02:00.000Z`), so that values from different zones sort by
 * text. '' for anything else.
 */
export function date(...values: readonly unknown[]): string {
  for (const value of values) {
    if (typeof value !== 'string' || value.length > 40) continue;
    const parts = readFhirDate(value);
    if (!parts) continue;
    return parts.instant === undefined ? value : new Date(parts.instant).toISOString();
  }
  return '';
}

/** A choice element by its types: `choice(r, 'onset', ['DateTime', 'Age'])` finds onsetDateTime or onsetAge. */
export function choice(value: unknown, name: string, types: readonly string[]): { readonly type: string; readonly value: unknown } | null {
  for (const type of types) {
    const found = get(value, name + type);
    if (found !== undefined && found !== null) return { type, value: found };
  }
  return null;
}

/** The parts that are there, joined. */
export function join(parts: readonly string[], separator = ' · '): string {
  return parts.filter((part) => part !== '').join(separator);
}
