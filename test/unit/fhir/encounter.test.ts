import { describe, expect, it } from 'vitest';
import { categoryOf, decodeText, describeResource, encounterResources } from '../../../src-shared/fhir/index.ts';
import type { EncounterInput } from '../../../src-shared/ipc-schema.ts';
import { parseBundle } from '../../../src-main/core/services/import/bundle.ts';

const input: EncounterInput = {
  patient: '0x52908400098527886E0F7030069857D2E4169EE7',
  class: 'AMB',
  start: '2026-11-23T14:02:00+05:30',
  reason: 'Cough for two weeks',
  diagnoses: [
    {
      concept: { system: 'http://hl7.org/fhir/sid/icd-10-cm', code: 'J20.9', display: 'Acute bronchitis, unspecified' },
      clinicalStatus: 'active',
      verificationStatus: 'provisional',
      onset: '2026-11',
      note: '',
    },
    {
      concept: { system: '', code: 'Z72.0', display: '' },
      clinicalStatus: 'resolved',
      verificationStatus: 'confirmed',
      onset: '',
      note: 'Stopped in 2020',
    },
  ],
  note: 'Lungs: scattered wheeze. Žádná horečka. 咳嗽 “seit 2 Wochen”.',
};
const author = { account: '0xde709f2102306220921060314715629080e2fb77', name: 'Dr Rao' };
const now = Date.parse('2026-11-23T09:00:00Z');

function written(more: Partial<EncounterInput> = {}, patientRecordId?: string) {
  let count = 0;
  return encounterResources(
    { ...input, ...more },
    () => `00000000-0000-4000-8000-00000000000${++count}`,
    author,
    'Clinic A',
    patientRecordId,
    now,
  );
}

describe('a consultation', () => {
  it('is an Encounter, a Condition for each diagnosis and a note, with the encounters', () => {
    const records = written();
    expect(records.map((one) => one.resource.resourceType)).toEqual(['Encounter', 'Condition', 'Condition', 'DocumentReference']);
    expect(records.map((one) => categoryOf(one.resource))).toEqual(Array(4).fill('problems-and-encounters'));
    expect(new Set(records.map((one) => one.recordId)).size).toBe(4);
    expect(records.every((one) => one.recordId === one.resource.id)).toBe(true);
  });

  it('refers to itself consistently', () => {
    const [encounter, ...others] = written();
    const reference = `urn:uuid:${encounter?.recordId}`;
    expect(others.map((one) => describeResource(one.resource).encounter)).toEqual(Array(3).fill(reference));
    expect(encounter?.resource['diagnosis']).toEqual(
      others.slice(0, 2).map((one, index) => ({ condition: { reference: `urn:uuid:${one.recordId}` }, rank: index + 1 })),
    );
  });

  it('is sound FHIR, as an import demands it', () => {
    const patient = { resourceType: 'Patient', id: '00000000-0000-4000-8000-0000000000aa' };
    const entry = [patient, ...written({}, patient.id).map((one) => one.resource)].map((resource) => ({
      fullUrl: `urn:uuid:${resource.id}`,
      resource,
    }));
    const text = JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry });
    expect(parseBundle(new TextEncoder().encode(text)).entries).toHaveLength(5);
  });

  it('keeps the note to the letter', () => {
    const note = written().at(-1)?.resource as unknown as { content: [{ attachment: { data: string; size: number } }] };
    const { data, size } = note.content[0].attachment;
    expect(decodeText(data, 100_000)).toBe(input.note);
    expect(size).toBe(Buffer.byteLength(input.note));
    expect(describeResource(note)).toMatchObject({ title: 'Encounter note', detail: input.note });
  });

  it('leaves out what was not written', () => {
    const [only, ...rest] = written({ diagnoses: [], note: ' \n', reason: '' });
    expect(rest).toEqual([]);
    expect(only?.resource).not.toHaveProperty('reasonCode');
    expect(only?.resource).not.toHaveProperty('diagnosis');
  });

  it('that starts later than it is saved has no end', () => {
    expect(written()[0]?.resource['period']).toEqual({ start: '2026-11-23T08:32:00.000Z', end: '2026-11-23T09:00:00.000Z' });
    expect(written({ start: '2026-11-24T00:00:00Z' })[0]?.resource['period']).toEqual({ start: '2026-11-24T00:00:00.000Z' });
  });
});

it('a long note is described by its beginning, even when cut within a character', () => {
  for (const shift of ['', 'x', 'xx']) {
    const note = written({ note: shift + '咳'.repeat(10_000) }).at(-1)?.resource;
    expect(describeResource(note).detail).toMatch(/^x*咳{490,}…$/u);
  }
});
