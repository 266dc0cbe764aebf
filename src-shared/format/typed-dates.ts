/**
 * Dates as people type them: `14/7/1945`, `14 Jul 1945`, `+3m`, `-2d`, `unknown`, a month or a year alone. Day before month, always. What
 * could be read two ways is refused with a sentence that says what to type instead.
 */
import { daysInMonth } from './dates.ts';

export type TypedDate =
  | {
      readonly ok: true;
      /** FHIR date of that precision; '' for unknown. */
      readonly date: string;
      readonly precision: 'day' | 'month' | 'year' | 'unknown';
    }
  | { readonly ok: false; readonly message: string };

const monthStarts = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const fullMonths = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];
const usage = 'Type a date like 14/7/1945 or 14 Jul 1945, a month like Jul 1945, a year, or unknown.';
const refuse = (message: string): TypedDate => ({ ok: false, message });
const two = (value: number) => String(value).padStart(2, '0');
const four = (value: number) => String(value).padStart(4, '0');

/** 1-12 for a month's number or (beginning of its) English name, else null. */
function monthOf(text: string): number | null {
  if (/^\d{1,2}$/.test(text)) return Number(text) >= 1 && Number(text) <= 12 ? Number(text) : null;
  const word = text.toLowerCase().replace(/\.$/, '');
  if (word.length < 3) return null;
  const index = fullMonths.findIndex(
    (name, position) => name.startsWith(word) || word === monthStarts[position] || (word === 'sept' && position === 8),
  );
  return index < 0 ? null : index + 1;
}

/**
 * The date in three text fields. Empty ones must be the finer ones: a day needs its month, a month its year. All empty is unknown.
 */
export function dateFromParts(parts: { readonly day: string; readonly month: string; readonly year: string }): TypedDate {
  const [day, month, year] = [parts.day.trim(), parts.month.trim(), parts.year.trim()];
  if (year === '') {
    return day === '' && month === '' ? { ok: true, date: '', precision: 'unknown' } : refuse('Add the year, with four digits.');
  }
  if (!/^\d{4}$/.test(year)) return refuse('Type the year with four digits, like 1945.');
  const y = Number(year);
  if (y < 1800 || y > 2200) return refuse(`The year ${year} cannot be right. Type it with four digits, like 1945.`);
  if (month === '') return day === '' ? { ok: true, date: year, precision: 'year' } : refuse('Add the month, or leave the day empty too.');
  const m = monthOf(month);
  if (m === null) return refuse(`“${month.slice(0, 20)}” is no month. Type 1 to 12, or the name, like Jul.`);
  if (day === '') return { ok: true, date: `${year}-${two(m)}`, precision: 'month' };
  const d = /^\d{1,2}$/.test(day) ? Number(day) : 0;
  if (d < 1 || d > daysInMonth(y, m)) return refuse(`That month has no day “${day.slice(0, 20)}”. Day first, then month, then year.`);
  return { ok: true, date: `${year}-${two(m)}-${two(d)}`, precision: 'day' };
}

function moved(at: Date, amount: number, unit: string): string | null {
  let [year, month, day] = [at.getFullYear(), at.getMonth() + 1, at.getDate()];
  if (unit === 'd' || unit === 'w') {
    const moment = new Date(Date.UTC(year, month - 1, day + amount * (unit === 'w' ? 7 : 1)));
    [year, month, day] = [moment.getUTCFullYear(), moment.getUTCMonth() + 1, moment.getUTCDate()];
  } else {
    const months = year * 12 + (month - 1) + amount * (unit === 'y' ? 12 : 1);
    [year, month] = [Math.floor(months / 12), (((months % 12) + 12) % 12) + 1];
    // A month on from 31 January is the last of February.
    day = Math.min(day, daysInMonth(year, month));
  }
  return year < 1800 || year > 2200 ? null : `${four(year)}-${two(month)}-${two(day)}`;
}

/**
 * Reads what was typed into one field, as of a moment (milliseconds; local calendar). `+3m`, `-2d`, `6w`, `-1y` count from that day; empty
 * text and `unknown` are unknown.
 */
export function parseTypedDate(text: string, now: number): TypedDate {
  const typed = text.trim().toLowerCase();
  if (typed.length > 40) return refuse(usage);
  if (typed === '' || ['unknown', 'not known', 'not recorded', 'n/k'].includes(typed)) return { ok: true, date: '', precision: 'unknown' };
  const offset = { today: 0, tomorrow: 1, yesterday: -1 }[typed];
  const relative = /^([+-])\s*(\d{1,4})\s*([dwmy])[a-z]*$/.exec(typed);
  if (offset !== undefined || relative) {
    const amount = offset ?? Number(`${relative?.[1]}${relative?.[2]}`);
    const date = moved(new Date(now), amount, relative?.[3] ?? 'd');
    return date === null ? refuse('That is too far from today.') : { ok: true, date, precision: 'day' };
  }
  const parts = typed.split(/[\s/.,-]+/).filter((part) => part !== '');
  const [first = '', second = '', third = ''] = parts;
  if (parts.length === 1) {
    const compact = /^(\d{2})(\d{2})(\d{4})$/.exec(first);
    if (compact) return dateFromParts({ day: compact[1] ?? '', month: compact[2] ?? '', year: compact[3] ?? '' });
    return /^\d+$/.test(first) ? dateFromParts({ day: '', month: '', year: first }) : refuse(usage);
  }
  if (parts.length === 2) {
    if (/^\d{4}$/.test(first)) return dateFromParts({ day: '', month: second, year: first });
    return dateFromParts({ day: '', month: first, year: second });
  }
  if (parts.length !== 3) return refuse(usage);
  if (/^\d{4}$/.test(first)) return dateFromParts({ day: third, month: second, year: first });
  // "July 14, 1945": a month in letters says which is which.
  if (!/^\d/.test(first) && /^\d{1,2}$/.test(second)) return dateFromParts({ day: second, month: first, year: third });
  return dateFromParts({ day: first, month: second, year: third });
}
