/** The parts of a FHIR Patient that screens show, read from resources nobody has checked: names, identifiers, phone, address, dates. */
import { formatName, readFhirDate } from '../format/index.ts';
import type { IdentifierView } from '../view-types.ts';
import { code, get, isObject, join, list, plain, text } from './read.ts';

export interface NameParts {
  readonly family: string;
  readonly given: string;
  readonly prefix: string;
}

const nameUses = ['official', 'usual', '', 'nickname', 'anonymous', 'temp', 'old', 'maiden'];

/**
 * The HumanName to call a person by: official before usual before unlabelled ones; former names last. Where it is only a text, that
 * is the given name, since it cannot be told which part is the family's.
 */
export function nameOf(names: unknown): NameParts {
  const ranked = list(names, 20)
    .filter(isObject)
    .map((name) => ({ name, rank: nameUses.indexOf(code(name, 'use')) }))
    .sort((a, b) => (a.rank < 0 ? 99 : a.rank) - (b.rank < 0 ? 99 : b.rank));
  const best = ranked[0]?.name;
  const words = (value: unknown) =>
    plain(
      list(value, 10)
        .filter((one) => typeof one === 'string')
        .join(' '),
      120,
    );
  const parts = {
    family: plain(get(best, 'family'), 120),
    given: words(get(best, 'given')),
    prefix: plain(words(get(best, 'prefix')), 20),
  };
  return parts.family === '' && parts.given === '' ? { ...parts, given: plain(get(best, 'text'), 120) } : parts;
}

/** How the Patient's own record is titled in lists. */
export function patientTitle(resource: unknown): string {
  return formatName(nameOf(get(resource, 'name')));
}

const identifierWords: Readonly<Record<string, string>> = {
  MR: 'Medical record number',
  SS: 'Social security number',
  DL: "Driver's licence",
  PPN: 'Passport',
  NI: 'National identifier',
  NIIP: 'Insurance number',
  HC: 'Health card',
  JHN: 'Health card',
  BCT: 'Birth certificate',
};

/**
 * Identifiers by which a person is found, at most 10. Those without a value, and longer than 80 characters (shown whole or not at all), are
 * left out; one value in several systems stays once for each.
 */
export function identifiersOf(resource: unknown): IdentifierView[] {
  const seen = new Set<string>();
  const found: IdentifierView[] = [];
  for (const one of list(get(resource, 'identifier'), 50)) {
    const value = get(one, 'value');
    if (typeof value !== 'string' || value.trim() === '' || value.length > 80) continue;
    const system = plain(get(one, 'system'), 200);
    const key = JSON.stringify([system, value]);
    if (seen.has(key) || code(one, 'use') === 'old') continue;
    seen.add(key);
    const type = code(get(one, 'type', 'coding'), 'code');
    const label =
      text(one, 'type', 'text') ||
      text(one, 'type', 'coding', 'display') ||
      (Object.hasOwn(identifierWords, type) ? identifierWords[type] : '');
    found.push({ system, label: plain(label || 'Identifier', 80), value: plain(value, 80) });
  }
  return found.slice(0, 10);
}

/** The phone number to reach somebody by: a mobile before others, not a fax. */
export function phoneOf(resource: unknown): string {
  const phones = list(get(resource, 'telecom'), 20).filter(
    (one) => ['phone', 'sms'].includes(code(one, 'system')) && code(one, 'use') !== 'old',
  );
  const best = phones.find((one) => code(one, 'use') === 'mobile') ?? phones[0];
  return plain(get(best, 'value'), 40);
}

/** One line of address: as the record has it in words, or from its parts. */
export function addressOf(resource: unknown): string {
  const addresses = list(get(resource, 'address'), 10).filter((one) => code(one, 'use') !== 'old');
  const best = addresses.find((one) => code(one, 'use') === 'home') ?? addresses[0];
  const lines = list(get(best, 'line'), 5).filter((one) => typeof one === 'string');
  const town = join([text(best, 'postalCode'), text(best, 'city')], ' ');
  return (
    text(best, 'text') ||
    plain(join([...(lines as string[]), text(best, 'district'), town, text(best, 'state'), text(best, 'country')], ', '), 300)
  );
}

/** Patient.birthDate where it is a FHIR date; ''. */
export function birthDateOf(resource: unknown): string {
  const value = get(resource, 'birthDate');
  if (typeof value !== 'string') return '';
  const parts = readFhirDate(value);
  return parts && parts.instant === undefined ? value : '';
}

/** FHIR date or dateTime of death; 'true' where only the fact is recorded; '' otherwise. */
export function deceasedOf(resource: unknown): string {
  const at = get(resource, 'deceasedDateTime');
  if (typeof at === 'string' && readFhirDate(at)) return at;
  return get(resource, 'deceasedBoolean') === true || typeof at === 'string' ? 'true' : '';
}

/** HL7 Australia's extension for the accuracy of a date's day, month and year: A(ccurate), E(stimated), U(nknown). */
export const dateAccuracyUrl = 'http://hl7.org.au/fhir/StructureDefinition/date-accuracy-indicator';
export const dateAccuracySystem = 'https://healthterminologies.gov.au/fhir/CodeSystem/date-accuracy-indicator-1';

/**
 * Whether the date of birth is an estimate. FHIR R4 has no element for it; read are HL7 Australia's date-accuracy-indicator with an
 * estimated part, and the boolean extensions of several national guides, whose names say "estimated", on the date or on the Patient.
 */
export function birthDateEstimatedOf(resource: unknown): boolean {
  const extensions = [...list(get(resource, '_birthDate', 'extension')), ...list(get(resource, 'extension'))];
  return extensions.some((one) => {
    const url = text(one, 'url');
    if (/\/[a-z-]*date-accuracy-indicator$/.test(url))
      return code(one, 'valueCoding', 'code').includes('E') || code(one, 'valueCode').includes('E');
    return /\/(?:dob|date-?of-?birth|birth-?date)-?(?:is-?)?estimated$/i.test(url) && get(one, 'valueBoolean') === true;
  });
}
