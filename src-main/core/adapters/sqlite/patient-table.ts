/** Patients of an account's index. */
import { AppError } from '../../../../src-shared/errors.ts';
import type { PatientRow } from '../../ports.ts';
import type { Db, Statement } from './database.ts';
import { PatientSearch } from './patient-search.ts';
import { idBucket, idsPerBucket, patientTokens, sortName, stem, wordsText } from './patient-words.ts';
import type { Token } from './patient-words.ts';

/** More than a list ever shows. */
const maxLimit = 1000;

const columns = `patient, family, given, prefix, birth_date AS birthDate, birth_date_estimated AS birthDateEstimated, deceased, gender,
  phone, address, identifiers, updated_at AS updatedAt`;

type Row = Omit<PatientRow, 'birthDateEstimated' | 'identifiers'> & { readonly birthDateEstimated: number; readonly identifiers: string };

interface TokenRow extends Token {
  readonly id: number;
}

/** Tokens of the patients of a batch, by id. */
type AddedTokens = Map<number, readonly Token[]>;

function byTable(a: TokenRow, b: TokenRow): number {
  return a.field - b.field || (a.token < b.token ? -1 : a.token > b.token ? 1 : a.id - b.id);
}

export class PatientTable {
  readonly #db: Db;
  readonly #search: PatientSearch;
  readonly #find: Statement;
  readonly #byId: Statement;
  readonly #page: Statement;
  readonly #count: Statement;
  readonly #lastInBucket: Statement;
  readonly #remove: readonly Statement[];
  readonly #removeToken: Statement;
  readonly #insert: Statement;
  readonly #update: Statement;
  readonly #addWords: Statement;
  readonly #addToken: Statement;
  readonly #addStems: Statement;
  /** Rows, once counted: counting two hundred thousand takes tens of milliseconds. */
  #counted: number | undefined;

