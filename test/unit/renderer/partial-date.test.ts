import { describe, expect, it } from 'vitest';
import { readPartialDate } from '../../../src-renderer/components/partial-date.ts';

const read = (day: string, month: string, year: string) => readPartialDate({ day, month, year });

describe('a partial date', () => {
  it('keeps the precision that was typed', () => {
    expect(read('', '', '1945').date).toBe('1945');
    expect(read('', '7', '1945').date).toBe('1945-07');
    expect(read('4', '7', '1945').date).toBe('1945-07-04');
  });

  it('takes a month by its three letters', () => {
    expect(read('14', 'Jul', '1945').date).toBe('1945-07-14');
  });

  it('is nothing, without a problem, when nothing is typed', () => {
    expect(read(' ', '', '')).toEqual({ date: '', problem: '' });
  });

  it('asks for what is missing', () => {
    expect(read('14', '7', '').problem).toContain('year');
    expect(read('14', '', '1945').problem).toContain('month');
    expect(read('', '', '45').problem).toContain('four digits');
  });

  it('knows the length of each month', () => {
    expect(read('29', '2', '2024').date).toBe('2024-02-29');
    expect(read('29', '2', '2023').problem).toBe('Enter a day from 1 to 28 for that month.');
    expect(read('31', '4', '2024').problem).toBe('Enter a day from 1 to 30 for that month.');
    expect(read('29', '2', '1900').date).toBe('');
    expect(read('29', '2', '0004').date).toBe('0004-02-29');
  });

  it.each([
    ['0', '1', '2000'],
    ['1', '13', '2000'],
    ['1', 'xyz', '2000'],
    ['-1', '1', '2000'],
    ['1.5', '1', '2000'],
  ])('refuses %s %s %s in words', (day, month, year) => {
    const result = read(day, month, year);
    expect(result.date).toBe('');
    expect(result.problem).not.toBe('');
  });
});
