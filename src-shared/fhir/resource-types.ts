/**
 * Which FHIR R4 resource types this workstation keeps, the category each belongs to (what a patient shares or does not), and where each
 * names its patient. Types that are not here are not kept: an import lists them by type and count.
 */
import type { Category } from '../categories.ts';
import { code, codings, get, list } from './read.ts';

export interface ResourceType {
  readonly category: Category;
  /** In words, for lists: singular. */
  readonly label: string;
  /** Element that refers to the patient; none for what is not about one patient (Practitioner, Organization …). */
  readonly patient?: string;
}

const problems = 'problems-and-encounters';
const medications = 'medications-and-allergies';
const results = 'observations-and-results';
const documents = 'documents-and-imaging';

/**
 * Practitioners, organizations and places that records refer to say where and by whom someone was treated, an oncology ward for one: they
 * go with the encounters, not with demographics, which the front desk reads.
 */
export const resourceTypes: Readonly<Record<string, ResourceType>> = {
  Patient: { category: 'demographics', label: 'Patient' },
  RelatedPerson: { category: 'demographics', label: 'Related person', patient: 'patient' },
  Coverage: { category: 'demographics', label: 'Insurance coverage', patient: 'beneficiary' },

  Appointment: { category: 'scheduling', label: 'Appointment' },
  AppointmentResponse: { category: 'scheduling', label: 'Appointment response' },

  Encounter: { category: problems, label: 'Encounter', patient: 'subject' },
  EpisodeOfCare: { category: problems, label: 'Episode of care', patient: 'patient' },
  Condition: { category: problems, label: 'Condition', patient: 'subject' },
  Procedure: { category: problems, label: 'Procedure', patient: 'subject' },
  CarePlan: { category: problems, label: 'Care plan', patient: 'subject' },
  CareTeam: { category: problems, label: 'Care team', patient: 'subject' },
  Goal: { category: problems, label: 'Goal', patient: 'subject' },
  ClinicalImpression: { category: problems, label: 'Clinical impression', patient: 'subject' },
  Composition: { category: problems, label: 'Composition', patient: 'subject' },
  FamilyMemberHistory: { category: problems, label: 'Family history', patient: 'patient' },
  ServiceRequest: { category: problems, label: 'Service request', patient: 'subject' },
  Communication: { category: problems, label: 'Communication', patient: 'subject' },
  NutritionOrder: { category: problems, label: 'Nutrition order', patient: 'patient' },
  RiskAssessment: { category: problems, label: 'Risk assessment', patient: 'subject' },
  DetectedIssue: { category: problems, label: 'Detected issue', patient: 'patient' },
  AdverseEvent: { category: problems, label: 'Adverse event', patient: 'subject' },
  Flag: { category: problems, label: 'Flag', patient: 'subject' },
  Device: { category: problems, label: 'Device', patient: 'patient' },
  DeviceRequest: { category: problems, label: 'Device request', patient: 'subject' },
  DeviceUseStatement: { category: problems, label: 'Device use', patient: 'subject' },
  SupplyDelivery: { category: problems, label: 'Supply', patient: 'patient' },
  Practitioner: { category: problems, label: 'Practitioner' },
  PractitionerRole: { category: problems, label: 'Practitioner role' },
  Organization: { category: problems, label: 'Organization' },
  Location: { category: problems, label: 'Location' },

  AllergyIntolerance: { category: medications, label: 'Allergy or intolerance', patient: 'patient' },
  Medication: { category: medications, label: 'Medication' },
  MedicationRequest: { category: medications, label: 'Prescription', patient: 'subject' },
  MedicationStatement: { category: medications, label: 'Medication statement', patient: 'subject' },
  MedicationAdministration: { category: medications, label: 'Medication given', patient: 'subject' },
  MedicationDispense: { category: medications, label: 'Medication dispensed', patient: 'subject' },

  Observation: { category: results, label: 'Observation', patient: 'subject' },
  DiagnosticReport: { category: results, label: 'Diagnostic report', patient: 'subject' },
  Specimen: { category: results, label: 'Specimen', patient: 'subject' },
  QuestionnaireResponse: { category: results, label: 'Questionnaire response', patient: 'subject' },
  VisionPrescription: { category: results, label: 'Vision prescription', patient: 'patient' },

  Immunization: { category: 'immunizations', label: 'Immunization', patient: 'patient' },
  ImmunizationEvaluation: { category: 'immunizations', label: 'Immunization evaluation', patient: 'patient' },
  ImmunizationRecommendation: { category: 'immunizations', label: 'Immunization recommendation', patient: 'patient' },

  DocumentReference: { category: documents, label: 'Document', patient: 'subject' },
  ImagingStudy: { category: documents, label: 'Imaging study', patient: 'subject' },
  Media: { category: documents, label: 'Picture or recording', patient: 'subject' },
  Consent: { category: documents, label: 'Consent', patient: 'patient' },

  MolecularSequence: { category: 'sensitive', label: 'Genetic sequence', patient: 'patient' },
};

