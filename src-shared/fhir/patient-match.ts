/**
 * Whether two descriptions are of one person. `samePatient` is strict (may this Bundle go into this chart?), `similarity` is for warning a
 * registrar of a possible duplicate. Both work on what everybody has: names, date of birth, identifiers, phone.
 */
import type { IdentifierView } from '../view-types.ts';

/** What is compared; PatientSummary and PatientRow have it. */
export interface MatchFields {
  readonly family: string;
  readonly given: string;
  readonly birthDate: string;
  readonly gender?: string;
  readonly phone?: string;
  readonly identifiers: readonly Pick<IdentifierView, 'system' | 'value'>[];
}

// Letters that Unicode does not decompose, but people type without their strokes.
const strokes: Readonly<Record<string, string>> = { ł: 'l', ø: 'o', đ: 'd', ð: 'd', þ: 'th', æ: 'ae', œ: 'oe', ß: 'ss', ı: 'i' };

/** Lower case without accents and strokes; other scripts stay. */
export function foldText(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{Script=Latin}\p{Mn}+/gu, (letters) => letters.replace(/\p{Mn}/gu, ''))
    .toLowerCase()
    .replace(/[łøđðþæœßı]/g, (letter) => strokes[letter] ?? letter);
}

/** Words of a name, folded, without the digits that Synthea puts behind names (`Luna60`). At most 8. */
function nameWords(name: string): string[] {
  return foldText(name)
    .split(/[^\p{L}\p{M}\p{N}]+/u)
    .map((word) => word.replace(/(?<=\D)\d+$/, ''))
    .filter((word) => word !== '')
    .slice(0, 8);
}

const identifierKey = (value: string) => value.replace(/[\s./-]/g, '').toUpperCase();

/** Placeholders that many people share: 000-00-0000, 9999999999, unknown. */
function tellsApart(key: string): boolean {
  return key.length >= 3 && !/^(.)\1*$/.test(key) && !['UNKNOWN', 'NONE', 'N/A', 'NA', 'NULL', 'TEST'].includes(key);
}

/** An identifier (system and value) that both have. */
function sharesIdentifier(a: MatchFields, b: MatchFields): boolean {
  const keys = (fields: MatchFields) =>
    fields.identifiers.filter((one) => tellsApart(identifierKey(one.value))).map((one) => `${one.system}|${identifierKey(one.value)}`);
  const known = new Set(keys(a));
  return keys(b).some((key) => known.has(key));
}

/**
 * Whether two Patients are one person: they share an identifier, or their exact date of birth, family name and first given name are the
 * same (accents, case and Synthea's trailing digits aside).
 */
export function samePatient(a: MatchFields, b: MatchFields): boolean {
  if (sharesIdentifier(a, b)) return true;
  if (a.birthDate.length !== 10 || a.birthDate !== b.birthDate) return false;
  const family = (fields: MatchFields) => nameWords(fields.family).join(' ');
  const given = (fields: MatchFields) => nameWords(fields.given)[0] ?? '';
  return family(a) !== '' && given(a) !== '' && family(a) === family(b) && given(a) === given(b);
}

/** Edits (insert, delete, substitute, swap neighbours) from one word to another; anything above `bound` is `bound + 1`. Words are cut at 40. */
function editDistance(a: string, b: string, bound: number): number {
  const [from, to] = [[...a].slice(0, 40), [...b].slice(0, 40)];
  if (Math.abs(from.length - to.length) > bound) return bound + 1;
  let [before, previous] = [[] as number[], to.map((_, index) => index)];
  previous.push(to.length);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const cost = from[i - 1] === to[j - 1] ? 0 : 1;
      let best = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row.push(best);
    }
    if (Math.min(...row) > bound) return bound + 1;
    [before, previous] = [previous, row];
  }
  return Math.min(previous[to.length] ?? 0, bound + 1);
}

/** 1 for the same word, less with up to two edits (one in short words), .8 for an initial or beginning; 0 for another. */
function wordLikeness(a: string, b: string): number {
  if (a === b) return 1;
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (long.startsWith(short)) return short.length >= 3 ? 0.85 : 0.6;
  const bound = long.length <= 4 ? 1 : 2;
  const edits = editDistance(a, b, bound);
  return edits > bound ? 0 : 1 - (edits * 1.2) / Math.max(4, long.length);
}

/** How much two sets of words agree, in whatever order they stand: each word with its best partner, the shorter name's words counting. */
function nameLikeness(a: readonly string[], b: readonly string[]): number | null {
  const [fewer, more] = a.length <= b.length ? [a, b] : [b, a];
  if (fewer.length === 0) return null;
  const left = [...more];
  let sum = 0;
  for (const word of fewer) {
    const scores = left.map((other) => wordLikeness(word, other));
    const best = Math.max(...scores);
    if (best > 0) left.splice(scores.indexOf(best), 1);
    sum += best;
  }
  const unmatched = more.length - fewer.length;
  return (sum / fewer.length) * (1 - 0.05 * unmatched) * (fewer.length === 1 && more.length > 1 ? 0.8 : 1);
}

function birthLikeness(a: string, b: string): number | null {
  if (a === '' || b === '') return null;
  if (a === b) return 1;
  const [[yearA, monthA = '', dayA = ''], [yearB, monthB = '', dayB = '']] = [a.split('-'), b.split('-')];
  const sameYear = yearA === yearB;
  if (sameYear && (monthA === '' || monthB === '' || (monthA === monthB && (dayA === '' || dayB === '')))) return 0.8;
  if (sameYear && monthA === dayB && dayA === monthB) return 0.9;
  if (sameYear && (monthA === monthB || dayA === dayB)) return 0.7;
  if (monthA === monthB && dayA === dayB && dayA !== '') return 0.6;
  const apart = Math.abs(Number(yearA) - Number(yearB));
  return sameYear ? 0.4 : apart <= 2 ? 0.25 : 0;
}

const digits = (phone: string | undefined) => (phone ?? '').replace(/\D/g, '').slice(-9);

/**
 * How likely two descriptions are of one person: 1 for a shared identifier, else by names in any order (half), date of birth (two fifths)
 * and phone (a tenth). What one side lacks says nothing either way, but then the answer stays below .9. From about .75 on worth a warning.
 */
export function similarity(a: MatchFields, b: MatchFields): number {
  if (sharesIdentifier(a, b)) return 1;
  const names = nameLikeness(nameWords(`${a.family} ${a.given}`), nameWords(`${b.family} ${b.given}`));
  if (names === null) return 0;
  const birth = birthLikeness(a.birthDate, b.birthDate);
  const phones = digits(a.phone).length < 6 || digits(b.phone).length < 6 ? null : digits(a.phone) === digits(b.phone) ? 1 : 0;
  const parts: readonly (readonly [number | null, number])[] = [
    [names, 0.5],
    [birth, 0.4],
    // Another phone number hardly speaks against it; the same one speaks for it.
    [phones === 0 ? null : phones, 0.1],
  ];
  const known = parts.filter((part): part is readonly [number, number] => part[0] !== null);
  const total = known.reduce((sum, [, weight]) => sum + weight, 0);
  const score = known.reduce((sum, [value, weight]) => sum + value * weight, 0) / total;
  const differs = a.gender && b.gender && a.gender !== b.gender && ![a.gender, b.gender].includes('unknown') ? 0.9 : 1;
  // Two people of one date of birth are not alike; nor are two of one name whose dates are far apart.
  const floor = names < 0.5 || birth === 0 ? 0.5 : 1;
  return Math.min(score * differs * floor, birth === null ? 0.85 : 1);
}
