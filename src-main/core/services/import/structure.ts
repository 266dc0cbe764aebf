/**
 * What of a resource's structure this product relies on: that the required elements of R4 are there, that statuses and gender are of their
 * required value sets, that dates are dates. Not a full validation: what other systems bend (an object instead of an array, extensions of
 * their own) is kept as it came.
 */
import { readFhirDate } from '../../../../src-shared/format/dates.ts';
import { get, isObject, list, type JsonObject } from '../../../../src-shared/fhir/read.ts';
import type { JsonPath } from './json-scanner.ts';

export interface StructureFault {
  /** A sentence without end. */
  readonly what: string;
  readonly code: 'FILE_NOT_FHIR' | 'FILE_UNSAFE';
  /** Within the resource. */
  readonly path: JsonPath;
}

/** Elements with a cardinality of 1 in R4; `x[x]` is a choice of types. */
const required: Readonly<Record<string, readonly string[]>> = {
  RelatedPerson: ['patient'],
  Coverage: ['status', 'beneficiary', 'payor'],
  Appointment: ['status', 'participant'],
  AppointmentResponse: ['appointment', 'participantStatus'],
  Encounter: ['status', 'class'],
  EpisodeOfCare: ['status', 'patient'],
  Condition: ['subject'],
  Procedure: ['status', 'subject'],
  CarePlan: ['status', 'intent', 'subject'],
  Goal: ['lifecycleStatus', 'description', 'subject'],
  ClinicalImpression: ['status', 'subject'],
  Composition: ['status', 'type', 'date', 'author', 'title'],
  FamilyMemberHistory: ['status', 'patient', 'relationship'],
  ServiceRequest: ['status', 'intent', 'subject'],
  Communication: ['status'],
  NutritionOrder: ['status', 'intent', 'patient', 'dateTime'],
  RiskAssessment: ['status', 'subject'],
  DetectedIssue: ['status'],
  AdverseEvent: ['actuality', 'subject'],
  Flag: ['status', 'code', 'subject'],
  DeviceRequest: ['intent', 'code[x]', 'subject'],
  DeviceUseStatement: ['status', 'subject', 'device'],
  AllergyIntolerance: ['patient'],
  MedicationRequest: ['status', 'intent', 'medication[x]', 'subject'],
  MedicationStatement: ['status', 'medication[x]', 'subject'],
  MedicationAdministration: ['status', 'medication[x]', 'subject', 'effective[x]'],
  MedicationDispense: ['status', 'medication[x]'],
  Observation: ['status', 'code'],
  DiagnosticReport: ['status', 'code'],
  QuestionnaireResponse: ['status'],
  VisionPrescription: ['status', 'created', 'patient', 'dateWritten', 'prescriber', 'lensSpecification'],
  Immunization: ['status', 'vaccineCode', 'patient', 'occurrence[x]'],
  ImmunizationEvaluation: ['status', 'patient', 'targetDisease', 'immunizationEvent', 'doseStatus'],
  ImmunizationRecommendation: ['patient', 'date', 'recommendation'],
  DocumentReference: ['status', 'content'],
  ImagingStudy: ['status', 'subject'],
  Media: ['status', 'content'],
  Consent: ['status', 'scope', 'category'],
};

const events = ['preparation', 'in-progress', 'not-done', 'on-hold', 'stopped', 'completed', 'entered-in-error', 'unknown'];
const requests = ['draft', 'active', 'on-hold', 'revoked', 'completed', 'entered-in-error', 'unknown'];

