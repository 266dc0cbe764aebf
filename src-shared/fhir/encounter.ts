/**
 * A consultation as FHIR R4 resources: the Encounter, a Condition for each diagnosis, and the note as a US Core clinical note. References
 * between them, and to the Patient, are `urn:uuid:` of record ids, the same form as in imported Bundles.
 */
import type { EncounterInput } from '../ipc-schema.ts';
import { encounterClassText } from './describe-problems.ts';
import { encodeText } from './text-content.ts';

export interface EncounterAuthor {
  readonly account: string;
  readonly name: string;
}

export interface NewRecord {
  readonly recordId: string;
  readonly resource: Readonly<Record<string, unknown>> & {
    readonly resourceType: 'Encounter' | 'Condition' | 'DocumentReference';
    readonly id: string;
  };
}

/** Identifier system of accounts of this network, in logical references (R4 section 2.3.0.2). */
const accountSystem = 'urn:anamnesis:account';

const terminology = 'http://terminology.hl7.org/CodeSystem';
const coded = (system: string, code: string, display: string) => ({ coding: [{ system, code, display }] });
const capitalized = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
/** v3 ActCode's own display names. */
const classDisplay: Readonly<Record<EncounterInput['class'], string>> = {
  AMB: 'ambulatory',
  HH: 'home health',
  VR: 'virtual',
  EMER: 'emergency',
};

/**
 * The records of one consultation, the Encounter first. Empty parts are left out (no note, no DocumentReference). The encounter ends when it
 * is saved (`now`, milliseconds); one whose start lies after that has no end.
 *
 * @param newId - gives a new UUID each time
 * @param patientRecordId - record id of the Patient resource, if the chart has one; the account names the patient in any case
 */
export function encounterResources(
  input: EncounterInput,
  newId: () => string,
  author: EncounterAuthor,
  organizationName: string,
  patientRecordId?: string,
  now = Date.now(),
): NewRecord[] {
  const savedAt = new Date(now).toISOString();
  const ids = { encounter: newId(), conditions: input.diagnoses.map(() => newId()), note: newId() };
  const ref = (id: string) => ({ reference: `urn:uuid:${id}` });
  const subject = {
    ...(patientRecordId === undefined ? {} : ref(patientRecordId)),
    type: 'Patient',
    identifier: { system: accountSystem, value: input.patient },
  };
  const practitioner = { type: 'Practitioner', identifier: { system: accountSystem, value: author.account }, display: author.name };
  const custodian = { type: 'Organization', display: organizationName };
  const start = new Date(input.start).toISOString();

  const encounter = {
    resourceType: 'Encounter' as const,
    id: ids.encounter,
    status: 'finished',
    class: { system: `${terminology}/v3-ActCode`, code: input.class, display: classDisplay[input.class] },
    type: [{ text: `${encounterClassText(input.class)} encounter` }],
    subject,
    participant: [{ type: [coded(`${terminology}/v3-ParticipationType`, 'PPRF', 'primary performer')], individual: practitioner }],
    period: { start, ...(start <= savedAt ? { end: savedAt } : {}) },
    ...(input.reason === '' ? {} : { reasonCode: [{ text: input.reason }] }),
    ...(ids.conditions.length === 0 ? {} : { diagnosis: ids.conditions.map((id, index) => ({ condition: ref(id), rank: index + 1 })) }),
    serviceProvider: custodian,
  };

  const conditions = input.diagnoses.map((diagnosis, index) => {
    const { system, code, display } = diagnosis.concept;
    return {
      resourceType: 'Condition' as const,
      id: ids.conditions[index] ?? '',
      clinicalStatus: coded(`${terminology}/condition-clinical`, diagnosis.clinicalStatus, capitalized(diagnosis.clinicalStatus)),
      verificationStatus: coded(
        `${terminology}/condition-ver-status`,
        diagnosis.verificationStatus,
        capitalized(diagnosis.verificationStatus),
      ),
      category: [coded(`${terminology}/condition-category`, 'encounter-diagnosis', 'Encounter Diagnosis')],
      code: { coding: [{ ...(system === '' ? {} : { system }), code, ...(display === '' ? {} : { display }) }], text: display || code },
      subject,
      encounter: ref(ids.encounter),
      ...(diagnosis.onset === '' ? {} : { onsetDateTime: diagnosis.onset }),
      recordedDate: savedAt,
      recorder: practitioner,
      ...(diagnosis.note === '' ? {} : { note: [{ text: diagnosis.note }] }),
    };
  });

  const resources: NewRecord['resource'][] = [encounter, ...conditions];
  if (input.note.trim() !== '') {
    const { base64, size } = encodeText(input.note);
    resources.push({
      resourceType: 'DocumentReference',
      id: ids.note,
      status: 'current',
      docStatus: 'final',
      // LOINC 34109-9: Note. The category puts it with the encounter instead of with scanned documents.
      type: coded('http://loinc.org', '34109-9', 'Note'),
      category: [coded('http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category', 'clinical-note', 'Clinical Note')],
      subject,
      date: savedAt,
      author: [practitioner],
      custodian,
      description: 'Encounter note',
      content: [{ attachment: { contentType: 'text/plain', data: base64, size, title: 'Encounter note', creation: savedAt } }],
      context: { encounter: [ref(ids.encounter)], period: { start } },
    });
  }
  return resources.map((resource) => ({ recordId: resource.id, resource }));
}
