import { describe, expect, it } from 'vitest';
import { copyNotice, copyWarningWords, recordCopyLines } from '../../../src-renderer/features/sync/copies-words.ts';

const now = new Date(2026, 10, 23, 15, 0).getTime();
const minutes = (count: number) => now - count * 60_000;
const counts = { records: 12, onlyHere: 0, tooFew: 0, incomplete: 0, nowhere: 0 };

describe('where records are, in words', () => {
  it('is no news for the status line as long as it is new', () => {
    expect(copyWarningWords({ onlyHere: 3, nowhere: 0, since: minutes(9) }, now)).toBeNull();
    expect(copyWarningWords({ onlyHere: 3, nowhere: 0, since: minutes(11) }, now)).toBe('3 records only on this computer');
    expect(copyWarningWords({ onlyHere: 3, nowhere: 1, since: minutes(11) }, now)).toBe('1 record incomplete');
    expect(copyWarningWords({ onlyHere: 0, nowhere: 0, since: null }, now)).toBeNull();
  });

  it('names the worst first, and nothing where the clinic has what it wants', () => {
    expect(copyNotice({ ...counts, incomplete: 2, nowhere: 2, onlyHere: 5, tooFew: 5 }, 2)?.tone).toBe('danger');
    expect(copyNotice({ ...counts, onlyHere: 5, tooFew: 7 }, 3)?.title).toBe('5 records only on this computer');
    expect(copyNotice({ ...counts, tooFew: 7 }, 3)?.title).toBe('7 records in fewer than 3 copies');
    expect(copyNotice({ ...counts, onlyHere: 5 }, 1)).toBeNull();
    expect(copyNotice(counts, 2)).toBeNull();
  });

  it('says of one record who has it, and when that was said', () => {
    const copies = [
      { name: 'Office', kind: 'workstation' as const, confirmedAt: new Date(2026, 10, 23, 10, 32).getTime() },
      { name: 'Cellar', kind: 'hub' as const, confirmedAt: new Date(2026, 10, 22, 9, 5).getTime() },
    ];
    expect(recordCopyLines({ here: 'whole', copies }, now)).toEqual([
      { name: 'This computer', text: 'complete' },
      { name: 'Office', text: 'said so 10:32' },
      { name: 'Cellar (hub)', text: 'said so 22-Nov-2026 09:05' },
    ]);
    expect(recordCopyLines({ here: 'partly', copies: [] }, now)).toHaveLength(1);
  });
});
