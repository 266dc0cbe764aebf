/**
 * Reads a FHIR R4 Bundle of one patient's history from a file nobody has checked. Either everything in it is sound, or the file is refused
 * with the place of the first fault; resources come out as the very text they went in as.
 *
 * Text is only ever text: scripts in a narrative stay what they are and are never run, and marks that reorder text (U+202E and the like)
 * stay in the record, while lists and titles leave them out (`plain` in src-shared/fhir/read.ts).
 */
import type { Category } from '../../../../src-shared/categories.ts';
import { AppError } from '../../../../src-shared/errors.ts';
import type { JsonObject } from '../../../../src-shared/fhir/read.ts';
import { categoryOf } from '../../../../src-shared/fhir/resource-types.ts';
import { decodeUtf8 } from './decode-utf8.ts';
import { createScanner, JsonFault, locate, type JsonPath } from './json-scanner.ts';
import { foreignReference, type BundlePatient } from './patient-references.ts';
import { fileError } from './place.ts';
import { structureFault } from './structure.ts';

export interface BundleEntry {
  /** '' if the entry has none. */
  readonly fullUrl: string;
  readonly resourceType: string;
  /** Resource.id, '' if it has none. */
  readonly id: string;
  /** The resource's text exactly as it is in the file. */
  readonly json: string;
  readonly category: Category;
  /** Parsed from `json` each time it is asked for, so that a large file is not held twice. */
  readonly resource: JsonObject;
}

export interface ParsedBundle {
  /** The one Patient; it is among `entries` too. */
  readonly patient: BundleEntry;
  /** Every resource of a supported type, in the file's order. */
  readonly entries: readonly BundleEntry[];
  readonly unsupported: readonly { readonly resourceType: string; readonly count: number }[];
}

export const bundleLimits = { bytes: 100 * 1024 * 1024, entries: 100_000, depth: 64, valuesPerResource: 500_000 } as const;

const bundleTypes = ['transaction', 'batch', 'collection', 'document', 'searchset'];

/** Elements that are short by nature. R4 bounds every other string to 1 MiB (section 2.24.0.1); attachments within a record to 5 MiB. */
const shortElements = new Set(
  'resourceType id fullUrl reference family given prefix suffix name display code system unit use status gender value version title city district state country postalCode line birthDate'.split(
    ' ',
  ),
);
const stringLength = (member: string) => (shortElements.has(member) ? 1000 : member === 'data' ? 5 * 1024 * 1024 : 1024 * 1024);

interface Slice {
  readonly start: number;
  readonly end: number;
}

/** Where the parts of a Bundle lie in the text. */
interface Layout {
  readonly resourceType: unknown;
  readonly type: unknown;
  readonly entries: readonly EntryLayout[];
}

interface EntryLayout {
  readonly fullUrl: unknown;
  readonly resource: Slice | null;
  readonly resourceType: unknown;
  readonly id: unknown;
}

/**
 * Parses a Bundle. Throws FILE_TOO_LARGE, FILE_NOT_JSON, FILE_NOT_FHIR, FILE_OTHER_PATIENT or FILE_UNSAFE with details {line, column,
 * entry, path} of the first fault.
 */
export function parseBundle(bytes: Uint8Array): ParsedBundle {
  if (bytes.length > bundleLimits.bytes) {
    throw new AppError(
      'FILE_TOO_LARGE',
      `The file has ${Math.round(bytes.length / 1048576)} MB; at most ${bundleLimits.bytes / 1048576} MB can be imported at once. Nothing was imported. Ask for the history in several files.`,
      { bytes: bytes.length, limit: bundleLimits.bytes },
    );
  }
  const text = decodeUtf8(bytes);
  return readBundle(text, scanned(text));
}

