import { expect, it } from 'vitest';
import { guessesOf } from '../../../src-renderer/features/first-run/passphrase-advice.ts';
import { describeGuessing, formatEffort } from '../../../src-renderer/features/patients/guessing.ts';

it('says an effort in the largest unit of which there are at least two', () => {
  const day = 86_400;
  expect([0.5, 1, 119, 120, 3 * 3600, 12 * day, 61 * day, 100 * 365.25 * day, 1e20].map(formatEffort)).toEqual([
    'under a second',
    'about 1 second',
    'about 119 seconds',
    'about 2 minutes',
    'about 3 hours',
    'about 12 days',
    'about 2 months',
    'about 100 years',
    'more than 1,000 years',
  ]);
});

it('says what six digits cost at a second a guess', () => {
  expect(describeGuessing(1_000_000, 1.04, '6 digits')).toBe(
    '6 digits: whoever steals the card and tries everything needs about 12 days on one core like this computer’s, about 3 hours on 100.',
  );
});

it('counts a passphrase of ordinary words by its words, and never above what its letters allow', () => {
  expect(Math.log2(guessesOf('correct horse battery staple'))).toBeCloseTo(44, 5);
  expect(guessesOf('aaaaaaaaaaaa')).toBeLessThan(guessesOf('x7!Qp0mZ-w2'));
  expect(guessesOf('one two three four')).toBeLessThanOrEqual(2 ** 44);
});