  constructor(db: Db) {
    this.#db = db;
    this.#search = new PatientSearch(db);
    this.#find = db.prepare(`SELECT ${columns}, id, sort_name AS sortName FROM patients WHERE patient = ?`);
    this.#byId = db.prepare(`SELECT ${columns} FROM patients WHERE id = ?`);
    this.#page = db.prepare(`SELECT ${columns} FROM patients INDEXED BY patients_name ORDER BY sort_name, patient LIMIT ? OFFSET ?`);
    this.#count = db.prepare('SELECT count(*) FROM patients').pluck();
    this.#lastInBucket = db.prepare('SELECT max(id) FROM patients WHERE id >= ? AND id < ?').pluck();
    this.#remove = [
      db.prepare('DELETE FROM patients_fts WHERE rowid = ?'),
      db.prepare('DELETE FROM patient_words WHERE id = ?'),
      db.prepare('DELETE FROM patients WHERE id = ?'),
    ];
    this.#removeToken = db.prepare('DELETE FROM patient_tokens WHERE field = ? AND token = ? AND id = ?');
    this.#insert = db.prepare(`
      INSERT INTO patients (id, patient, sort_name, family, given, prefix, birth_date, birth_date_estimated, deceased, gender, phone, address,
        identifiers, updated_at)
      VALUES (@id, @patient, @sortName, @family, @given, @prefix, @birthDate, @birthDateEstimated, @deceased, @gender, @phone, @address,
        @identifiers, @updatedAt)`);
    this.#update = db.prepare(`
      UPDATE patients SET prefix = @prefix, birth_date = @birthDate, birth_date_estimated = @birthDateEstimated, deceased = @deceased,
        gender = @gender, address = @address, updated_at = @updatedAt WHERE id = @id`);
    this.#addWords = db.prepare('INSERT INTO patient_words (id, words) VALUES (?, ?)');
    this.#addToken = db.prepare('INSERT INTO patient_tokens (field, token, id) VALUES (?, ?, ?)');
    this.#addStems = db.prepare('INSERT INTO patients_fts (rowid, stems) VALUES (?, ?)');
  }

  upsertPatients(patients: readonly PatientRow[]): void {
    // Counted anew after a failure, so that a transaction that was undone does not leave a wrong number.
    const before = this.#counted;
    this.#counted = undefined;
    const added = this.#db
      .transaction(() => {
        const added: AddedTokens = new Map();
        const news = patients.filter((patient) => this.#upsert(patient, added)).length;
        const tokens = [...added].flatMap(([id, own]) => own.map(({ field, token }) => ({ field, token, id })));
        // In the order of the table: a large batch then writes each of its pages once.
        tokens.sort(byTable);
        for (const { field, token, id } of tokens) this.#addToken.run(field, token, id);
        return news;
      })
      .immediate();
    if (before !== undefined) this.#counted = before + added;
  }

  /** To be called in a transaction. */
  removePatient(patient: string): void {
    const known = this.#find.get(patient) as (Row & { id: number }) | undefined;
    if (known) this.#forget(known, new Map());
    this.#counted = undefined;
  }

  patient(patient: string): PatientRow | undefined {
    const row = this.#find.get(patient) as (Row & { id: number; sortName: string }) | undefined;
    return row && patientRow(row);
  }

  patients(options: { readonly limit: number; readonly offset: number }): PatientRow[] {
    return (this.#page.all(Math.min(options.limit, maxLimit), options.offset) as Row[]).map(patientRow);
  }

  countPatients(): number {
    this.#counted ??= this.#count.get() as number;
    return this.#counted;
  }

  searchPatients(text: string, limit: number): PatientRow[] {
    const bounded = Math.max(0, Math.min(limit, maxLimit));
    const ids = this.#search.search(text, bounded);
    if (ids === null) return this.patients({ limit: bounded, offset: 0 });
    return ids.map((id) => patientRow(this.#byId.get(id) as Row));
  }

  /** Writes a patient's rows except for the tokens, which are left in `added`. True for a patient who was not known. */
  #upsert(patient: PatientRow, added: AddedTokens): boolean {
    const known = this.#find.get(patient.patient) as (Row & { id: number; sortName: string }) | undefined;
    const values = { ...patient, birthDateEstimated: patient.birthDateEstimated ? 1 : 0, identifiers: JSON.stringify(patient.identifiers) };
    if (known !== undefined && sameWords(patientRow(known), patient)) {
      this.#update.run({ ...values, id: known.id });
      return false;
    }
    if (known !== undefined) this.#forget(known, added);
    const name = sortName(patient);
    const id = this.#freeId(name);
    const tokens = patientTokens(patient);
    this.#insert.run({ ...values, id, sortName: name });
    this.#addWords.run(id, wordsText(tokens));
    this.#addStems.run(id, [...new Set(tokens.map(({ token }) => stem(token)))].join(' '));
    added.set(id, tokens);
    return known === undefined;
  }

  #forget(known: Row & { readonly id: number }, added: AddedTokens): void {
    for (const { field, token } of patientTokens(patientRow(known))) this.#removeToken.run(field, token, known.id);
    for (const statement of this.#remove) statement.run(known.id);
    // The same patient twice in one batch: the tokens of the first are not written yet.
    added.delete(known.id);
  }

  #freeId(name: string): number {
    const first = idBucket(name);
    const last = this.#lastInBucket.get(first, first + idsPerBucket) as number | null;
    const id = last === null ? first : last + 1;
    if (id >= first + idsPerBucket) {
      throw new AppError('INTERNAL', 'More than two million patients share the beginning of this name: the index has no room for another.');
    }
    return id;
  }
}

function patientRow(row: Row): PatientRow {
  return {
    patient: row.patient,
    family: row.family,
    given: row.given,
    prefix: row.prefix,
    birthDate: row.birthDate,
    birthDateEstimated: row.birthDateEstimated === 1,
    deceased: row.deceased,
    gender: row.gender,
    phone: row.phone,
    address: row.address,
    identifiers: JSON.parse(row.identifiers) as PatientRow['identifiers'],
    updatedAt: row.updatedAt,
  };
}

/** Whether nothing changed by which a patient is found or shown in lists: then the search tables stay as they are. */
function sameWords(a: PatientRow, b: PatientRow): boolean {
  return (
    a.family === b.family && a.given === b.given && a.phone === b.phone && JSON.stringify(a.identifiers) === JSON.stringify(b.identifiers)
  );
}
