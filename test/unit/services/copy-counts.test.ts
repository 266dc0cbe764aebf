import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HoldingTally } from '../../../src-main/core/ports.ts';
import { countCopies, warningOf } from '../../../src-main/core/services/availability/copy-counts.ts';

const row = (more: Partial<HoldingTally>): HoldingTally => ({
  ...{ whole: true, freed: false, computers: 0, hubs: 0, outside: 0, operations: 1, records: 1 },
  ...more,
});
const usual = { computers: 2, hub: false, outside: false };

describe('what is missing of the copies that a clinic wants', () => {
  it('is counted by kind', () => {
    const wanted = { computers: 3, hub: true, outside: true };
    const tally = [
      row({ records: 1 }),
      row({ computers: 1, records: 10 }),
      row({ computers: 1, hubs: 1, records: 100 }),
      row({ computers: 2, hubs: 1, outside: 1, records: 1000 }),
      row({ outside: 1, records: 10_000 }),
    ];
    expect(countCopies(tally, wanted, 'workstation')).toEqual({
      ...{ records: 11_111, onlyHere: 1, tooFew: 10_111, noHub: 10_011, notOutside: 111, incomplete: 0, nowhere: 0, freed: 0 },
    });
    expect(countCopies(tally, wanted, 'hub').noHub).toBe(0);
    expect(countCopies(tally, usual, 'workstation')).toMatchObject({ tooFew: 10_001, noHub: 0, notOutside: 0 });
  });

  it('asks of what was freed here that others have it', () => {
    const freed = { whole: false, freed: true };
    const tally = [
      row({ ...freed, computers: 2, records: 1 }),
      row({ ...freed, computers: 1, records: 10 }),
      row({ ...freed, records: 100 }),
    ];
    expect(countCopies(tally, usual, 'workstation')).toEqual({
      ...{ records: 111, freed: 111, onlyHere: 0, tooFew: 10, noHub: 0, notOutside: 0, incomplete: 0, nowhere: 100 },
    });
  });

  it('is warned of unless the clinic says that one computer is enough', () => {
    const counts = countCopies([row({})], usual, 'workstation');
    expect(warningOf(counts, usual).onlyHere).toBe(1);
    expect(warningOf(counts, { ...usual, computers: 1 }).onlyHere).toBe(0);
    expect(warningOf(counts, { ...usual, computers: 1, hub: true }).onlyHere).toBe(1);
  });

  it('is nothing exactly where each record is where it should be', () => {
    const few = fc.nat(3);
    const tallies = fc.array(
      fc.record({ whole: fc.boolean(), hubs: few, others: few, outside: few, records: fc.integer({ min: 1, max: 9 }) }),
      { maxLength: 4 },
    );
    const wanting = fc.record({ computers: fc.integer({ min: 1, max: 5 }), hub: fc.boolean(), outside: fc.boolean() });
    fc.assert(
      fc.property(tallies, wanting, (list, wanted) => {
        const tally = list.map(({ others, ...one }) => row({ ...one, computers: one.hubs + others }));
        const counts = countCopies(tally, wanted, 'workstation');
        const isMissing = counts.tooFew + counts.noHub + counts.notOutside + counts.incomplete > 0;
        const isAsWanted = tally.every(
          ({ whole, computers, hubs, outside }) =>
            whole && computers + 1 >= wanted.computers && (!wanted.hub || hubs > 0) && (!wanted.outside || outside > 0),
        );
        expect(isMissing).toBe(!isAsWanted);
      }),
    );
  });
});
