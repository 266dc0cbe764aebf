import { describe, expect, it } from 'vitest';
import { bytesIn, previewWords, recentWords, resultWords, sizeWords } from '../../../src-renderer/features/sync/freeing-words.ts';

const wanted = { computers: 2, hub: false, outside: false };
const preview = { over: 5e9, bytes: 4.2e9, records: 1200, patients: 31, stays: 20.8e9, computers: 3 };

describe('freeing space, in words', () => {
  it('takes a size as people write it, and nothing else', () => {
    expect(['20', '0.5', '0,5', ' 1 ', '0'].map(bytesIn)).toEqual([20e9, 5e8, 5e8, 1e9, 0]);
    expect(['', 'x', '-1', '1e9', '9999999', '1.', '20 GB'].map(bytesIn)).toEqual(Array(7).fill(null));
    expect([0, 1, 2_400_000, 999_400_000, 1e9, 25.04e9].map(sizeWords)).toEqual(['0 MB', '1 MB', '2 MB', '999 MB', '1.0 GB', '25.0 GB']);
    expect([30, 365, 1, 7].map(recentWords)).toEqual([
      'in the last 30 days',
      'in the last year',
      'in the last 1 day',
      'in the last 7 days',
    ]);
  });

  it('says beforehand how much may go, on what condition, and what stays', () => {
    expect(previewWords(preview, 90, wanted)).toEqual({
      can: true,
      title: '4.2 GB may go: 1,200 records of 31 patients',
      text: 'Their contents only, not written nor opened here in the last 90 days. Each goes once 2 others have promised to keep it and proved that they have it. About 20.8 GB stay.',
    });
    expect(previewWords({ ...preview, computers: 1 }, 90, { ...wanted, hub: true }).text).toMatch(
      /2 others, a hub among them, have promised .* Only 1 other computer is connected now: turn on more\.$/,
    );
  });

  it('says why nothing goes', () => {
    expect(previewWords({ ...preview, over: 0, bytes: 0 }, 90, wanted)).toMatchObject({ can: false, title: 'Nothing has to go' });
    expect(previewWords({ ...preview, bytes: 0 }, 30, wanted)).toMatchObject({
      can: false,
      title: 'Nothing may go, though 5.0 GB are too much',
      text: expect.stringContaining('in the last 30 days, or is on too few other computers') as string,
    });
  });

  it('says what came of it', () => {
    expect(resultWords({ bytes: 2e9, records: 1, end: 'enough' })).toBe('2.0 GB freed, of 1 record.');
    expect(resultWords({ bytes: 2e9, records: 7, end: 'nothing-left' })).toBe('2.0 GB freed, of 7 records; all else has to stay.');
    expect(resultWords({ bytes: 0, records: 0, end: 'nobody' })).toMatch(/^Nothing was freed: too few/);
  });
});
