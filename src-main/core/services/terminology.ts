/**
 * Finding a coded concept while typing: by code, or by the beginnings of words in any order, in display or synonyms. Accents, case, and
 * British against American spelling (anaemia, anemia) make no difference.
 *
 * The words of a list are sorted once; a search looks up each typed word's range by halving and intersects what it finds.
 */
import { AppError } from '../../../src-shared/errors.ts';
import { foldText } from '../../../src-shared/fhir/patient-match.ts';
import type { CodedConcept } from '../../../src-shared/view-types.ts';

export interface TerminologyEntry extends CodedConcept {
  readonly synonyms: readonly string[];
}

export interface Terminology {
  readonly size: number;
  /** Best matches first, at most `limit`. Nothing for text without a letter or digit. */
  search(text: string, limit: number): CodedConcept[];
}

const mostEntries = 200_000;
const mostWords = 8;

/**
 * The entries of a terminology file: `{system, entries: [{code, display, synonyms?}]}`. Throws INVALID_INPUT where it is something else, or a
 * code is there twice.
 */
export function terminologyEntries(file: unknown): TerminologyEntry[] {
  const refuse = (what: string): never => {
    throw new AppError(
      'INVALID_INPUT',
      `The terminology file cannot be used: ${what}. The codes in use stay as they are; choose another file.`,
    );
  };
  const { system, entries } = (typeof file === 'object' && file !== null ? file : {}) as { system?: unknown; entries?: unknown };
  if (typeof system !== 'string' || system === '' || !Array.isArray(entries)) return refuse('it has no system or no entries');
  if (entries.length > mostEntries) return refuse(`it has more than ${mostEntries.toLocaleString('en')} entries`);
  const seen = new Set<string>();
  return entries.map((entry: unknown, index) => {
    const { code, display, synonyms = [] } = (typeof entry === 'object' && entry !== null ? entry : {}) as Record<string, unknown>;
    const fits = (value: unknown, max: number): value is string => typeof value === 'string' && value !== '' && value.length <= max;
    if (!fits(code, 50) || !fits(display, 300)) return refuse(`entry ${index + 1} has no code or display`);
    if (!Array.isArray(synonyms) || synonyms.length > 20 || !synonyms.every((one) => fits(one, 200)))
      return refuse(`entry ${index + 1} has bad synonyms`);
    if (seen.has(code)) return refuse(`entry ${index + 1} repeats a code`);
    seen.add(code);
    return { system, code, display, synonyms: synonyms as string[] };
  });
}

/** Words as they are compared. */
const wordsOf = (text: string): string[] =>
  foldText(text)
    .split(/[^\p{L}\p{M}\p{N}]+/u)
    .filter((word) => word !== '');
/** American spelling of the Greek diphthongs. */
const american = (word: string): string => word.replace(/[ao]e/g, 'e');
const codeKey = (code: string): string => code.replace(/[^\p{L}\p{N}]/gu, '').toLowerCase();

interface Term {
  readonly words: readonly string[];
  /** The words in one line, to recognise what was typed in full. */
  readonly line: string;
  readonly synonym: boolean;
}

interface Indexed {
  readonly concept: CodedConcept;
  readonly key: string;
  readonly terms: readonly Term[];
}

/** Reads a terminology file and indexes it. Throws INVALID_INPUT as `terminologyEntries` does. */
export function createTerminology(file: unknown): Terminology {
  const indexed = terminologyEntries(file).map(({ system, code, display, synonyms }): Indexed => {
    const terms = [display, ...synonyms].map((text, index) => {
      const words = wordsOf(text).map(american);
      return { words, line: words.join(' '), synonym: index > 0 };
    });
    return { concept: { system, code, display }, key: codeKey(code), terms };
  });
  const postings = new Map<string, Set<number>>();
  for (const [index, { terms }] of indexed.entries()) {
    for (const word of new Set(terms.flatMap((term) => term.words))) {
      const found = postings.get(word);
      if (found) found.add(index);
      else postings.set(word, new Set([index]));
    }
  }
  const sorted = [...postings.keys()].sort();
  const byCode = indexed.map(({ key }, index) => ({ key, index })).sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));

  /** Entries with a word that begins so. */
  function having(prefix: string): Set<number> {
    const found = new Set<number>();
    for (let at = lowerBound(sorted.length, (i) => (sorted[i] ?? '') < prefix); sorted[at]?.startsWith(prefix); at++) {
      for (const index of postings.get(sorted[at] ?? '') ?? []) found.add(index);
    }
    return found;
  }

  function byCodePrefix(prefix: string): number[] {
    const found: number[] = [];
    if (prefix === '') return found;
    for (let at = lowerBound(byCode.length, (i) => (byCode[i]?.key ?? '') < prefix); byCode[at]?.key.startsWith(prefix); at++) {
      found.push(byCode[at]?.index ?? 0);
    }
    return found;
  }

  return {
    size: indexed.length,
    search(text, limit) {
      const typed = wordsOf(text.slice(0, 200)).slice(0, mostWords);
      if (typed.length === 0) return [];
      // Someone who has typed `diarrho` has not yet reached the letters that make the difference.
      const prefixes = typed.map((word) => american(word).replace(/(?<=.[hmn])[ao]$/, ''));
      const [first = new Set<number>(), ...others] = prefixes.map(having).sort((a, b) => a.size - b.size);
      const hits: { readonly entry: Indexed; readonly score: number }[] = [];
      for (const index of first) {
        const entry = indexed[index];
        if (entry && others.every((other) => other.has(index))) hits.push({ entry, score: score(entry, typed.map(american), prefixes) });
      }
      const key = codeKey(text);
      for (const index of byCodePrefix(key)) {
        const entry = indexed[index];
        if (entry) hits.push({ entry, score: entry.key === key ? 1000 : 500 - entry.key.length });
      }
      hits.sort((a, b) => b.score - a.score || (a.entry.key < b.entry.key ? -1 : 1));
      return [...new Set(hits.map((hit) => hit.entry.concept))].slice(0, Math.max(0, limit));
    },
  };
}

/** First position in 0..length for which `below` is false. */
function lowerBound(length: number, below: (index: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (below(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What was typed in full counts most, then how a term begins, then that one term has all words; plain terms before elaborate ones. */
function score(entry: Indexed, typed: readonly string[], prefixes: readonly string[]): number {
  const line = typed.join(' ');
  let best = 0;
  for (const { words, line: whole, synonym } of entry.terms) {
    let points = 0;
    if (whole === line) points = 100;
    else if (whole.startsWith(line)) points = 70;
    else if (prefixes.every((prefix) => words.some((word) => word.startsWith(prefix))))
      points = typed.every((word) => words.includes(word)) ? 50 : 40;
    best = Math.max(best, points - Math.min(words.length, 15) - (synonym ? 0.5 : 0));
  }
  // The display is what gets recorded: among equals the one that says less specific things that nobody checked.
  return best - Math.min(entry.terms[0]?.words.length ?? 0, 20) / 10;
}
