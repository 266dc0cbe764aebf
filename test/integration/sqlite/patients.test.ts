import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccountIndexPort, PatientRow } from '../../../src-main/core/ports.ts';
import { account, accountKey, alice, openStore, patientRow } from './fixtures.ts';

const openIndex = (): AccountIndexPort => openStore().openAccount(alice, accountKey).index;
const identifier = (value: string, label = 'MRN') => ({ system: 'urn:example', label, value });

const people: PatientRow[] = [
  patientRow(1, { family: 'Smith', given: 'John Paul', phone: '+1 555 234 5678', identifiers: [identifier('MRN-0001')] }),
  patientRow(2, { family: 'Smithers', given: 'Anna', phone: '0151 999-4567', identifiers: [identifier('AB-123-456')] }),
  patientRow(3, { family: "O'Brien", given: 'José', phone: '', identifiers: [] }),
  patientRow(4, { family: 'Nguyễn', given: 'Thị Minh', identifiers: [identifier('078-05-1120', 'SSN')] }),
  patientRow(5, { family: '王', given: '小明' }),
  patientRow(6, { family: 'Иванов', given: 'Пётр' }),
  patientRow(7, { family: 'محمد', given: 'علي' }),
  patientRow(8, { family: 'Johnson', given: 'Smita' }),
];

/** Numbers of the patients found. */
function found(index: AccountIndexPort, text: string, limit = 20): number[] {
  return index.searchPatients(text, limit).map(({ patient }) => Number(patient));
}

describe('patients', () => {
  it('are given back as they were stored', () => {
    const index = openIndex();
    const row = patientRow(1, {
      birthDateEstimated: true,
      identifiers: [identifier('1'), identifier('2', 'SSN')],
      address: 'Räcknitzhöhe 1',
    });
    index.upsertPatients([row]);
    expect(index.patient(account(1))).toEqual(row);
    expect(index.patient(account(2))).toBeUndefined();
  });

  it('are listed by name, page by page, and counted', () => {
    const index = openIndex();
    index.upsertPatients(people);
    const names = (offset: number) => index.patients({ limit: 3, offset }).map(({ family }) => family);
    expect([...names(0), ...names(3), ...names(6), ...names(9)]).toEqual([
      'Johnson',
      'Nguyễn',
      "O'Brien",
      'Smith',
      'Smithers',
      'Иванов',
      'محمد',
      '王',
    ]);
    expect(index.countPatients()).toBe(8);
    index.upsertPatients([people[0]!, patientRow(9)]);
    expect(index.countPatients()).toBe(9);
  });

  it('that change their name, phone or identifier are found by the new one only', () => {
    const index = openIndex();
    index.upsertPatients(people);
    index.upsertPatients([patientRow(1, { family: 'Zimmermann', given: 'Carl', phone: '030 1234567' })]);
    expect(found(index, 'zimm')).toEqual([1]);
    expect(found(index, '1234567')).toEqual([1]);
    expect(found(index, 'john')).toEqual([8]);
    expect(found(index, 'mrn0001')).toEqual([]);
    expect(found(index, 'carl zim')).toEqual([1]);
  });

  it('that come twice in a batch are there once, as they came last', () => {
    const index = openIndex();
    index.upsertPatients([patientRow(1, { family: 'First' }), patientRow(1, { family: 'Second' })]);
    expect(found(index, 'second')).toEqual([1]);
    expect(found(index, 'first')).toEqual([]);
    expect(index.countPatients()).toBe(1);
  });
});

describe('searchPatients', () => {
  it.each([
    ['smi', [1, 2, 8], 'family names before given ones, exact words before longer'],
    ['SMITH', [1, 2], 'whatever the case'],
    ['smith john', [1], 'family and given'],
    ['john smith', [1], 'given and family'],
    ['joh sm', [8, 1], 'beginnings in any order'],
    ['obrien', [3], 'without the apostrophe'],
    ["o'brien", [3], 'with it'],
    ['brien', [3], 'by a part'],
    ['jose', [3], 'without the accent'],
    ['nguyen thi', [4], 'Vietnamese on a plain keyboard'],
    ['王', [5], 'Chinese by family name'],
    ['王小明', [5], 'Chinese, written as one word'],
    ['小明', [5], 'Chinese by given name'],
    ['петр', [6], 'Cyrillic'],
    ['محم', [7], 'Arabic'],
    ['+1 555', [1], 'a phone from its beginning'],
    ['5678', [1], 'the last digits of a phone'],
    ['(0151) 999', [2], 'a phone with its trunk zero'],
    ['99945', [2], 'digits in the middle, as far as typed'],
    ['mrn-0001', [1], 'an identifier as it is printed'],
    ['mrn0001', [1], 'an identifier without separators'],
    ['ab123', [2], "an identifier's beginning"],
    ['078-05', [4], 'a number grouped'],
    ['smith 5678', [1], 'a name and the last digits'],
    ['smith 0001', [], 'each word must match'],
    ['xyz', [], 'nobody'],
  ])('%s finds %j: %s', (text, expected) => {
    const index = openIndex();
    index.upsertPatients(people);
    expect(found(index, text)).toEqual(expected);
  });

  it('without words lists the first by name', () => {
    const index = openIndex();
    index.upsertPatients(people);
    expect(found(index, ' - ', 2)).toEqual([8, 4]);
  });

  it('takes hostile text as text', () => {
    const index = openIndex();
    index.upsertPatients(people);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expect(index.searchPatients(text, 5).length).toBeLessThanOrEqual(5);
      }),
    );
    for (const text of ['" OR 1 --', "'; DROP TABLE patients; --", 'smith*', 'NEAR(a b)', 'stems:a', '"', '(', '\u202esmith', '\0']) {
      expect(() => index.searchPatients(text, 5)).not.toThrow();
    }
    expect(index.countPatients()).toBe(8);
  });

  it('finds everyone by any beginnings of their words, also where each of them is frequent', () => {
    const index = openIndex();
    const families = ['Almeida', 'Almond', 'Baptiste', 'Barros'];
    const givens = ['Ana', 'Anika', 'Bela', 'Benita'];
    const rows = Array.from({ length: 3000 }, (_, n) =>
      patientRow(n + 1, {
        family: families[n % 4]!,
        given: givens[(n >> 2) % 4]!,
        phone: `+55 11 ${String(n).padStart(6, '0')}`,
        identifiers: [identifier(`MRN${String(n).padStart(7, '0')}`)],
      }),
    );
    index.upsertPatients(rows);
    const matches = ({ family, given }: PatientRow, words: readonly string[]) =>
      words.every((word) => [family, given].some((name) => name.toLowerCase().startsWith(word)));
    for (const words of [
      ['a', 'b'],
      ['al', 'an'],
      ['alm', 'beni'],
      ['bar', 'bar'],
      ['b', 'almo'],
      ['ana', 'almeida'],
      ['anika', 'x'],
    ]) {
      const expected = Math.min(rows.filter((row) => matches(row, words)).length, 50);
      const result = index.searchPatients(words.join(' '), 50);
      expect([words, result.length]).toEqual([words, expected]);
      expect(result.filter((row) => !matches(row, words))).toEqual([]);
    }
    expect(found(index, 'mrn0002999')).toEqual([3000]);
    expect(found(index, '551100 2999 a')).not.toContain(1);
    expect(found(index, 'almeida mrn0000000')).toEqual([1]);
  });
});
