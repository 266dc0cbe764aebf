/** Freeing space on a computer, in words. */
import type { FreeingPreview, FreeingResult, WantedCopies } from '../../../src-shared/view-types.ts';
import { countOf } from '../frame/sync-words.ts';

/** "3 MB", "1.2 GB" */
export function sizeWords(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return `${bytes === 0 ? '0' : Math.max(1, Math.round(bytes / 1e6)).toLocaleString('en')} MB`;
}

export const recentOptions = [
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: 'year' },
];

/** "in the last 90 days", "in the last year" */
export function recentWords(days: number): string {
  const known = recentOptions.find(({ value }) => value === String(days));
  return `in the last ${known?.label ?? countOf(days, 'day', 'days')}`;
}

/** Bytes of "20" or "0.5" gigabytes; null for what is no size. */
export function bytesIn(gigabytes: string): number | null {
  const text = gigabytes.trim().replace(',', '.');
  const value = Number(text);
  return /^\d{1,6}(\.\d{1,6})?$/.test(text) && value * 1e9 <= 1e15 ? Math.round(value * 1e9) : null;
}

/** What freeing would do, beforehand. `can`: whether it would do anything. */
export function previewWords(
  { over, bytes, records, patients, stays, computers }: FreeingPreview,
  days: number,
  wanted: WantedCopies,
): { readonly can: boolean; readonly title: string; readonly text: string } {
  if (over === 0) return { can: false, title: 'Nothing has to go', text: `${sizeWords(stays)} lie here, which is no more than that.` };
  if (bytes === 0) {
    const why = 'What lies here is not anchored for good yet, was written or opened';
    return {
      can: false,
      title: `Nothing may go, though ${sizeWords(over)} are too much`,
      text: `${why} ${recentWords(days)}, or is on too few other computers of the clinic: ${needWords(wanted).replace(/,$/, '')} must have it.`,
    };
  }
  return {
    can: true,
    title: `${sizeWords(bytes)} may go: ${countOf(records, 'record', 'records')} of ${countOf(patients, 'patient', 'patients')}`,
    text:
      `Their contents only, not written nor opened here ${recentWords(days)}. Each goes once ${needWords(wanted)} ` +
      `${wanted.computers > 1 ? 'have promised to keep it and proved that they have' : 'has promised to keep it and proved that it has'} it. ` +
      `About ${sizeWords(stays)} stay.` +
      (computers < wanted.computers
        ? ` Only ${countOf(computers, 'other computer is', 'other computers are')} connected now: turn on more.`
        : ''),
  };
}

/** "another one", "2 others, a hub among them," */
function needWords({ computers, hub }: WantedCopies): string {
  return `${computers === 1 ? 'another one' : `${computers} others`}${hub ? ', a hub among them,' : ''}`;
}

/** What came of it. */
export function resultWords({ bytes, records, end }: FreeingResult): string {
  const done = bytes === 0 ? 'Nothing was freed' : `${sizeWords(bytes)} freed, of ${countOf(records, 'record', 'records')}`;
  const why = {
    enough: '.',
    'nothing-left': '; all else has to stay.',
    nobody: ': too few of the clinic’s computers were connected and promised to keep more. It is tried again within two hours.',
  };
  return done + why[end];
}