/** Scans the whole text, strictly; nothing is built yet. */
function scanned(text: string): Layout {
  const scanner = createScanner(text, { depth: bundleLimits.depth, stringLength });
  const slice = (start: number): Slice => ({ start, end: scanner.value(start) });
  const entries: EntryLayout[] = [];
  const head: Record<'resourceType' | 'type', unknown> = { resourceType: undefined, type: undefined };
  const small = ({ start, end }: Slice): unknown => (end - start <= 6000 ? JSON.parse(text.slice(start, end)) : undefined);

  function entry(index: number, at: number): number {
    if (index >= bundleLimits.entries) {
      throw new JsonFault('unsafe', `there are more than ${bundleLimits.entries.toLocaleString('en')} entries`, at, ['entry', index]);
    }
    const found: { -readonly [K in keyof EntryLayout]: EntryLayout[K] } = { fullUrl: '', resource: null, resourceType: undefined, id: '' };
    entries.push(found);
    if (text[at] !== '{') return scanner.value(at);
    const member = (name: string, start: number): number => {
      const part = slice(start);
      if (name === 'resourceType' || name === 'id') found[name] = small(part);
      return part.end;
    };
    return scanner.object(at, (name, start) => {
      const before = scanner.count();
      const isResource = name === 'resource' && text[start] === '{';
      const part = isResource ? { start, end: scanner.object(start, member) } : slice(start);
      if (scanner.count() - before > bundleLimits.valuesPerResource) {
        throw new JsonFault('unsafe', 'a resource has more values than any real one', start, ['entry', index, name]);
      }
      if (isResource) found.resource = part;
      else if (name === 'fullUrl') found.fullUrl = small(part);
      return part.end;
    });
  }

  try {
    const start = scanner.skip(0);
    if (text[start] !== '{') {
      scanner.end(scanner.value(start));
      throw fileError('FILE_NOT_FHIR', 'The file is JSON, but no FHIR resource', text, { offset: start, path: [] });
    }
    const end = scanner.object(start, (name, at) => {
      if (name === 'entry' && text[at] === '[') return scanner.array(at, entry);
      const part = slice(at);
      if (name === 'resourceType' || name === 'type') head[name] = small(part);
      return part.end;
    });
    scanner.end(end);
  } catch (error) {
    if (error instanceof JsonFault) throw refused(error, text);
    throw error;
  }
  return { ...head, entries };
}

function refused(fault: JsonFault, text: string): AppError {
  if (text.trim() === '') {
    return fileError('FILE_NOT_JSON', 'The file is empty', text, fault, 'Choose the FHIR Bundle file itself.');
  }
  if (fault.kind === 'unsafe') return fileError('FILE_UNSAFE', `The file was refused: ${fault.message}`, text, fault);
  if (fault.kind === 'truncated') {
    return fileError('FILE_NOT_JSON', `The file is cut off: ${fault.message}`, text, fault, 'Copy or download it again, completely.');
  }
  return fileError('FILE_NOT_JSON', `The file is not valid JSON: ${fault.message}`, text, fault);
}

type Found = Omit<BundleEntry, 'category' | 'resource'> & { readonly index: number };

