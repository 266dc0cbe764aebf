import { describe, expect, it } from 'vitest';
import {
  dateFromParts,
  formatAccount,
  formatAge,
  formatBirth,
  formatDate,
  formatDateTime,
  formatGender,
  formatIdentifier,
  formatMeasured,
  formatName,
  formatNumber,
  formatTime,
  parseTypedDate,
} from '../../../src-shared/format/index.ts';

const now = new Date(2026, 10, 23, 14, 2).getTime();
const date = (text: string) => {
  const typed = parseTypedDate(text, now);
  return typed.ok ? typed.date : 'refused';
};

describe('names', () => {
  it('are surname first, title last', () => {
    expect(formatName({ family: 'Kumar', given: 'Anil', prefix: 'Mr' })).toBe('KUMAR, Anil (Mr)');
    expect(formatName({ family: 'Łukasiewicz-Öz', given: 'Zoë', prefix: '' })).toBe('ŁUKASIEWICZ-ÖZ, Zoë');
    expect(formatName({ family: '王', given: '小明' })).toBe('王, 小明');
  });
  it('leave out what is missing and say when all is', () => {
    expect(formatName({ family: '', given: 'Suharto' })).toBe('Suharto');
    expect(formatName({ family: 'Kumar', given: ' ', prefix: '' })).toBe('KUMAR');
    expect(formatName({ family: '', given: '', prefix: 'Mr' })).toBe('Name not recorded');
  });
  it('gender is in words', () => {
    expect(['male', 'female', 'other', 'unknown', '', 'toString'].map(formatGender)).toEqual([
      'Male',
      'Female',
      'Other',
      'Unknown',
      'Not recorded',
      'Not recorded',
    ]);
  });
});

describe('dates', () => {
  it('are as precise as they were recorded', () => {
    expect(['1945-07-14', '1945-07', '1945', ''].map(formatDate)).toEqual(['14-Jul-1945', 'Jul-1945', '1945', 'Not recorded']);
  });
  it('that no calendar has are not shown as if they were', () => {
    expect(['1945-02-30', '14/7/1945', '0000', '1945-13', '2026-01-01T25:00:00Z'].map(formatDate)).toEqual(Array(5).fill('Not readable'));
  });
  it('with a time are local and 24-hour', () => {
    expect(formatDateTime(now)).toBe('23-Nov-2026 14:02');
    expect(formatDateTime(new Date(now).toISOString())).toBe('23-Nov-2026 14:02');
    expect(formatTime(new Date(2026, 0, 1, 0, 5).getTime())).toBe('00:05');
    expect(formatDateTime('2026-11')).toBe('Nov-2026');
    expect(formatTime('2026-11-23')).toBe('Not recorded');
    expect(formatDateTime(Number.NaN)).toBe('Not readable');
    expect(formatDateTime(null)).toBe('Not recorded');
  });
});

describe('ages', () => {
  it('are days under 3 months, months under 2 years, then years', () => {
    expect(formatAge('2026-11-23', '2026-11-23')).toBe('0d');
    expect(formatAge('2026-08-24', '2026-11-23')).toBe('91d');
    expect(formatAge('2026-08-23', '2026-11-23')).toBe('3m');
    expect(formatAge('2024-11-24', '2026-11-23')).toBe('23m');
    expect(formatAge('2024-11-23', '2026-11-23')).toBe('2y');
    expect(formatAge('1945-07-14', '2026-07-13')).toBe('80y');
    expect(formatAge('2024-02-29', '2027-02-28')).toBe('3y');
  });
  it('stand still at death', () => {
    expect(formatAge('1945-07-14', '2026-07-14', '2020-01-01T10:00:00Z')).toBe('74y');
    expect(formatBirth({ birthDate: '1945-07-14', deceased: '2020-01-01' }, now)).toBe('14-Jul-1945 (74y at death)');
    expect(formatBirth({ birthDate: '1945-07-14', deceased: 'true' }, now)).toBe('14-Jul-1945 (age at death not recorded)');
  });
  it('say when they are estimates', () => {
    expect(formatBirth({ birthDate: '1945-07-14' }, now)).toBe('14-Jul-1945 (81y)');
    expect(formatBirth({ birthDate: '1945', birthDateEstimated: true }, now)).toBe('about 1945 (81y)');
    expect(formatBirth({ birthDate: '1945' }, now)).toBe('1945 (about 81y)');
    expect(formatBirth({ birthDate: '2026' }, now)).toBe('2026 (under 1y)');
    expect(formatBirth({ birthDate: '2026-11' }, '2026-11-02')).toBe('Nov-2026 (under 1m)');
    expect(formatBirth({ birthDate: '' }, now)).toBe('Not recorded');
    expect(formatBirth({ birthDate: '2030-01-01' }, now)).toBe('01-Jan-2030');
  });
});

