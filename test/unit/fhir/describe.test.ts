import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeResource, isNoKnownAllergy, resourceTypes } from '../../../src-shared/fhir/index.ts';

const coded = (text: string, system = 'http://loinc.org', code = '1-8') => ({ coding: [{ system, code, display: text }], text });
const quantity = (value: number, unit: string) => ({ value, unit, system: 'http://unitsofmeasure.org', code: unit });

describe('an observation', () => {
  const potassium = {
    resourceType: 'Observation',
    status: 'final',
    code: coded('Potassium', 'http://loinc.org', '2823-3'),
    encounter: { reference: 'urn:uuid:e1' },
    effectiveDateTime: '2026-11-20T09:30:00+05:30',
    valueQuantity: quantity(6.1, 'mmol/L'),
    referenceRange: [{ low: quantity(3.5, 'mmol/L'), high: quantity(5.1, 'mmol/L') }],
  };

  it('has value, unit, range and whether it is abnormal', () => {
    expect(describeResource(potassium)).toEqual({
      date: '2026-11-20T04:00:00.000Z',
      status: 'final',
      title: 'Potassium',
      detail: '6.1 mmol/L · range 3.5–5.1 · abnormal',
      codeSystem: 'http://loinc.org',
      code: '2823-3',
      encounter: 'urn:uuid:e1',
      extract: { value: '6.1', unit: 'mmol/L', range: '3.5–5.1', interpretation: 'abnormal' },
    });
  });

  it('is what the laboratory says it is, whatever the range', () => {
    const interpreted = (code: string) =>
      describeResource({ ...potassium, interpretation: [{ coding: [{ code }] }] }).extract.interpretation;
    expect(['HH', 'H', 'N', 'IND', 'toString'].map(interpreted)).toEqual(['critical', 'abnormal', 'normal', undefined, undefined]);
  });

  it('is not judged by a range for others, in another unit, or one of several', () => {
    const [range] = potassium.referenceRange;
    const judged = (referenceRange: unknown) => describeResource({ ...potassium, referenceRange }).extract.interpretation;
    expect(judged([range, range])).toBeUndefined();
    expect(judged([{ ...range, appliesTo: [coded('Women')] }])).toBeUndefined();
    expect(judged([{ low: quantity(3.5, 'mg/dL') }])).toBeUndefined();
    expect(judged([{ text: '3.5 to 5.1' }])).toBeUndefined();
    expect(describeResource({ ...potassium, valueQuantity: { ...potassium.valueQuantity, comparator: '<' } }).extract.value).toBe('<6.1');
  });

  it('of blood pressure is written as clinicians do', () => {
    const component = (code: string, value: number) => ({
      code: coded('', 'http://loinc.org', code),
      valueQuantity: quantity(value, 'mm[Hg]'),
    });
    const pressure = {
      resourceType: 'Observation',
      status: 'final',
      code: coded('Blood pressure'),
      component: [component('8462-4', 86.46), component('8480-6', 119.45)],
    };
    expect(describeResource(pressure)).toMatchObject({ detail: '119/86 mmHg', extract: { value: '119/86', unit: 'mmHg' } });
  });

  it('that was not made says so', () => {
    const absent = { resourceType: 'Observation', status: 'final', code: coded('Weight'), dataAbsentReason: coded('Not performed') };
    expect(describeResource(absent).extract.value).toBe('not measured: Not performed');
  });
});

describe('a medication', () => {
  const request = {
    resourceType: 'MedicationRequest',
    status: 'active',
    medicationCodeableConcept: coded('Metformin 500 MG Oral Tablet'),
    authoredOn: '2026-01-05',
    dosageInstruction: [
      {
        timing: { repeat: { frequency: 2, period: 1, periodUnit: 'd', when: ['C'] } },
        route: coded('oral'),
        doseAndRate: [{ doseQuantity: { value: 0.5, unit: 'tablet' } }],
      },
    ],
  };

  it('has its dose, route and frequency separated by em dashes', () => {
    expect(describeResource(request).extract.dosage).toBe('DOSE 0.5 tablet — oral — twice a day with meals');
    const every = {
      ...request,
      dosageInstruction: [{ asNeededBoolean: true, timing: { repeat: { frequency: 1, period: 8, periodUnit: 'h' } } }],
    };
    expect(describeResource(every).extract.dosage).toBe('every 8 hours — as needed');
    expect(describeResource({ ...request, dosageInstruction: [{ text: 'as before' }] }).extract.dosage).toBe('as before');
  });

  it('may be contained or referred to', () => {
    const contained = [{ resourceType: 'Medication', id: 'm', code: coded('Aspirin') }];
    const referring = (medicationReference: unknown) =>
      describeResource({ resourceType: 'MedicationRequest', status: 'active', contained, medicationReference }).title;
    expect(referring({ reference: '#m' })).toBe('Aspirin');
    expect(referring({ reference: 'Medication/9', display: 'Warfarin' })).toBe('Warfarin');
    expect(referring({ reference: 'Medication/9' })).toBe('Prescription');
  });
});

