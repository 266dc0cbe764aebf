/** Which of the contents that are to be encrypted anew are taken in one step. */
import { packLimit } from './commit-reader.ts';
import type { RangeToMove } from './reencryption-plan.ts';

/** A step: what is repeated after a kill, and what lies in memory, stay about so much. */
const step = { records: 500, packBytes: 8 * 1024 * 1024, fileBytes: 64 * 1024 * 1024 };

/** As many of the ranges, or of the first one, as make a step. */
export function nextStep(ranges: readonly RangeToMove[]): RangeToMove[] {
  const chosen: RangeToMove[] = [];
  let [count, packBytes, fileBytes] = [0, 0, 0];
  for (const range of ranges) {
    let taken = 0;
    for (const size of range.sizes) {
      const isFull = count >= step.records || packBytes >= step.packBytes || fileBytes >= step.fileBytes;
      if (isFull) break;
      count += 1;
      taken += 1;
      if (size > packLimit) fileBytes += size;
      else packBytes += size;
    }
    if (taken > 0) chosen.push({ ...range, count: taken, sizes: range.sizes.slice(0, taken) });
    if (taken < range.count) break;
  }
  return chosen;
}

/** What a content is called among those that were tried. */
export const nameOf = (cid: string, index: number): string => `${cid}/${index}`;

/** The ranges without some of their entries. */
export function without(ranges: readonly RangeToMove[], taken: ReadonlySet<string>): RangeToMove[] {
  if (taken.size === 0) return [...ranges];
  return ranges.flatMap((range) => {
    const parts: RangeToMove[] = [];
    for (let i = 0; i < range.count; i++) {
      if (taken.has(nameOf(range.cid, range.first + i))) continue;
      const last = parts.at(-1);
      const sizes = range.sizes.slice(i, i + 1);
      if (last && last.first + last.count === range.first + i)
        parts[parts.length - 1] = { ...last, count: last.count + 1, sizes: [...last.sizes, ...sizes] };
      else parts.push({ ...range, first: range.first + i, count: 1, sizes });
    }
    return parts;
  });
}