describe('numbers', () => {
  it('never mislead by a missing or trailing zero', () => {
    expect(['.5', '0.50', '5.', '-.50', '1.50', '007', '-0', '0.0'].map(formatNumber)).toEqual([
      '0.5',
      '0.5',
      '5',
      '-0.5',
      '1.5',
      '7',
      '0',
      '0',
    ]);
    expect([1000, 999, 1234567.25, 1e21, 1.5e-7, -1200].map(formatNumber)).toEqual([
      '1,000',
      '999',
      '1,234,567.25',
      '1,000,000,000,000,000,000,000',
      '0.00000015',
      '-1,200',
    ]);
  });
  it('that are none stay text', () => {
    expect(['<5', '', '.', Number.NaN].map(formatNumber)).toEqual(['<5', 'Not recorded', '.', 'Not recorded']);
  });
  it('measured to absurd precision are rounded for lists', () => {
    expect([25.871927372348, 0.012345678, 6.1, 138, 123456789].map(formatMeasured)).toEqual([
      '25.87',
      '0.0123',
      '6.1',
      '138',
      '123,456,789',
    ]);
  });
});

describe('identifiers', () => {
  it('are grouped only when all digits', () => {
    expect(['9434765919', '123456789012', 'MRN-0012345678', '123', ''].map(formatIdentifier)).toEqual([
      '943 476 5919',
      '1234 5678 9012',
      'MRN-0012345678',
      '123',
      'Not recorded',
    ]);
  });
  it('of accounts are short', () => {
    expect(formatAccount('0x12ab000000000000000000000000000000009f3c')).toBe('0x12ab…9f3c');
    expect(formatAccount('Dr Rao')).toBe('Dr Rao');
  });
});

describe('typed dates', () => {
  it('are read day first', () => {
    expect(
      ['14/7/1945', '14 Jul 1945', '14-jul-1945', '14.07.1945', '14 July, 1945', 'July 14, 1945', '1945-07-14', '14071945'].map(date),
    ).toEqual(Array(8).fill('1945-07-14'));
  });
  it('may be a year, a month, or unknown', () => {
    expect(['1945', '7/1945', 'Jul 1945', '1945-07', 'unknown', ''].map(date)).toEqual(['1945', '1945-07', '1945-07', '1945-07', '', '']);
  });
  it('may count from today', () => {
    expect(['+3m', '-2d', '+1w', '-1y', 'today', '-9m'].map(date)).toEqual([
      '2027-02-23',
      '2026-11-21',
      '2026-11-30',
      '2025-11-23',
      '2026-11-23',
      '2026-02-23',
    ]);
    expect(parseTypedDate('+1m', new Date(2026, 0, 31).getTime())).toEqual({ ok: true, date: '2026-02-28', precision: 'day' });
    expect(date('-9999y')).toBe('refused');
  });
  it('that cannot be are refused with what to do', () => {
    expect(['31/2/2020', '14/7/45', '7/14/1945', 'soon', '1/2/3/4', '99999', 'x'.repeat(500)].map(date)).toEqual(Array(7).fill('refused'));
    expect(parseTypedDate('14/7/45', now)).toEqual({ ok: false, message: 'Type the year with four digits, like 1945.' });
  });
  it('in three fields leave out the finer parts first', () => {
    expect(dateFromParts({ day: '', month: '', year: '1945' })).toEqual({ ok: true, date: '1945', precision: 'year' });
    expect(dateFromParts({ day: '14', month: '', year: '1945' }).ok).toBe(false);
    expect(dateFromParts({ day: '14', month: '7', year: '' }).ok).toBe(false);
    expect(dateFromParts({ day: ' ', month: '', year: '' })).toEqual({ ok: true, date: '', precision: 'unknown' });
  });
});
