/** How parts of chart entries are said: states in words, moments, values with their unit and mark. */
import type { RecordExtract } from '../../../src-shared/view-types.ts';

const statusWords: Readonly<Record<string, string>> = {
  active: 'Active',
  recurrence: 'Active again',
  relapse: 'Relapse',
  inactive: 'Inactive',
  remission: 'In remission',
  resolved: 'Resolved',
  refuted: 'Ruled out',
  'entered-in-error': 'Entered in error',
  completed: 'Completed',
  stopped: 'Stopped',
  'on-hold': 'On hold',
  cancelled: 'Cancelled',
  draft: 'Draft',
  finished: 'Finished',
  'in-progress': 'In progress',
  planned: 'Planned',
  final: 'Final',
  preliminary: 'Preliminary',
  amended: 'Amended',
  corrected: 'Corrected',
  current: 'Current',
  superseded: 'Superseded',
  'not-done': 'Not done',
  unknown: 'Unknown',
};

/** A FHIR status code in words; an unknown one as it is. */
export function statusInWords(status: string): string {
  if (status === '') return 'Not recorded';
  return Object.hasOwn(statusWords, status) ? (statusWords[status] ?? status) : status.slice(0, 60);
}

/** Whether a problem or medicine still matters today. */
export function isPast(status: string): boolean {
  return ['inactive', 'resolved', 'remission', 'refuted', 'entered-in-error', 'completed', 'stopped', 'cancelled'].includes(status);
}

/** Value and unit as one text: '7.2 mmol/L'; components one after the other. '' where there is neither. */
export function valueText(extract: RecordExtract): string {
  if (extract.value) return `${extract.value}${extract.unit ? ` ${extract.unit}` : ''}`;
  return (extract.components ?? []).map((part) => `${part.label} ${part.value}${part.unit ? ` ${part.unit}` : ''}`.trim()).join(', ');
}

/** The number in a formatted value, or null: '1,204' is 1204, '<5' is none. */
export function numberIn(text: string): number | null {
  const plain = text.replace(/,/g, '').trim();
  return /^[+-]?\d+(\.\d+)?$/.test(plain) ? Number(plain) : null;
}

/** Low and high of a range in words, where it has them: '3.5 – 5.1 mmol/L', '< 5', '>= 40'. */
export function boundsIn(range: string): { low: number | null; high: number | null } {
  const plain = range.replace(/,/g, '');
  const between = /(-?\d+(?:\.\d+)?)\s*(?:[–—-]|to)\s*(-?\d+(?:\.\d+)?)/.exec(plain);
  if (between) return { low: Number(between[1]), high: Number(between[2]) };
  const below = /(?:<|≤|up to|below)\s*=?\s*(\d+(?:\.\d+)?)/i.exec(plain);
  if (below) return { low: null, high: Number(below[1]) };
  const above = /(?:>|≥|from|above|at least)\s*=?\s*(\d+(?:\.\d+)?)/i.exec(plain);
  return above ? { low: Number(above[1]), high: null } : { low: null, high: null };
}
