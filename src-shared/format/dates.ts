/**
 * How dates and times are written on every screen and print: `14-Jul-1945`, four-digit year and month in letters whatever the locale, so
 * that day and month are never mistaken for one another (NHS Common User Interface). Times are local and 24-hour.
 */

/** A FHIR date or dateTime taken apart. A `day` value without time is a calendar date and belongs to no time zone. */
export interface PartialDate {
  readonly year: number;
  readonly month?: number;
  readonly day?: number;
  /** Milliseconds since 1970, where the value has a time. */
  readonly instant?: number;
}

const monthNames = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
const fhirDateTime = /^(\d{4})(?:-(\d{2})(?:-(\d{2})(T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?)?)?)?$/;

/** Days of a month (1-12), by the proleptic Gregorian calendar. */
export function daysInMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** Takes a FHIR date, dateTime or instant (R4 section 2.24.0.1) apart; null for anything else, including days no calendar has. */
export function readFhirDate(text: string): PartialDate | null {
  const match = fhirDateTime.exec(text);
  if (!match) return null;
  const [, year, month, day, time] = match;
  const parts: PartialDate = {
    year: Number(year),
    ...(month === undefined ? {} : { month: Number(month) }),
    ...(day === undefined ? {} : { day: Number(day) }),
  };
  if (parts.year === 0) return null;
  if (parts.month !== undefined && (parts.month < 1 || parts.month > 12)) return null;
  if (parts.day !== undefined && (parts.day < 1 || parts.day > daysInMonth(parts.year, parts.month ?? 0))) return null;
  if (time === undefined) return parts;
  const instant = Date.parse(text);
  return Number.isNaN(instant) ? null : { ...parts, instant };
}

const two = (value: number) => String(value).padStart(2, '0');
const four = (value: number) => String(value).padStart(4, '0');

/** `14-Jul-1945`, as far as the parts are known. */
function writeDate(parts: Pick<PartialDate, 'year' | 'month' | 'day'>): string {
  const month = parts.month === undefined ? undefined : monthNames[parts.month - 1];
  if (month === undefined) return four(parts.year);
  return parts.day === undefined ? `${month}-${four(parts.year)}` : `${two(parts.day)}-${month}-${four(parts.year)}`;
}

function localParts(ms: number): { year: number; month: number; day: number } {
  const at = new Date(ms);
  return { year: at.getFullYear(), month: at.getMonth() + 1, day: at.getDate() };
}

/** Milliseconds of what a caller has: a number of milliseconds, or a FHIR dateTime with a time; null for anything else. */
function instantOf(value: number | string | null | undefined): number | null {
  if (typeof value === 'number') return Number.isFinite(value) && Math.abs(value) <= 8.64e15 ? value : null;
  if (!value) return null;
  return readFhirDate(value)?.instant ?? null;
}

/**
 * `14-Jul-1945`, `Jul-1945` or `1945`, as precise as the value is. A value with a time gives its day here, in local time. `Not recorded`
 * where there is none, `Not readable` where it is no FHIR date (the record itself shows what it says).
 */
export function formatDate(value: string | number | null | undefined): string {
  if (value === null || value === undefined || value === '') return 'Not recorded';
  if (typeof value === 'number') {
    const ms = instantOf(value);
    return ms === null ? 'Not readable' : writeDate(localParts(ms));
  }
  const parts = readFhirDate(value);
  if (!parts) return 'Not readable';
  return writeDate(parts.instant === undefined ? parts : localParts(parts.instant));
}

/** `14:02`, local time, 24 hours. `Not recorded` for a date without a time. */
export function formatTime(value: string | number | null | undefined): string {
  const ms = instantOf(value);
  if (ms === null) return 'Not recorded';
  const at = new Date(ms);
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** `14-Jul-2026 14:02`, local time; only the date where the value has no time. Takes milliseconds or a FHIR dateTime. */
export function formatDateTime(value: string | number | null | undefined): string {
  const ms = instantOf(value);
  return ms === null ? formatDate(value) : `${formatDate(value)} ${formatTime(ms)}`;
}
