import { describe, expect, it } from 'vitest';
import { categoryOf, patientResourceOf, patientRowOf, samePatient, similarity } from '../../../src-shared/fhir/index.ts';
import type { Demographics } from '../../../src-shared/ipc-schema.ts';

const account = '0x52908400098527886E0F7030069857D2E4169EE7';
const typed: Demographics = {
  family: 'Rao',
  given: 'Meera Devi',
  prefix: 'Mrs',
  birthDate: '1985-07-14',
  birthDateEstimated: false,
  gender: 'female',
  phone: '+91 98450 12345',
  address: '12 Lake Road, Mysuru',
  identifiers: [{ system: 'urn:mrn', label: 'MRN', value: '0042' }],
};
const rowOf = (more: Partial<Demographics> = {}) => patientRowOf(patientResourceOf({ ...typed, ...more }, 'id-1'), account);

describe('a registered patient', () => {
  it('is the same person when read back', () => {
    const expected = { patient: account, deceased: '', updatedAt: 0 };
    expect(rowOf()).toEqual({ ...typed, ...expected });
    const bare = { family: '', given: 'Suharto', prefix: '', birthDate: '', phone: '', address: '', identifiers: [] };
    expect(rowOf(bare)).toEqual({ ...typed, ...bare, ...expected });
  });

  it('keeps that a date of birth is an estimate, and of what', () => {
    for (const [birthDate, code] of [
      ['1945-07-14', 'EEE'],
      ['1945-07', 'UEE'],
      ['1945', 'UUE'],
    ] as const) {
      const resource = patientResourceOf({ ...typed, birthDate, birthDateEstimated: true }, 'id-1');
      expect(resource._birthDate?.extension[0]?.valueCoding.code).toBe(code);
      expect(patientRowOf(resource, account)).toMatchObject({ birthDate, birthDateEstimated: true });
    }
    expect(patientResourceOf(typed, 'id-1')).not.toHaveProperty('_birthDate');
    const others = { birthDate: '1945', extension: [{ url: 'http://fhir.et/core/StructureDefinition/dob-estimated', valueBoolean: true }] };
    expect(patientRowOf(others, account).birthDateEstimated).toBe(true);
    const accurate = {
      birthDate: '1945',
      _birthDate: {
        extension: [{ url: 'http://hl7.org.au/fhir/StructureDefinition/date-accuracy-indicator', valueCoding: { code: 'AAA' } }],
      },
    };
    expect(patientRowOf(accurate, account).birthDateEstimated).toBe(false);
  });
});

describe('a Patient from elsewhere', () => {
  it('is called by the official name, not a former one', () => {
    const name = [
      { use: 'maiden', family: 'Strosin' },
      { family: 'Unlabelled' },
      { use: 'official', family: 'Franecki', given: ['Vanda', 'Lu'], prefix: ['Mrs.'] },
    ];
    expect(patientRowOf({ name }, account)).toMatchObject({ family: 'Franecki', given: 'Vanda Lu', prefix: 'Mrs.' });
    expect(patientRowOf({ name: { text: '王小明' } }, account)).toMatchObject({ family: '', given: '王小明' });
  });

  it('may be dead since a day, or since nobody knows when', () => {
    expect(patientRowOf({ deceasedDateTime: '2013-11-18' }, account).deceased).toBe('2013-11-18');
    expect(patientRowOf({ deceasedBoolean: true }, account).deceased).toBe('true');
    expect(patientRowOf({ deceasedBoolean: false }, account).deceased).toBe('');
  });

  it('may be malformed in every way', () => {
    const hostile = [null, 7, {}, { name: 7, identifier: 'x', telecom: [null], address: [[]], birthDate: {}, gender: 'F', extension: 5 }];
    for (const resource of hostile) {
      expect(patientRowOf(resource, account)).toMatchObject({ family: '', given: '', gender: '', birthDate: '', identifiers: [] });
    }
    expect(patientRowOf({ identifier: [{ value: 'x'.repeat(81) }, { value: 'y' }, { value: 'y' }] }, account).identifiers).toHaveLength(1);
    expect(patientRowOf({ name: [{ family: 'x'.repeat(1e6) }] }, account).family).toHaveLength(120);
  });
});

