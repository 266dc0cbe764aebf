/**
 * Reads day, month and year as people type them into a FHIR date of the precision that was typed.
 */
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

export interface DateParts {
  readonly day: string;
  readonly month: string;
  readonly year: string;
}

/**
 * @returns `date`: a FHIR date (YYYY, YYYY-MM or YYYY-MM-DD; R4 datatypes, "date"), empty while there is none; `problem`: in words what
 * is wrong, empty when nothing is typed or all is well.
 */
export function readPartialDate(parts: DateParts): { date: string; problem: string } {
  const dayText = parts.day.trim();
  const monthText = parts.month.trim().toLowerCase();
  const yearText = parts.year.trim();
  if (!dayText && !monthText && !yearText) return { date: '', problem: '' };
  const wrong = (problem: string) => ({ date: '', problem });

  if (!yearText) return wrong('Enter the year. The year alone is enough when the rest is not known.');
  if (!/^\d{4}$/.test(yearText)) return wrong('Enter the year with four digits, for example 1985.');
  if (!monthText) return dayText ? wrong('Enter the month, or leave the day empty as well.') : { date: yearText, problem: '' };

  const month = /^\d{1,2}$/.test(monthText) ? Number(monthText) : months.indexOf(monthText) + 1;
  if (month < 1 || month > 12) return wrong('Enter the month as a number from 1 to 12, or as three letters such as Jul.');
  const yearMonth = `${yearText}-${String(month).padStart(2, '0')}`;
  if (!dayText) return { date: yearMonth, problem: '' };

  const day = /^\d{1,2}$/.test(dayText) ? Number(dayText) : 0;
  // Day 0 of the next month is the last of this one; the proleptic calendar of Date.UTC needs setUTCFullYear below year 100.
  const last = new Date(Date.UTC(2000, month, 0));
  last.setUTCFullYear(Number(yearText), month, 0);
  if (day < 1 || day > last.getUTCDate()) return wrong(`Enter a day from 1 to ${last.getUTCDate()} for that month.`);
  return { date: `${yearMonth}-${String(day).padStart(2, '0')}`, problem: '' };
}
