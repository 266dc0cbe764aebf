/**
 * One line about any FHIR resource, for timelines, lists and search: made once when a record is indexed, so that opening a chart parses no
 * FHIR. Works on anything that may be in a record; never throws, and everything it says is plain text of bounded length.
 */
import type { RecordExtract } from '../view-types.ts';
import { documentDescribers } from './describe-documents.ts';
import { medicationDescribers } from './describe-medications.ts';
import { problemDescribers } from './describe-problems.ts';
import { resultDescribers } from './describe-results.ts';
import type { Description, Describers } from './description.ts';
import { code, concept, date, first, get, isObject, plain, reference } from './read.ts';
import { resourceTypeLabel } from './resource-types.ts';

/** The columns of a record's row that come from its FHIR content. */
export interface RecordDescription {
  /** FHIR date, or instant in UTC; '' if none. */
  readonly date: string;
  /** FHIR status or clinicalStatus code, '' if none. */
  readonly status: string;
  readonly title: string;
  readonly detail: string;
  readonly codeSystem: string;
  readonly code: string;
  /** Reference text of the encounter it belongs to, '' if none. */
  readonly encounter: string;
  readonly extract: RecordExtract;
}

const describers: Describers = { ...problemDescribers, ...medicationDescribers, ...resultDescribers, ...documentDescribers };

/** The encounter a resource refers to: its own element, or that of its context (DocumentReference, MedicationStatement, Communication …). */
function encounterOf(resource: unknown): string {
  if (get(resource, 'resourceType') === 'Encounter') return '';
  const context = get(resource, 'context');
  const inContext = reference(get(context, 'encounter')) || reference(context);
  return reference(get(resource, 'encounter')) || inContext;
}

/** Leaves out what says nothing, and bounds the rest. */
function compact(extract: RecordExtract): RecordExtract {
  const kept: [string, unknown][] = [];
  for (const [name, value] of Object.entries(extract) as [string, string | readonly unknown[]][]) {
    if (typeof value === 'string' ? value !== '' : value.length > 0)
      kept.push([name, typeof value === 'string' ? plain(value, 500) : value]);
  }
  return Object.fromEntries(kept);
}

/** For types without a describer of their own, and for what is no resource at all. */
function plainDescription(resource: unknown): Description {
  const coded = concept(get(resource, 'code') ?? get(resource, 'type'));
  return { title: coded.text, concept: coded };
}

/** Describes a parsed FHIR resource. What is no resource is `Unreadable record`; nothing here throws. */
export function describeResource(resource: unknown): RecordDescription {
  if (!isObject(resource) || typeof get(resource, 'resourceType') !== 'string') {
    return { date: '', status: '', title: 'Unreadable record', detail: '', codeSystem: '', code: '', encounter: '', extract: {} };
  }
  const type = plain(resource['resourceType'], 60);
  const describer = Object.hasOwn(describers, type) ? describers[type] : undefined;
  const found = describer ? describer(resource) : plainDescription(resource);
  return {
    date: found.date || date(get(resource, 'date'), get(resource, 'meta', 'lastUpdated')),
    status: plain(found.status ?? (code(resource, 'status') || concept(first(get(resource, 'status'))).code), 60),
    title: plain(found.title, 300) || resourceTypeLabel(type),
    detail: plain(found.detail, 500),
    codeSystem: found.concept?.system ?? '',
    code: found.concept?.code ?? '',
    encounter: encounterOf(resource),
    extract: compact(found.extract ?? {}),
  };
}
