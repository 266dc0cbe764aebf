/**
 * Names, numbers and queries as the words that are compared: lower case, without diacritics, in any script. Index and query go through
 * the same folding, so what a person types is only ever text, never syntax.
 */
import type { PatientRow } from '../../ports.ts';

/** What a word was found in, in the order in which matches are shown. */
export const tokenField = { family: 0, given: 1, phone: 2, identifier: 3 } as const;

export interface Token {
  readonly field: number;
  readonly token: string;
}

const maxTokenLength = 80;
const maxTokensPerField = 24;
const maxQueryLength = 200;
const maxQueryWords = 8;
/** Latin letters that Unicode does not decompose, as people type them on a keyboard without them. */
const plainLetters: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ł: 'l',
  ħ: 'h',
  ı: 'i',
};

/**
 * NFKD (so that a half-typed Hangul syllable is a beginning of the whole one), lower case, without the combining marks of Latin, Greek
 * and Cyrillic (U+0300–036F), Hebrew points and Arabic vowel signs. Marks that spell (Devanagari, Thai …) stay.
 */
export function fold(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670]/g, '')
    .replace(/[ßæœøđðþłħı]/g, (letter) => plainLetters[letter] ?? letter);
}

const separators = /[^\p{L}\p{N}\p{M}]+/u;
const allSeparators = /[^\p{L}\p{N}\p{M}]+/gu;
/** Scripts written without spaces: the whole name is typed in one word. */
const unspaced = /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}]/u;

/** Words of a name: each as a whole without apostrophes and hyphens, and its parts ("O'Brien": obrien, o, brien). */
function nameWords(name: string): string[] {
  const words = new Set<string>();
  for (const word of fold(name).split(/[\s,;]+/u)) {
    words.add(compact(word));
    for (const part of word.split(separators)) words.add(part.slice(0, maxTokenLength));
  }
  words.delete('');
  return [...words].slice(0, maxTokensPerField);
}

function compact(word: string): string {
  return word.replace(allSeparators, '').slice(0, maxTokenLength);
}

/** Each number from its beginning, and from every later digit as long as four remain: people give the last digits, or no country code. */
function phoneWords(phone: string): string[] {
  const words = new Set<string>();
  for (const number of phone.split(/[,;|]/)) {
    const digits = fold(number).replace(/\D/g, '').replace(/^0+/, '').slice(0, 20);
    if (digits !== '') words.add(digits);
    // As the query is: a last part that begins with a zero is typed with it.
    for (let start = 1; digits.length - start >= 4; start++) words.add(withoutTrunk(digits.slice(start)));
  }
  return [...words].slice(0, maxTokensPerField);
}

/** All words by which a patient is found. */
export function patientTokens(row: Pick<PatientRow, 'family' | 'given' | 'phone' | 'identifiers'>): Token[] {
  const family = nameWords(row.family);
  if (unspaced.test(row.family)) family.push(compact(fold(row.family + row.given)));
  const tokens = new Map<string, Token>();
  const add = (field: number, words: readonly string[]): void => {
    for (const token of words) if (token !== '') tokens.set(`${field} ${token}`, { field, token });
  };
  add(tokenField.family, family);
  add(tokenField.given, nameWords(row.given));
  add(tokenField.phone, phoneWords(row.phone));
  add(
    tokenField.identifier,
    row.identifiers.slice(0, maxTokensPerField).map(({ value }) => compact(fold(value))),
  );
  return [...tokens.values()];
}

/** By what people are sorted: folded family, then given name. */
export function sortName(row: Pick<PatientRow, 'family' | 'given'>): string {
  const words = (name: string): string => fold(name).split(separators).filter(Boolean).join(' ');
  return `${words(row.family)} ${words(row.given)}`.trim().slice(0, 2 * maxTokenLength);
}

/** Ids below share the first four UTF-8 bytes of the sort name (UTF-8 sorts as its code points do); above are 2^21 places to tell them apart. */
export const idsPerBucket = 2 ** 21;

/** First id of a sort name's bucket; below 2^53, so ids are exact as numbers. */
export function idBucket(name: string): number {
  // Five UTF-16 units hold the first four bytes without cutting a surrogate pair that they need.
  const bytes = Buffer.concat([Buffer.from(name.slice(0, 5), 'utf8'), Buffer.alloc(4)]);
  return bytes.readUInt32BE(0) * idsPerBucket;
}

/** Words of a query. Text of digits and their separators only is one number, however it is grouped. */
export function queryWords(text: string): string[] {
  const folded = fold(text.slice(0, maxQueryLength));
  const words = /^[\d\s()+./-]+$/.test(folded) ? [folded] : folded.split(/[\s,;]+/u);
  return [...new Set(words.map(compact).filter(Boolean))].slice(0, maxQueryWords);
}

/** As phones are indexed: without the zeros of a trunk or international prefix. */
export function withoutTrunk(word: string): string {
  return /^\d+$/.test(word) ? word.replace(/^00?(?=[1-9])/, '') : word;
}

/** A patient's words as one text, " family given #phone identifier ": a word begins one of them where " word" is in it. */
export function wordsText(tokens: readonly Token[]): string {
  return ` ${tokens.map(({ field, token }) => (field === tokenField.phone ? `#${token}` : token)).join(' ')} `;
}

/** What to look for in such a text: the word, or the word as a phone's digits. */
export function beginnings(word: string): readonly [string, string] {
  return [` ${word}`, ` #${withoutTrunk(word)}`];
}

/** The beginning by which words meet in the full-text index. */
export function stem(word: string): string {
  return Array.from(word).slice(0, 3).join('');
}