describe('two patients', () => {
  it('are one by a shared identifier, or by names and exact date of birth', () => {
    const rao = rowOf();
    expect(
      samePatient(
        rao,
        rowOf({ family: 'Other', birthDate: '1999-01-01', identifiers: [{ system: 'urn:mrn', label: '', value: '00-42' }] }),
      ),
    ).toBe(true);
    expect(samePatient(rao, rowOf({ identifiers: [], family: 'RÁO', given: 'Meera61' }))).toBe(true);
    expect(samePatient(rao, rowOf({ identifiers: [], birthDate: '1985-07-15' }))).toBe(false);
    expect(samePatient(rao, rowOf({ identifiers: [], given: 'Devi' }))).toBe(false);
    expect(samePatient(rowOf({ birthDate: '1985', identifiers: [] }), rowOf({ birthDate: '1985', identifiers: [] }))).toBe(false);
  });

  it('are not one by a placeholder that many share, or a value in another system', () => {
    const numbered = (system: string, value: string, family: string) => rowOf({ family, identifiers: [{ system, label: '', value }] });
    expect(samePatient(numbered('ssn', '999-99-9999', 'A'), numbered('ssn', '999-99-9999', 'B'))).toBe(false);
    expect(samePatient(numbered('ssn', '123-45-6789', 'A'), numbered('mrn', '123-45-6789', 'B'))).toBe(false);
  });

  it('are alike by names in any order with slips, and dates with slips', () => {
    const like = (more: Partial<Demographics>) => similarity(rowOf({ identifiers: [] }), rowOf({ identifiers: [], phone: '', ...more }));
    expect(like({})).toBe(1);
    expect(like({ family: 'Meera', given: 'Rao' })).toBeGreaterThan(0.85);
    expect(like({ given: 'Mira' })).toBeGreaterThan(0.75);
    expect(like({ birthDate: '1985-06-14' })).toBeGreaterThan(0.75);
    expect(like({ birthDate: '1985', family: 'Raó' })).toBeGreaterThan(0.75);
    expect(like({ family: 'Fernandes', given: 'João' })).toBeLessThan(0.4);
    expect(like({ birthDate: '1951-02-03' })).toBeLessThan(0.5);
    expect(like({ family: '', given: '' })).toBe(0);
  });
});

describe('categories', () => {
  it('follow the type, notes their encounter, labels the topic', () => {
    const note = {
      resourceType: 'DocumentReference',
      category: [
        { coding: [{ system: 'http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category', code: 'clinical-note' }] },
      ],
    };
    const labelled = (system: string, code: string) => ({ resourceType: 'Condition', meta: { security: [{ system, code }] } });
    expect(categoryOf({ resourceType: 'Observation' })).toBe('observations-and-results');
    expect(categoryOf({ resourceType: 'DocumentReference' })).toBe('documents-and-imaging');
    expect(categoryOf(note)).toBe('problems-and-encounters');
    expect(categoryOf(labelled('http://terminology.hl7.org/CodeSystem/v3-ActCode', 'HIV'))).toBe('sensitive');
    expect(categoryOf(labelled('http://terminology.hl7.org/CodeSystem/v3-Confidentiality', 'R'))).toBe('sensitive');
    expect(categoryOf(labelled('http://terminology.hl7.org/CodeSystem/v3-Confidentiality', 'N'))).toBe('problems-and-encounters');
    expect(categoryOf(labelled('urn:other', 'HIV'))).toBe('problems-and-encounters');
    for (const other of ['Claim', 'ExplanationOfBenefit', 'toString', '__proto__'])
      expect(categoryOf({ resourceType: other })).toBeUndefined();
    expect(categoryOf(null)).toBeUndefined();
  });
});
