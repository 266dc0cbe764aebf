import { describe, expect, it } from 'vitest';
import { copyNotices, copyWarningWords, recordCopyLines, wantedWords } from '../../../src-renderer/features/sync/copies-words.ts';

const now = new Date(2026, 10, 23, 15, 0).getTime();
const minutes = (count: number) => now - count * 60_000;
const counts = { records: 12, onlyHere: 0, tooFew: 0, noHub: 0, notOutside: 0, incomplete: 0, nowhere: 0, freed: 0 };
const nothing = { onlyHere: 0, noHub: 0, notOutside: 0, nowhere: 0 };
const usual = { computers: 2, hub: false, outside: false };

describe('where records are, in words', () => {
  it('is no news for the status line as long as it is new', () => {
    expect(copyWarningWords({ ...nothing, onlyHere: 3, since: minutes(9) }, now)).toBeNull();
    expect(copyWarningWords({ ...nothing, onlyHere: 3, since: minutes(11) }, now)).toBe('3 records only on this computer');
    expect(copyWarningWords({ ...nothing, since: null }, now)).toBeNull();
  });

  it('names the worst in the status line', () => {
    const since = minutes(11);
    expect(copyWarningWords({ onlyHere: 3, noHub: 4, notOutside: 5, nowhere: 1, since }, now)).toBe('1 record incomplete');
    expect(copyWarningWords({ onlyHere: 3, noHub: 4, notOutside: 5, nowhere: 0, since }, now)).toBe('3 records only on this computer');
    expect(copyWarningWords({ ...nothing, noHub: 4, notOutside: 5, since }, now)).toBe('4 records on no hub');
    expect(copyWarningWords({ ...nothing, notOutside: 5, since }, now)).toBe('5 records nowhere outside this clinic');
  });

  it('names all that is missing, the worst first, and nothing where the clinic has what it wants', () => {
    const titles = (some: Partial<typeof counts>, wanted: typeof usual) =>
      copyNotices({ ...counts, ...some }, wanted).map(({ tone, title }) => `${tone}: ${title}`);
    expect(titles({ incomplete: 2, nowhere: 2, onlyHere: 5, tooFew: 5 }, usual)).toEqual([
      'danger: 2 records not complete here, and nobody is known to have them',
      'warning: 5 records only on this computer',
    ]);
    expect(titles({ onlyHere: 5, tooFew: 7, noHub: 6, notOutside: 12 }, { computers: 3, hub: true, outside: true })).toEqual([
      'warning: 5 records only on this computer',
      'warning: 7 records on fewer than 3 of the clinic’s computers',
      'warning: 6 records on no hub',
      'warning: 12 records nowhere outside this clinic',
    ]);
    expect(titles({ onlyHere: 5 }, { ...usual, computers: 1 })).toEqual([]);
    expect(titles({ onlyHere: 5, notOutside: 5 }, { computers: 1, hub: false, outside: true })).toHaveLength(2);
    expect(titles({}, usual)).toEqual([]);
  });

  it('says what is wanted', () => {
    expect(wantedWords(usual)).toBe('on 2 of the clinic’s computers or more');
    expect(wantedWords({ computers: 2, hub: true, outside: true })).toBe(
      'on 2 of the clinic’s computers or more, one of them a hub, and outside the clinic',
    );
    expect(wantedWords({ computers: 1, hub: true, outside: false })).toBe('on one of the clinic’s computers or more, on a hub');
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
