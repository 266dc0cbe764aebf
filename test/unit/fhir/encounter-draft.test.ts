import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encounterDraftOf, type EncounterDraft } from '../../../src-shared/fhir/encounter-draft.ts';
import { encounterResources } from '../../../src-shared/fhir/index.ts';

const word = fc.string({ unit: 'grapheme', maxLength: 20 });
const instant = fc
  .date({ min: new Date('1990-01-01'), max: new Date('2090-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const draft: fc.Arbitrary<EncounterDraft> = fc.record({
  class: fc.constantFrom('AMB' as const, 'HH' as const, 'VR' as const, 'EMER' as const),
  start: instant,
  reason: word,
  diagnoses: fc.array(
    fc.record({
      concept: fc.record({
        system: fc.constantFrom('', 'http://snomed.info/sct'),
        code: fc.string({ minLength: 1, maxLength: 8 }),
        display: word,
      }),
      clinicalStatus: fc.constantFrom('active' as const, 'resolved' as const),
      verificationStatus: fc.constantFrom('provisional' as const, 'confirmed' as const),
      onset: fc.constantFrom('', '2026', '2026-11', '2026-11-02'),
      note: word,
    }),
    { maxLength: 5 },
  ),
  note: word.map((text) => (text.trim() === '' ? '' : text)),
});

function saved(from: EncounterDraft, now: number) {
  let count = 0;
  const id = () => `00000000-0000-4000-8000-${String(++count).padStart(12, '0')}`;
  const input = { ...from, patient: '0x52908400098527886E0F7030069857D2E4169EE7' };
  return encounterResources(input, id, { account: '0xde709f2102306220921060314715629080e2fb77', name: 'Dr Rao' }, 'Clinic', id(), now);
}

describe('a consultation that goes back into its draft', () => {
  it('is what was typed, whatever that was and in whatever order its records come', () => {
    fc.assert(
      fc.property(draft, fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 7 }), (typed, days, turn) => {
        const resources = saved(typed, Date.parse(typed.start) + days * 86_400_000).map(({ resource }) => resource);
        const turned = [...resources.slice(turn), ...resources.slice(0, turn)];
        expect(encounterDraftOf(turned)).toEqual(typed);
      }),
    );
  });

  it('is none where anything of it was made elsewhere: something could be lost', () => {
    const typed = fc.sample(draft, 1)[0]!;
    const resources = saved({ ...typed, start: '2026-11-23T10:00:00.000Z' }, Date.parse('2026-11-23T11:00:00Z')).map(
      ({ resource }) => resource,
    );
    expect(encounterDraftOf(resources)).not.toBeNull();
    expect(encounterDraftOf([...resources, { resourceType: 'Observation', id: 'x' }])).toBeNull();
    expect(encounterDraftOf(resources.map((one) => ({ ...one, extension: [] })))).toBeNull();
    expect(encounterDraftOf(resources.slice(1))).toBeNull();
    expect(encounterDraftOf([])).toBeNull();
  });
});