function readBundle(text: string, layout: Layout): ParsedBundle {
  // The annotation lets the compiler know that nothing goes on after a call.
  const fail: Fail = (code, what, path) => {
    throw fileError(code, what, text, { offset: locate(text, path), path });
  };
  if (typeof layout.resourceType !== 'string') fail('FILE_NOT_FHIR', 'The file is JSON, but no FHIR resource: it has no resourceType', []);
  if (layout.resourceType !== 'Bundle')
    fail('FILE_NOT_FHIR', `The file is ${described(layout.resourceType)}, not a Bundle`, ['resourceType']);
  if (typeof layout.type !== 'string' || !bundleTypes.includes(layout.type)) {
    fail('FILE_NOT_FHIR', `The Bundle’s type is ${described(layout.type)}, and must be one of ${bundleTypes.join(', ')}`, ['type']);
  }
  if (layout.entries.length === 0) fail('FILE_NOT_FHIR', 'The Bundle has no entries', ['entry']);

  const found = layout.entries.map((entry, index) => readEntry(text, entry, index, fail));
  const patients = found.filter((entry) => entry.resourceType === 'Patient');
  const [first, second] = patients;
  if (!first) fail('FILE_NOT_FHIR', 'The Bundle has no Patient, so it cannot be told whose history it is', ['entry']);
  if (second) {
    fail('FILE_NOT_FHIR', `The Bundle has ${patients.length} Patients, and a history is of one`, ['entry', second.index, 'resource']);
  }
  refuseTwins(found, fail);

  const patient: BundlePatient = { fullUrl: first.fullUrl, id: first.id, resource: parsed(first.json) };
  const entries: BundleEntry[] = [];
  const unsupported = new Map<string, number>();
  for (const { index, ...entry } of found) {
    const resource = parsed(entry.json);
    const category = categoryOf(resource);
    const place: JsonPath = ['entry', index, 'resource'];
    const foreign = entry.resourceType === 'Patient' ? null : foreignReference(resource, patient);
    if (foreign) fail('FILE_OTHER_PATIENT', `This ${entry.resourceType} is not about the Bundle’s Patient`, [...place, ...foreign]);
    if (!category) {
      unsupported.set(entry.resourceType, (unsupported.get(entry.resourceType) ?? 0) + 1);
      continue;
    }
    const fault = structureFault(entry.resourceType, resource);
    if (fault) fail(fault.code, fault.what, [...place, ...fault.path]);
    entries.push(bundleEntry(entry, category));
  }
  const counts = [...unsupported].map(([resourceType, count]) => ({ resourceType, count }));
  return {
    patient: entries.find((entry) => entry.resourceType === 'Patient') ?? bundleEntry(first, 'demographics'),
    entries,
    unsupported: counts.sort((a, b) => b.count - a.count || (a.resourceType < b.resourceType ? -1 : 1)),
  };
}

function bundleEntry({ fullUrl, resourceType, id, json }: Omit<BundleEntry, 'category' | 'resource'>, category: Category): BundleEntry {
  return {
    fullUrl,
    resourceType,
    id,
    json,
    category,
    get resource() {
      return parsed(json);
    },
  };
}

const parsed = (json: string) => JSON.parse(json) as JsonObject;

/** A value of the file for a message: a short word, or what kind of value it is. */
function described(value: unknown): string {
  if (typeof value === 'string') return /^[A-Za-z-]{1,40}$/.test(value) ? `“${value}”` : 'a text that FHIR does not know';
  return value === undefined ? 'missing' : 'no text';
}

type RefusalCode = 'FILE_NOT_FHIR' | 'FILE_OTHER_PATIENT' | 'FILE_UNSAFE';
type Fail = (code: RefusalCode, what: string, path: JsonPath) => never;

function readEntry(text: string, entry: EntryLayout, index: number, fail: Fail): Found {
  const path: JsonPath = ['entry', index];
  const { resource, resourceType, id, fullUrl } = entry;
  if (!resource) return fail('FILE_NOT_FHIR', 'This entry has no resource', path);
  if (typeof resourceType !== 'string' || !/^[A-Z][A-Za-z]{1,63}$/.test(resourceType)) {
    return fail('FILE_NOT_FHIR', 'This resource does not say of what type it is', [...path, 'resource', 'resourceType']);
  }
  if (typeof id !== 'string') return fail('FILE_NOT_FHIR', `The id of this ${resourceType} is no text`, [...path, 'resource', 'id']);
  if (typeof fullUrl !== 'string') return fail('FILE_NOT_FHIR', 'The fullUrl of this entry is no text', [...path, 'fullUrl']);
  return { index, fullUrl, resourceType, id, json: text.slice(resource.start, resource.end) };
}

/** Entries are told apart by fullUrl, or by type and id (Bundle constraint bdl-7): two of one name cannot both be kept. */
function refuseTwins(found: readonly Found[], fail: Fail): void {
  const seen = new Set<string>();
  for (const { fullUrl, resourceType, id, index } of found) {
    const name = fullUrl !== '' ? fullUrl : id === '' ? '' : `${resourceType}/${id}`;
    if (name === '') continue;
    if (seen.has(name)) fail('FILE_NOT_FHIR', `Two entries of the Bundle are the same ${resourceType}`, ['entry', index]);
    seen.add(name);
  }
}
