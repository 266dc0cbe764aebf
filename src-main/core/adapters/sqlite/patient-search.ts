/**
 * Search while typing, in bounded time whatever is typed: no step looks at more than a few thousand short rows, and none sorts a whole
 * match set. One word is a range of the token table. Several words start from the rarest, where there is a rare one; else from an
 * intersection of their first letters in the full-text index, which reads only until it has found enough.
 */
import type { Db, Statement } from './database.ts';
import { beginnings, queryWords, stem, tokenField, withoutTrunk } from './patient-words.ts';

/** A word with fewer matches than this is rare: all of them are looked at. */
const rare = 400;
/** Rows that the intersection of frequent beginnings looks at before it is content with what it found. */
const maxIntersected = 3000;

interface Candidate {
  readonly id: number;
  readonly words: string;
}

/** Every word of the query must begin some word of the patient. */
const everyWord = (count: number): string =>
  Array.from({ length: count }, () => '(instr(words, ?) > 0 OR instr(words, ?) > 0)').join(' AND ');

export class PatientSearch {
  readonly #db: Db;
  readonly #range: Statement;
  /** By the number of words. */
  readonly #among: (Statement | undefined)[] = [];
  readonly #intersected: (Statement | undefined)[] = [];

  constructor(db: Db) {
    this.#db = db;
    this.#range = db
      .prepare('SELECT id FROM patient_tokens WHERE field = ? AND token >= ? AND token < ? ORDER BY token, id LIMIT ?')
      .pluck();
  }

  /** Ids of the patients, best matches first; null for a text without words. */
  search(text: string, limit: number): number[] | null {
    const words = queryWords(text);
    const [first] = words;
    if (first === undefined) return null;
    return words.length === 1 ? this.#single(first, limit) : this.#several(words, limit);
  }

  /** Family names first, then given names, phones, identifiers; exact words come before longer ones by the order of the table. */
  #single(word: string, limit: number): number[] {
    const found = new Set<number>();
    for (const field of Object.values(tokenField)) {
      // A patient may have several words with this beginning, so a few rows more than wanted.
      for (const id of this.#matches(field, word, limit * 2)) {
        if (found.size >= limit) return [...found];
        found.add(id);
      }
    }
    return [...found];
  }

  #several(words: readonly string[], limit: number): number[] {
    const begin = words.flatMap(beginnings);
    let rarest: Set<number> | undefined;
    for (const word of words) {
      const ids = this.#allMatches(word);
      if (ids !== undefined && (rarest === undefined || ids.size < rarest.size)) rarest = ids;
    }
    const candidates =
      rarest === undefined
        ? this.#amongIntersected(words.length).all(intersection(words), ...begin, limit * 4)
        : this.#amongIds(words.length).all(JSON.stringify([...rarest]), ...begin);
    return (candidates as Candidate[])
      .map(({ id, words: own }) => ({
        id,
        exact: words.filter((word) => own.includes(` ${word} `)).length,
        first: startsWithAny(own, words),
      }))
      .sort((a, b) => b.exact - a.exact || b.first - a.first || a.id - b.id)
      .slice(0, limit)
      .map(({ id }) => id);
  }

  /** All patients with a word of this beginning, or undefined where they are too many to look at. */
  #allMatches(word: string): Set<number> | undefined {
    const ids = new Set<number>();
    for (const field of Object.values(tokenField)) {
      const matches = this.#matches(field, word, rare);
      if (matches.length === rare) return undefined;
      for (const id of matches) ids.add(id);
    }
    return ids;
  }

  #amongIds(words: number): Statement {
    return (this.#among[words] ??= this.#db.prepare(`
      SELECT id, words FROM patient_words WHERE id IN (SELECT value FROM json_each(?)) AND ${everyWord(words)}`));
  }

  #amongIntersected(words: number): Statement {
    return (this.#intersected[words] ??= this.#db.prepare(`
      SELECT id, words FROM (SELECT rowid AS match FROM patients_fts WHERE patients_fts MATCH ? ORDER BY rowid LIMIT ${maxIntersected})
      JOIN patient_words ON id = match WHERE ${everyWord(words)} LIMIT ?`));
  }

  #matches(field: number, word: string, limit: number): number[] {
    const from = field === tokenField.phone ? withoutTrunk(word) : word;
    return this.#range.all(field, from, `${from}\u{10ffff}`, limit) as number[];
  }
}

/** Family words stand first in a patient's words. */
function startsWithAny(own: string, words: readonly string[]): number {
  return words.some((word) => own.startsWith(` ${word}`)) ? 1 : 0;
}

/** An FTS5 query: words hold letters and digits only, and are quoted all the same. */
function intersection(words: readonly string[]): string {
  const term = (word: string): string => {
    const beginning = stem(word);
    return Array.from(beginning).length < 3 ? `"${beginning}"*` : `"${beginning}"`;
  };
  return words.map((word) => `(${[...new Set([term(word), term(withoutTrunk(word))])].join(' OR ')})`).join(' AND ');
}
