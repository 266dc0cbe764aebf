/** Results as the chart groups and draws them. */
import { describe, expect, it } from 'vitest';
import { boundsIn, numberIn, valueText } from '../../../src-renderer/features/chart/entry-words.ts';
import { groupResults, seriesOf } from '../../../src-renderer/features/chart/result-groups.ts';
import type { ChartEntry, RecordExtract } from '../../../src-shared/view-types.ts';

function result(date: string, code: string, title: string, extract: RecordExtract): ChartEntry {
  return {
    recordId: `${code}-${date}`,
    versionId: `${code}-${date}-1`,
    resourceType: 'Observation',
    category: 'observations-and-results',
    date,
    title,
    detail: '',
    status: 'final',
    code,
    codeSystem: code === '' ? '' : 'http://loinc.org',
    author: 'Dr RAO',
    organization: 'Clinic A',
    origin: null,
    conflicting: 0,
    encounter: '',
    extract,
    encryptedAnewAt: null,
    state: { chip: 'verified', block: 1, final: true, reason: null },
  };
}

describe('grouping of results', () => {
  it('puts results of one code together, newest first, whatever order they came in', () => {
    const groups = groupResults([
      result('2024-01-01', '2339-0', 'Glucose', { value: '90', unit: 'mg/dL' }),
      result('2026-01-01', '2339-0', 'Glucose [Mass/volume]', { value: '99', unit: 'mg/dL' }),
      result('2025-01-01', '', 'Free text result', { value: 'seen' }),
    ]);
    expect(groups.map((group) => group.title)).toEqual(['Glucose [Mass/volume]', 'Free text result']);
    expect(groups[0]?.entries.map((entry) => entry.date)).toEqual(['2026-01-01', '2024-01-01']);
  });

  it('never draws two units on one line', () => {
    const [group] = groupResults([
      result('2024-01-01', '2339-0', 'Glucose', { value: '90', unit: 'mg/dL' }),
      result('2025-01-01', '2339-0', 'Glucose', { value: '5.1', unit: 'mmol/L' }),
    ]);
    expect(seriesOf(group!).map((series) => [series.unit, series.points.length])).toEqual([
      ['mg/dL', 1],
      ['mmol/L', 1],
    ]);
  });

  it('draws each component of a blood pressure, oldest first', () => {
    const pressure = (date: string, high: string, low: string) =>
      result(date, '85354-9', 'Blood pressure', {
        value: `${high}/${low}`,
        unit: 'mmHg',
        components: [
          { label: 'Systolic', value: high, unit: 'mmHg' },
          { label: 'Diastolic', value: low, unit: 'mmHg' },
        ],
      });
    const [group] = groupResults([pressure('2025-02-01', '150', '95'), pressure('2024-02-01', '120', '80')]);
    expect(seriesOf(group!).map((series) => [series.label, series.points.map((point) => point.value)])).toEqual([
      ['Systolic', [120, 150]],
      ['Diastolic', [80, 95]],
    ]);
  });

  it('leaves out of the drawing what is no plain number or has no date', () => {
    const [group] = groupResults([
      result('2024-01-01', '5778-6', 'Colour', { value: 'Yellow' }),
      result('2024-02-01', '5778-6', 'Colour', { value: '<5' }),
      result('', '5778-6', 'Colour', { value: '7' }),
    ]);
    expect(seriesOf(group!)).toEqual([]);
  });
});

describe('words of an entry', () => {
  it('reads formatted numbers and nothing else', () => {
    expect([numberIn('1,204.5'), numberIn('-0.5'), numberIn('<5'), numberIn('154/108'), numberIn('')]).toEqual([
      1204.5,
      -0.5,
      null,
      null,
      null,
    ]);
  });

  it('reads reference ranges with one or two bounds', () => {
    expect(boundsIn('3.5 – 5.1 mmol/L')).toEqual({ low: 3.5, high: 5.1 });
    expect(boundsIn('<= 5')).toEqual({ low: null, high: 5 });
    expect(boundsIn('> 1,000')).toEqual({ low: 1000, high: null });
    expect(boundsIn('negative')).toEqual({ low: null, high: null });
  });

  it('says components where there is no single value', () => {
    expect(
      valueText({
        components: [
          { label: 'Eye', value: '4', unit: '' },
          { label: 'Verbal', value: '5', unit: '' },
        ],
      }),
    ).toBe('Eye 4, Verbal 5');
  });
});
