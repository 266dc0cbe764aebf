/** How many records are where a clinic wants them, and what of that is missing: from what is kept here and what others said. */
import type { CopyCounts, CopyWarning, WantedCopies } from '../../../../src-shared/view-types.ts';
import type { HoldingTally } from '../../ports.ts';

/** @param kind what this computer is: what lies at a hub is on a hub. */
export function countCopies(tally: readonly HoldingTally[], wanted: WantedCopies, kind: 'workstation' | 'hub'): CopyCounts {
  const sum = { records: 0, freed: 0, onlyHere: 0, tooFew: 0, noHub: 0, notOutside: 0, incomplete: 0, nowhere: 0 };
  for (const { whole, freed, computers, hubs, outside, records } of tally) {
    sum.records += records;
    if (freed) sum.freed += records;
    const elsewhere = computers + outside;
    if (!whole) {
      // What was freed is missed only when nobody has it any more.
      if (!freed) sum.incomplete += records;
      if (elsewhere === 0) sum.nowhere += records;
      if (!freed || elsewhere === 0) continue;
    }
    const here = whole ? 1 : 0;
    if (elsewhere === 0) sum.onlyHere += records;
    if (computers + here < wanted.computers) sum.tooFew += records;
    if (wanted.hub && hubs === 0 && !(whole && kind === 'hub')) sum.noHub += records;
    if (wanted.outside && outside === 0) sum.notOutside += records;
  }
  return sum;
}

/** For the status line. Fewer computers than wanted is not among it: one that is off until Monday is no news. */
export function warningOf(
  { onlyHere, noHub, notOutside, nowhere }: CopyCounts,
  { computers, hub, outside }: WantedCopies,
): Omit<CopyWarning, 'since'> {
  // One computer is enough where the clinic says so.
  return { onlyHere: computers > 1 || hub || outside ? onlyHere : 0, noHub, notOutside, nowhere };
}
