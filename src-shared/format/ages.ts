/**
 * Ages as clinicians read them: days under 3 months, months under 2 years, years from then on (NHS Common User Interface). A date of
 * birth that is only a year, or an estimate, gives an age that says so.
 */
import { daysInMonth, formatDate, readFhirDate, type PartialDate } from './dates.ts';

export interface BirthFacts {
  /** FHIR date, '' if unknown. */
  readonly birthDate: string;
  readonly birthDateEstimated?: boolean;
  /** FHIR date or dateTime of death, 'true' for dead at an unknown time, '' otherwise. */
  readonly deceased?: string;
}

interface Day {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** The day to count from: the middle of a month or year where no more is known. */
function countingDay(parts: PartialDate): Day {
  if (parts.month === undefined) return { year: parts.year, month: 7, day: 1 };
  return { year: parts.year, month: parts.month, day: parts.day ?? 15 };
}

function dayOf(at: number | string): Day | null {
  if (typeof at === 'string') {
    const parts = readFhirDate(at);
    if (!parts) return null;
    if (parts.instant === undefined) return countingDay(parts);
    at = parts.instant;
  }
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? null : { year: date.getFullYear(), month: date.getMonth() + 1, day: date.getDate() };
}

const dayNumber = (day: Day) => Math.round(Date.UTC(day.year, day.month - 1, day.day) / 86_400_000);

/** Whole months from one day to another. Someone born on the 31st is a month older on the last day of a short month. */
function wholeMonths(from: Day, to: Day): number {
  const months = (to.year - from.year) * 12 + to.month - from.month;
  return to.day < Math.min(from.day, daysInMonth(to.year, to.month)) ? months - 1 : months;
}

/**
 * `12d`, `14m` or `81y` at a moment (milliseconds or FHIR date), or at death where `deceased` is a date. '' where it cannot be told: no
 * date of birth, a date of birth to come, or a death at an unknown time.
 */
export function formatAge(birthDate: string, at: number | string, deceased = ''): string {
  const birth = readFhirDate(birthDate);
  if (!birth || deceased === 'true') return '';
  const to = dayOf(deceased === '' ? at : deceased);
  if (!to) return '';
  // A year alone that is this year gives no age in days or months, only that it is below one.
  if (birth.month === undefined && birth.year === to.year) return 'under 1y';
  const from = countingDay(birth);
  if (dayNumber(from) > dayNumber(to))
    return birth.day === undefined && birth.year === to.year && birth.month === to.month ? 'under 1m' : '';
  const months = wholeMonths(from, to);
  if (birth.month === undefined) return `${Math.max(1, Math.floor(months / 12))}y`;
  if (months < 3) return birth.day === undefined ? `${months}m` : `${dayNumber(to) - dayNumber(from)}d`;
  return months < 24 ? `${months}m` : `${Math.floor(months / 12)}y`;
}

/**
 * `14-Jul-1945 (81y)`; `about 1945 (81y)` for an estimate; `1945 (about 81y)` for a year known without the day; `14-Jul-1945 (79y at
 * death)` for the deceased; `Not recorded` without a date of birth.
 */
export function formatBirth(person: BirthFacts, at: number | string): string {
  if (person.birthDate === '') return 'Not recorded';
  const date = formatDate(person.birthDate);
  const age = formatAge(person.birthDate, at, person.deceased);
  const atDeath = person.deceased ? ' at death' : '';
  const dated = person.birthDateEstimated ? `about ${date}` : date;
  if (age === '') return person.deceased ? `${dated} (age at death not recorded)` : dated;
  const roughly = !person.birthDateEstimated && person.birthDate.length < 10 && !age.startsWith('under') ? 'about ' : '';
  return `${dated} (${roughly}${age}${atDeath})`;
}
