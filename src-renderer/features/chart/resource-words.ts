/** Plain words and an icon for each type of FHIR resource, so that a list is read without knowing FHIR. */
import type { Component } from 'svelte';
import Activity from '@lucide/svelte/icons/activity';
import CalendarDays from '@lucide/svelte/icons/calendar-days';
import ClipboardList from '@lucide/svelte/icons/clipboard-list';
import CircleAlert from '@lucide/svelte/icons/circle-alert';
import FileText from '@lucide/svelte/icons/file-text';
import FlaskConical from '@lucide/svelte/icons/flask-conical';
import HeartPulse from '@lucide/svelte/icons/heart-pulse';
import IdCard from '@lucide/svelte/icons/id-card';
import Image from '@lucide/svelte/icons/image';
import Pill from '@lucide/svelte/icons/pill';
import Scissors from '@lucide/svelte/icons/scissors';
import Stethoscope from '@lucide/svelte/icons/stethoscope';
import Syringe from '@lucide/svelte/icons/syringe';
import Target from '@lucide/svelte/icons/target';
import Users from '@lucide/svelte/icons/users';

export interface ResourceWords {
  readonly one: string;
  readonly many: string;
  readonly icon: Component;
}

const words = (one: string, many: string, icon: unknown): ResourceWords => ({ one, many, icon: icon as Component });

const known: Readonly<Record<string, ResourceWords>> = {
  Patient: words('Patient details', 'Patient details', IdCard),
  Encounter: words('Visit', 'Visits', Stethoscope),
  Condition: words('Problem', 'Problems', HeartPulse),
  Procedure: words('Procedure', 'Procedures', Scissors),
  CarePlan: words('Care plan', 'Care plans', ClipboardList),
  CareTeam: words('Care team', 'Care teams', Users),
  Goal: words('Goal', 'Goals', Target),
  ClinicalImpression: words('Assessment', 'Assessments', Stethoscope),
  Composition: words('Document', 'Documents', FileText),
  FamilyMemberHistory: words('Family history', 'Family history', Users),
  ServiceRequest: words('Order', 'Orders', ClipboardList),
  AllergyIntolerance: words('Allergy', 'Allergies', CircleAlert),
  MedicationRequest: words('Prescription', 'Prescriptions', Pill),
  MedicationStatement: words('Medicine taken', 'Medicines taken', Pill),
  MedicationAdministration: words('Medicine given', 'Medicines given', Pill),
  MedicationDispense: words('Medicine dispensed', 'Medicines dispensed', Pill),
  Medication: words('Medicine', 'Medicines', Pill),
  Observation: words('Measurement', 'Measurements', Activity),
  DiagnosticReport: words('Report', 'Reports', FlaskConical),
  Specimen: words('Specimen', 'Specimens', FlaskConical),
  Immunization: words('Vaccination', 'Vaccinations', Syringe),
  DocumentReference: words('Note or document', 'Notes and documents', FileText),
  ImagingStudy: words('Imaging study', 'Imaging studies', Image),
  Media: words('Picture', 'Pictures', Image),
  Appointment: words('Appointment', 'Appointments', CalendarDays),
  Device: words('Device', 'Devices', Activity),
  Practitioner: words('Practitioner', 'Practitioners', Users),
  PractitionerRole: words('Practitioner role', 'Practitioner roles', Users),
  Organization: words('Organization', 'Organizations', Users),
  Location: words('Place', 'Places', Users),
  RelatedPerson: words('Related person', 'Related persons', Users),
  QuestionnaireResponse: words('Questionnaire', 'Questionnaires', ClipboardList),
};

/** Words for a resource type; an unknown one keeps its FHIR name. */
export function resourceWords(resourceType: string): ResourceWords {
  return Object.hasOwn(known, resourceType) ? known[resourceType]! : words(resourceType, resourceType, FileText);
}