/** Required bindings of R4 that lists and colours depend on. */
const bindings: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  Patient: { gender: ['male', 'female', 'other', 'unknown'] },
  RelatedPerson: { gender: ['male', 'female', 'other', 'unknown'] },
  Practitioner: { gender: ['male', 'female', 'other', 'unknown'] },
  Encounter: {
    status: ['planned', 'arrived', 'triaged', 'in-progress', 'onleave', 'finished', 'cancelled', 'entered-in-error', 'unknown'],
  },
  Procedure: { status: events },
  CarePlan: { status: requests },
  ServiceRequest: { status: requests },
  Goal: {
    lifecycleStatus: ['proposed', 'planned', 'accepted', 'active', 'on-hold', 'completed', 'cancelled', 'entered-in-error', 'rejected'],
  },
  AllergyIntolerance: { criticality: ['low', 'high', 'unable-to-assess'] },
  MedicationRequest: { status: ['active', 'on-hold', 'cancelled', 'completed', 'entered-in-error', 'stopped', 'draft', 'unknown'] },
  MedicationStatement: {
    status: ['active', 'completed', 'entered-in-error', 'intended', 'stopped', 'on-hold', 'unknown', 'not-taken'],
  },
  Observation: { status: ['registered', 'preliminary', 'final', 'amended', 'corrected', 'cancelled', 'entered-in-error', 'unknown'] },
  DiagnosticReport: {
    status: [
      'registered',
      'partial',
      'preliminary',
      'final',
      'amended',
      'corrected',
      'appended',
      'cancelled',
      'entered-in-error',
      'unknown',
    ],
  },
  Immunization: { status: ['completed', 'entered-in-error', 'not-done'] },
  DocumentReference: { status: ['current', 'superseded', 'entered-in-error'] },
  ImagingStudy: { status: ['registered', 'available', 'cancelled', 'entered-in-error', 'unknown'] },
};

/** Elements that are dates in whatever resource or data type they stand. */
const dateElements = new Set([
  'date',
  'issued',
  'authoredOn',
  'authored',
  'start',
  'end',
  'recorded',
  'created',
  'sent',
  'received',
  'started',
  'dateTime',
  'lastUpdated',
  'whenPrepared',
  'whenHandedOver',
  'dateWritten',
  'dateAsserted',
  'lastOccurrence',
  'creation',
]);
const dateNames = new Map<string, boolean>();

/** Remembered by name, since a Bundle has few names and very many elements. */
function isDateElement(name: string): boolean {
  const known = dateNames.get(name);
  if (known !== undefined) return known;
  const is = dateElements.has(name) || /^\w*[a-z](?:Date|DateTime|Instant)$/.test(name);
  if (dateNames.size < 2000) dateNames.set(name, is);
  return is;
}

/** HumanName.text is bounded here; its other parts by the scanner. */
const longestName = 1000;

function present(resource: JsonObject, element: string): boolean {
  if (!element.endsWith('[x]')) return holds(resource[element]) || isObject(resource[`_${element}`]);
  const stem = element.slice(0, -3);
  return Object.keys(resource).some((name) => name.startsWith(stem) && /^[A-Z]/.test(name.slice(stem.length)) && holds(resource[name]));
}

function holds(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '' && !(Array.isArray(value) && value.length === 0);
}

/** The first date element, anywhere in the resource, that is text but no FHIR date; null if none. Depth is bounded by the scanner. */
function malformedDate(value: unknown, path: JsonPath): JsonPath | null {
  if (typeof value !== 'object' || value === null) return null;
  for (const [name, inner] of Object.entries(value)) {
    const here = [...path, Array.isArray(value) ? Number(name) : name];
    if (typeof inner === 'string') {
      if (!Array.isArray(value) && isDateElement(name) && !readFhirDate(inner)) return here;
    } else {
      const found = malformedDate(inner, here);
      if (found) return found;
    }
  }
  return null;
}

/** The first fault in a supported resource, or null. */
export function structureFault(type: string, resource: JsonObject): StructureFault | null {
  for (const element of required[type] ?? []) {
    if (!present(resource, element)) return { code: 'FILE_NOT_FHIR', what: `This ${type} has no ${element}`, path: [] };
  }
  for (const [element, codes] of Object.entries(bindings[type] ?? {})) {
    const value = resource[element];
    if (value !== undefined && (typeof value !== 'string' || !codes.includes(value))) {
      return { code: 'FILE_NOT_FHIR', what: `The ${element} of this ${type} is none that FHIR knows`, path: [element] };
    }
  }
  for (const element of ['id', 'status']) {
    if (resource[element] !== undefined && typeof resource[element] !== 'string')
      return { code: 'FILE_NOT_FHIR', what: `The ${element} of this ${type} is no text`, path: [element] };
  }
  if (type === 'Patient') {
    const names = list(resource['name'], 100);
    const index = names.findIndex((name) => String(get(name, 'text') ?? '').length > longestName);
    if (index >= 0)
      return {
        code: 'FILE_UNSAFE',
        what: `A name is longer than ${longestName.toLocaleString('en')} characters`,
        path: ['name', index, 'text'],
      };
  }
  const date = malformedDate(resource, []);
  return date && { code: 'FILE_NOT_FHIR', what: `A date of this ${type} is none`, path: date };
}