/** The table's row for a type, or undefined where the type is not supported. */
function resourceTypeOf(name: string): ResourceType | undefined {
  return Object.hasOwn(resourceTypes, name) ? resourceTypes[name] : undefined;
}

/** A resource type in words; the name itself where it is not supported. */
export function resourceTypeLabel(name: string): string {
  return resourceTypeOf(name)?.label ?? name;
}

const actCode = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';
const confidentiality = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';
const noteCategory = 'http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category';

/** HL7 v3 ActCode, value set InformationSensitivityPolicy: the policies about a topic, as opposed to a person's position. */
const sensitivePolicies = new Set([
  'ETH', // substance use disorder
  'ETHUD',
  'SUD',
  'OPIOIDUD',
  'GDIS', // genetic disease
  'SCA',
  'HIV',
  'STD',
  'SEX', // sexuality and reproductive health
  'ABORTION',
  'FMM',
  'SDV', // sexual assault, abuse or domestic violence
  'IPV',
  'SPI',
  'BH', // behavioural health
  'MH',
  'PSY',
  'PSYTHPN',
  'COGN',
  'DVD',
  'EMOTDIS',
  'MST',
  'VIO',
]);

/** Very restricted and restricted (v3 Confidentiality): more protected than clinical records normally are. */
const restricted = new Set(['R', 'V']);

/**
 * The category of a resource; undefined where its type is not supported.
 *
 * The type decides, with two exceptions. Clinical notes (DocumentReference of US Core category `clinical-note`) go with the encounters they
 * belong to. Whatever carries a security label (`meta.security`) of a sensitive topic or of restricted confidentiality is `sensitive`.
 *
 * Codes do not make a record sensitive here: a table of ICD-10 chapters would catch a diagnosis but not its SNOMED twin, its medication or
 * its note, and so promise a protection that it does not give. Who writes or exports a record labels it.
 */
export function categoryOf(resource: unknown): Category | undefined {
  const name = get(resource, 'resourceType');
  const type = typeof name === 'string' ? resourceTypeOf(name) : undefined;
  if (!type) return undefined;
  for (const label of list(get(resource, 'meta', 'security'))) {
    const [system, value] = [get(label, 'system'), code(label, 'code')];
    if (system === actCode && sensitivePolicies.has(value)) return 'sensitive';
    if (system === confidentiality && restricted.has(value)) return 'sensitive';
  }
  if (name === 'DocumentReference' && isClinicalNote(resource)) return 'problems-and-encounters';
  return type.category;
}

/** Whether a DocumentReference is a clinical note (US Core). */
function isClinicalNote(resource: unknown): boolean {
  return codings(get(resource, 'category')).some((entry) => entry.code === 'clinical-note' && entry.system === noteCategory);
}
