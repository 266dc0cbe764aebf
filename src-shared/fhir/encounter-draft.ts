/**
 * A consultation that was saved, back as it was typed: the reverse of encounter.ts, for one that is withdrawn in order to be edited. Only for records
 * exactly as that file makes them, so that nothing can be lost by it.
 */
import type { EncounterInput } from '../ipc-schema.ts';
import { encounterResources, type NewRecord } from './encounter.ts';
import { decodeText } from './text-content.ts';

/** What a draft of the kind "encounter" holds. */
export type EncounterDraft = Omit<EncounterInput, 'patient' | 'draft'>;

type Resource = Readonly<Record<string, unknown>>;
const longestNoteBytes = 4 * 50_000;

const record = (value: unknown): Resource => (typeof value === 'object' && value !== null ? (value as Resource) : {});
const first = (value: unknown): Resource => record(Array.isArray(value) ? value[0] : undefined);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const codeOf = (concept: unknown): string => text(first(record(concept)['coding'])['code']);

function diagnosisOf(condition: Resource): EncounterDraft['diagnoses'][number] {
  const coding = first(record(condition['code'])['coding']);
  return {
    concept: { system: text(coding['system']), code: text(coding['code']), display: text(coding['display']) },
    clinicalStatus: codeOf(condition['clinicalStatus']) === 'resolved' ? 'resolved' : 'active',
    verificationStatus: codeOf(condition['verificationStatus']) === 'provisional' ? 'provisional' : 'confirmed',
    onset: text(condition['onsetDateTime']),
    note: text(first(condition['note'])['text']),
  };
}

/** The input that these records were made of; null where they are not one consultation as it is written here. */
export function encounterDraftOf(resources: readonly Resource[]): EncounterDraft | null {
  const encounters = resources.filter((one) => one['resourceType'] === 'Encounter');
  const [encounter] = encounters;
  if (encounter === undefined || encounters.length !== 1) return null;
  const conditions = resources.filter((one) => one['resourceType'] === 'Condition');
  // In the order in which they were written, whatever order they are given in.
  const order = Array.isArray(encounter['diagnosis']) ? (encounter['diagnosis'] as unknown[]) : [];
  const ranked = order.map((one) => text(record(record(one)['condition'])['reference']));
  const place = (condition: Resource) => ranked.indexOf(`urn:uuid:${text(condition['id'])}`);
  const diagnoses = [...conditions].sort((a, b) => place(a) - place(b)).map(diagnosisOf);
  const [document] = resources.filter((one) => one['resourceType'] === 'DocumentReference');
  const note = document ? decodeText(text(record(first(document['content'])['attachment'])['data']), longestNoteBytes) : '';
  if (note === null) return null;
  const draft = {
    class: text(record(encounter['class'])['code']) as EncounterDraft['class'],
    start: text(record(encounter['period'])['start']),
    reason: text(first(encounter['reasonCode'])['text']),
    diagnoses,
    note,
  };
  return isMadeOf(resources, encounter, conditions, document, draft) ? draft : null;
}

/** Whether the draft gives these very records again. */
function isMadeOf(
  resources: readonly Resource[],
  encounter: Resource,
  conditions: readonly Resource[],
  document: Resource | undefined,
  draft: EncounterDraft,
): boolean {
  const participant = record(first(encounter['participant'])['individual']);
  const subject = record(encounter['subject']);
  const savedAt = text(record(encounter['period'])['end']) || text(document?.['date']) || text(conditions[0]?.['recordedDate']);
  if (!['AMB', 'HH', 'VR', 'EMER'].includes(draft.class) || Number.isNaN(Date.parse(draft.start)) || Number.isNaN(Date.parse(savedAt)))
    return false;
  const order = Array.isArray(encounter['diagnosis']) ? (encounter['diagnosis'] as unknown[]) : [];
  const ids = [
    text(encounter['id']),
    ...order.map((one) => text(record(record(one)['condition'])['reference']).replace('urn:uuid:', '')),
    text(document?.['id']),
  ];
  const patientRecord = text(subject['reference']).replace('urn:uuid:', '');
  const again: readonly NewRecord[] = encounterResources(
    { ...draft, patient: text(record(subject['identifier'])['value']) },
    () => ids.shift() ?? '',
    { account: text(record(participant['identifier'])['value']), name: text(participant['display']) },
    text(record(encounter['serviceProvider'])['display']),
    patientRecord === '' ? undefined : patientRecord,
    Date.parse(savedAt),
  );
  const made = new Map(again.map(({ recordId, resource }) => [recordId, JSON.stringify(resource)]));
  return made.size === resources.length && resources.every((one) => made.get(text(one['id'])) === JSON.stringify(one));
}
