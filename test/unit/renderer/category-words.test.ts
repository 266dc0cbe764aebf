import { describe, expect, it } from 'vitest';
import { categories } from '../../../src-shared/categories.ts';
import { lockedInWords, partsInWords } from '../../../src-renderer/features/sharing/category-words.ts';

describe('what a decision is about', () => {
  it.each([
    [categories, 'everything'],
    [[...categories].reverse(), 'everything'],
    [categories.filter((category) => category !== 'sensitive'), 'everything but “Sensitive records”'],
    [['demographics'], '“Who I am”'],
    [['demographics', 'immunizations'], '“Who I am” and “Vaccinations”'],
    [['scheduling', 'immunizations', 'sensitive'], '“Appointments”, “Vaccinations” and “Sensitive records”'],
  ] as const)('%j', (parts, words) => expect(partsInWords(parts)).toBe(words));

  it('never says that all is meant where a part other than the sensitive one is missing', () => {
    for (const missing of categories.filter((category) => category !== 'sensitive'))
      expect(partsInWords(categories.filter((category) => category !== missing))).not.toContain('everything');
  });
});

describe('how much is locked', () => {
  it.each([
    [0, 603, 'None of 603 records is locked yet'],
    [1, 603, '1 of 603 records is locked'],
    [1, 1, '1 of 1 record is locked'],
    [500, 1_103, '500 of 1,103 records are locked'],
  ])('%i of %i', (done, total, words) => expect(lockedInWords({ done, total })).toBe(words));
});