describe('a problem', () => {
  it('that was entered in error says so before anything else', () => {
    const condition = (verification: string) =>
      describeResource({
        resourceType: 'Condition',
        clinicalStatus: { coding: [{ code: 'active' }] },
        verificationStatus: { coding: [{ code: verification }] },
        code: coded('Asthma (disorder)', 'http://snomed.info/sct', '195967001'),
        onsetDateTime: '1998',
        recordedDate: '2026-11-01',
      });
    expect(condition('confirmed')).toMatchObject({ title: 'Asthma', status: 'active', date: '2026-11-01', detail: 'since 1998' });
    expect(condition('provisional').detail).toBe('provisional · since 1998');
    expect(condition('entered-in-error')).toMatchObject({ status: 'entered-in-error', extract: { clinicalStatus: 'entered-in-error' } });
  });

  it('that is an allergy has its reactions', () => {
    const allergy = {
      resourceType: 'AllergyIntolerance',
      clinicalStatus: { coding: [{ code: 'active' }] },
      code: coded('Penicillin'),
      criticality: 'high',
      reaction: [{ manifestation: [coded('Hives')], severity: 'moderate' }],
    };
    expect(describeResource(allergy)).toMatchObject({
      title: 'Penicillin',
      detail: 'Hives — moderate · criticality high',
      extract: { criticality: 'high' },
    });
    expect(isNoKnownAllergy('http://snomed.info/sct', '716186003')).toBe(true);
  });
});

describe('whatever a record holds', () => {
  it('a type in the table is described, even when there is nothing in it', () => {
    for (const [resourceType, { label }] of Object.entries(resourceTypes)) {
      const described = describeResource({ resourceType });
      expect([resourceType, described.title === '' ? '' : 'titled', described.date]).toEqual([resourceType, 'titled', '']);
      expect(label).not.toBe('');
    }
  });

  it('what is no resource is called unreadable', () => {
    for (const value of [null, undefined, 5, 'x', [], {}, { resourceType: 7 }])
      expect(describeResource(value).title).toBe('Unreadable record');
  });

  it('text is one plain, bounded line: no marks that reorder or hide', () => {
    const { title } = describeResource({ resourceType: 'Location', name: ' a\u0000b\n\u202ec\u200b\u2066d  e ' });
    expect(title).toBe('a b cd e');
    expect(describeResource({ resourceType: 'Location', name: 'x'.repeat(1_000_000) }).title).toBe(`${'x'.repeat(299)}…`);
    expect(describeResource({ resourceType: 'Location', name: '<script>' }).title).toBe('<script>');
    expect(describeResource({ resourceType: 'Location', name: `ن\u200cم` }).title).toBe('ن\u200cم');
  });

  it('nothing throws, and everything is bounded', () => {
    const names = [
      'code',
      'coding',
      'text',
      'display',
      'value',
      'valueQuantity',
      'component',
      'period',
      'start',
      'status',
      'class',
      'content',
      'attachment',
      'data',
      'contentType',
      'dosage',
      'dosageInstruction',
      'timing',
      'repeat',
      'name',
      'given',
      'category',
      'reaction',
      'effectiveDateTime',
      'context',
      'encounter',
      'reference',
      'interpretation',
      'referenceRange',
      'low',
      'high',
    ];
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(
          null,
          true,
          -1,
          0,
          1e300,
          '',
          'text/plain',
          '2026-02-30',
          '2026-11-23T10:00:00Z',
          '#m',
          '8480-6',
          'AAAA',
          'x'.repeat(2000),
        ),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 5 }),
      ),
    }));
    const resource = fc.tuple(
      fc.constantFrom(...Object.keys(resourceTypes)),
      fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 8 }),
    );
    fc.assert(
      fc.property(resource, ([resourceType, rest]) => {
        const found = describeResource({ ...rest, resourceType });
        expect(found.title.length).toBeLessThanOrEqual(300);
        expect(found.detail.length).toBeLessThanOrEqual(500);
        expect(JSON.stringify(found).length).toBeLessThan(20_000);
        expect(found.date).toMatch(/^(\d{4}(-\d{2}(-\d{2}(T[\d:.]+Z)?)?)?)?$/);
      }),
      { numRuns: 1000 },
    );
  });
});
