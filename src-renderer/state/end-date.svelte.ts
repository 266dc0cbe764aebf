/** Until when something that is signed holds: a span from now, a day that is typed, or no end; and what is wrong with that day. */
import type { FieldError } from '../components/types.ts';
import { untilSeconds, type Until } from './desk.svelte.ts';

/** 2100-01-01, seconds. */
const latest = 4_102_444_800;
/** Of the field for the last day. */
export const endDateField = 'untilDate';

export class EndDate {
  until = $state<Until>('year');
  date = $state('');
  problem = $state('');

  /** Seconds; 0 for no end. NaN while the day is not typed whole. */
  at(now: number): number {
    return untilSeconds(this.until, this.date, now);
  }

  /** Whether it is to be a day that is not typed whole yet. */
  get isIncomplete(): boolean {
    return this.until === 'date' && this.date.length !== 10;
  }

  check(now: number): FieldError[] {
    if (this.until !== 'date') return [];
    const text =
      this.problem || this.isIncomplete
        ? this.problem || 'Type the last day with day, month and year.'
        : this.at(now) <= now / 1000
          ? 'This day is over. Type a day from today on.'
          : this.at(now) > latest
            ? 'Type a day before the year 2100, or choose “No end”.'
            : '';
    return text === '' ? [] : [{ field: endDateField, text }];
  }

  clear(): void {
    this.until = 'year';
    this.date = '';
    this.problem = '';
  }
}
