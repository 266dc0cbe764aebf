/**
 * Pairs among the patients this desk knows that may be one person. Every patient is put under a few keys (an identifier, date of birth with the
 * beginning of a name, name with part of the date of birth, phone), and only those under one key are compared: the work grows with the number of
 * patients, not with its square. Between pages the event loop gets its turn.
 */
import { foldText, similarity } from '../../../src-shared/fhir/patient-match.ts';
import type { AccountIndexPort, PatientRow } from '../ports.ts';

export interface CandidatePair {
  readonly a: PatientRow;
  readonly b: PatientRow;
  /** 0 to 1. */
  readonly likeness: number;
}

/** What a registrar can work through; the likeliest come first. */
export const listedPairs = 200;
/** Rows read at once. */
const page = 1000;
/** More patients than one desk knows. */
const maximumPatients = 250_000;
/** Under one key, each is compared with so many of its neighbours in the order of names: enough for a date that thousands share. */
const neighbours = 24;
const alikeEnough = 0.85;

/** A word of a name in the order in which names are compared, and the digits of a date. */
const words = (name: string) =>
  foldText(name)
    .split(/[^\p{L}\p{M}]+/u)
    .filter((word) => word !== '');
const digits = (text: string) => text.replace(/\D/g, '');

/** Keys of a patient; two who are one person share at least one, unless both name and date of birth were typed differently. */
function keysOf(row: PatientRow): string[] {
  const [families, givens] = [words(row.family), words(row.given)];
  const names = [...families, ...givens].slice(0, 6);
  const [[family = ''], [given = '']] = [families, givens];
  const [year = '', ...day] = row.birthDate.split('-');
  const phone = digits(row.phone).slice(-9);
  const keys = row.identifiers.map(({ system, value }) => `i/${system}/${value.replace(/[\s./-]/g, '').toUpperCase()}`);
  if (row.birthDate !== '') {
    keys.push(...names.map((name) => `b/${row.birthDate}/${name.slice(0, 2)}`));
    if (family !== '' && given !== '') keys.push(`y/${family}/${given}/${year}`, `d/${family}/${given}/${day.join('-')}`);
  }
  if (phone.length >= 6) keys.push(...names.map((name) => `p/${phone}/${name.slice(0, 2)}`));
  return keys;
}

/** The same kind of identifier with another value speaks against one person, unless it was mistyped: such pairs come later. */
function contradicts(a: PatientRow, b: PatientRow): boolean {
  const values = new Map(a.identifiers.map(({ system, value }) => [system, digits(value) || value]));
  return b.identifiers.some(({ system, value }) => system !== '' && values.has(system) && values.get(system) !== (digits(value) || value));
}

/** Throws nothing; ends early, with what it has, where `isWanted` becomes false. */
export async function findCandidates(
  index: AccountIndexPort,
  isWanted: () => boolean,
): Promise<{ pairs: CandidatePair[]; more: boolean; compared: number }> {
  const rows: PatientRow[] = [];
  /** Most keys have one patient for good: an array for each would be half of the work. */
  const first = new Map<string, number>();
  const groups = new Map<string, number[]>();
  for (let offset = 0; offset < maximumPatients; offset += page) {
    if (!isWanted()) return { pairs: [], more: false, compared: 0 };
    const next = index.patients({ limit: page, offset });
    for (const row of next) {
      const at = rows.push(row) - 1;
      for (const key of keysOf(row)) {
        const before = first.get(key);
        if (before === undefined) first.set(key, at);
        else if (before !== at) {
          const group = groups.get(key);
          if (!group) groups.set(key, [before, at]);
          else if (group.at(-1) !== at) group.push(at);
        }
      }
    }
    if (next.length < page) break;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const found = new Map<string, CandidatePair>();
  let since = 0;
  for (const group of groups.values()) {
    // Rows come in the order of names: neighbours in it are the likeliest.
    for (const [at, one] of group.entries()) {
      for (const other of group.slice(at + 1, at + 1 + neighbours)) {
        const [a, b] = [rows[one], rows[other]];
        const pair = `${one}/${other}`;
        if (!a || !b || found.has(pair)) continue;
        const likeness = similarity(a, b) * (contradicts(a, b) ? 0.95 : 1);
        if (likeness >= alikeEnough) found.set(pair, { a, b, likeness });
        since += 1;
      }
    }
    if (since > 500) {
      since = 0;
      await new Promise((resolve) => setImmediate(resolve));
      if (!isWanted()) return { pairs: [], more: false, compared: 0 };
    }
  }
  const pairs = [...found.values()].sort((x, y) => y.likeness - x.likeness);
  return { pairs: pairs.slice(0, listedPairs), more: pairs.length > listedPairs, compared: rows.length };
}
