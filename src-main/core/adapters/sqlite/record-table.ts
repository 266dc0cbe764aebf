/** Metadata of record versions: what a chart lists, which versions are current, and which commits are indexed. */
import type { Category } from '../../../../src-shared/categories.ts';
import type { RecordListFilter, RecordRow } from '../../ports.ts';
import { bytesOfHex, hexOfBytes } from './bytes.ts';
import type { Db, Statement } from './database.ts';
import { queryWords } from './patient-words.ts';

const columns = `version_id, record_id, previous, patient, category, resource_type, author, commit_digest, op_id, position, date, status,
  title, detail, code_system, code, encounter, extract`;

/** No known version of the same record in the same compartment says that it replaces this one. */
const notReplaced = `NOT EXISTS (SELECT 1 FROM replaced WHERE replaced.version_id = records.version_id AND replaced.patient = records.patient
  AND replaced.category = records.category AND replaced.record_id = records.record_id)`;

interface Row {
  readonly version_id: string;
  readonly record_id: string;
  readonly previous: string;
  readonly patient: string;
  readonly category: Category;
  readonly resource_type: string;
  readonly author: string;
  readonly commit_digest: Uint8Array;
  readonly op_id: Uint8Array;
  readonly position: number;
  readonly date: string;
  readonly status: string;
  readonly title: string;
  readonly detail: string;
  readonly code_system: string;
  readonly code: string;
  readonly encounter: string;
  readonly extract: string;
}

export class RecordTable {
  readonly #db: Db;
  readonly #cache = new Map<string, Statement>();

  constructor(db: Db) {
    this.#db = db;
  }

  addRecords(commit: string, records: readonly RecordRow[]): void {
    const digest = bytesOfHex(commit, 'commit', 32);
    this.#db
      .transaction(() => {
        this.#sql('INSERT INTO commits (digest) VALUES (?) ON CONFLICT DO NOTHING').run(digest);
        for (const record of records) this.#add(digest, record);
        for (const record of records) this.#noteConflict(record);
      })
      .immediate();
  }

  commitIndexed(commit: string): boolean {
    return this.#sql('SELECT 1 FROM commits WHERE digest = ?').get(bytesOfHex(commit, 'commit', 32)) !== undefined;
  }

  removeCommit(commit: string): void {
    const digest = bytesOfHex(commit, 'commit', 32);
    const records = this.#sql(`SELECT ${columns} FROM records WHERE commit_digest = ?`).all(digest) as Row[];
    this.#db
      .transaction(() => {
        this.#sql('DELETE FROM records_fts WHERE rowid IN (SELECT id FROM records WHERE commit_digest = ?)').run(digest);
        this.#sql('DELETE FROM records WHERE commit_digest = ?').run(digest);
        this.#sql('DELETE FROM commits WHERE digest = ?').run(digest);
        for (const record of records.map(recordRow)) this.#noteConflict(record);
      })
      .immediate();
  }

  /** All commits of a patient. To be called in a transaction. */
  removePatient(patient: string): void {
    const commits = this.#sql('SELECT DISTINCT commit_digest AS digest FROM records WHERE patient = ?').all(patient) as {
      digest: Uint8Array;
    }[];
    for (const { digest } of commits) this.removeCommit(hexOfBytes(digest));
  }

  records(filter: RecordListFilter): RecordRow[] {
    const conditions = ['patient = ?'];
    const parameters: unknown[] = [filter.patient];
    let index = 'records_chart';
    if (filter.resourceTypes !== undefined) {
      conditions.push('resource_type IN (SELECT value FROM json_each(?))');
      parameters.push(JSON.stringify(filter.resourceTypes));
      if (filter.resourceTypes.length === 1) {
        conditions.push('resource_type = ?');
        parameters.push(filter.resourceTypes[0]);
        index = 'records_type';
      }
    }
    if (filter.categories !== undefined) {
      conditions.push('category IN (SELECT value FROM json_each(?))');
      parameters.push(JSON.stringify(filter.categories));
    }
    if (filter.before !== undefined) {
      conditions.push('(date, record_id) < (?, ?)');
      parameters.push(filter.before.date, filter.before.recordId);
    }
    if (filter.current ?? true) conditions.push(notReplaced);
    const sql = `SELECT ${columns} FROM records INDEXED BY ${index} WHERE ${conditions.join(' AND ')} ORDER BY date DESC, record_id DESC LIMIT ?`;
    return (this.#sql(sql).all(...parameters, filter.limit ?? -1) as Row[]).map(recordRow);
  }

  countRecords(patient: string): { resourceType: string; category: Category; count: number }[] {
    return this.#sql(
      `
      SELECT resource_type AS resourceType, category, count(*) AS count FROM records INDEXED BY records_type
      WHERE patient = ? AND ${notReplaced} GROUP BY resource_type, category ORDER BY resource_type, category`,
    ).all(patient) as {
      resourceType: string;
      category: Category;
      count: number;
    }[];
  }

  conflicts(limit: number): { patient: string; category: Category; recordId: string }[] {
    return this.#sql('SELECT patient, category, record_id AS recordId FROM conflicts ORDER BY patient, category, record_id LIMIT ?').all(
      limit,
    ) as { patient: string; category: Category; recordId: string }[];
  }

  currentVersions(patient: string, category: Category, recordId: string): RecordRow[] {
    const sql = `SELECT ${columns} FROM records INDEXED BY records_record
      WHERE record_id = ? AND patient = ? AND category = ? AND ${notReplaced} ORDER BY version_id, author`;
    return (this.#sql(sql).all(recordId, patient, category) as Row[]).map(recordRow);
  }

  appointments(from: string, limit: number): RecordRow[] {
    const sql = `SELECT ${columns} FROM records INDEXED BY records_appointments
      WHERE resource_type = 'Appointment' AND date >= ? AND ${notReplaced} ORDER BY date LIMIT ?`;
    return (this.#sql(sql).all(from, limit) as Row[]).map(recordRow);
  }

  /** As they became known here: a chart shows the order of the ledger from the operations, not from this. */
  versions(recordId: string): RecordRow[] {
    return (this.#sql(`SELECT ${columns} FROM records WHERE record_id = ? ORDER BY id`).all(recordId) as Row[]).map(recordRow);
  }

  version(versionId: string): RecordRow | undefined {
    const row = this.#sql(`SELECT ${columns} FROM records WHERE version_id = ? ORDER BY id LIMIT 1`).get(versionId) as Row | undefined;
    return row && recordRow(row);
  }

  searchRecords(patient: string, text: string, limit: number): RecordRow[] {
    const words = queryWords(text);
    if (words.length === 0) return [];
    const query = [
      `patient : "${patient.toLowerCase().replaceAll(/[^0-9a-fx]/g, '')}"`,
      ...words.map((word) => `{title code} : "${word}" *`),
    ];
    return (
      this.#sql(
        `
        SELECT ${columns} FROM records WHERE id IN (SELECT rowid FROM records_fts WHERE records_fts MATCH ? LIMIT 1000) AND patient = ? AND ${notReplaced}
        ORDER BY date DESC, record_id DESC LIMIT ?`,
      ).all(query.join(' AND '), patient, limit) as Row[]
    ).map(recordRow);
  }

  /** To be called after a version of the record came or went. */
  #noteConflict({ patient, category, recordId }: RecordRow): void {
    const sql = `SELECT count(*) AS count FROM records INDEXED BY records_record
      WHERE record_id = ? AND patient = ? AND category = ? AND ${notReplaced}`;
    const { count } = this.#sql(sql).get(recordId, patient, category) as { count: number };
    const change =
      count > 1
        ? 'INSERT INTO conflicts (patient, category, record_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING'
        : 'DELETE FROM conflicts WHERE patient = ? AND category = ? AND record_id = ?';
    this.#sql(change).run(patient, category, recordId);
  }

  #add(digest: Uint8Array, record: RecordRow): void {
    const values = { ...record, previous: JSON.stringify(record.previous), digest, opId: bytesOfHex(record.opId, 'operation id', 32) };
    // The author sealed the same version again (its epoch had passed, or it was refused): it lies in the newer commit from now on.
    // Another author's version under the same id is kept beside it, so that nobody can take the place of what someone else wrote.
    const { id } = this.#sql(
      `
      INSERT INTO records (version_id, record_id, previous, patient, category, resource_type, author, commit_digest, op_id, position, date, status,
        title, detail, code_system, code, encounter, extract)
      VALUES (@versionId, @recordId, @previous, @patient, @category, @resourceType, @author, @digest, @opId, @position, @date, @status,
        @title, @detail, @codeSystem, @code, @encounter, @extract)
      ON CONFLICT (version_id, patient, author) DO UPDATE SET record_id = excluded.record_id, previous = excluded.previous,
        category = excluded.category, resource_type = excluded.resource_type, commit_digest = excluded.commit_digest, op_id = excluded.op_id,
        position = excluded.position, date = excluded.date, status = excluded.status, title = excluded.title, detail = excluded.detail,
        code_system = excluded.code_system, code = excluded.code, encounter = excluded.encounter, extract = excluded.extract
      RETURNING id`,
    ).get(values) as { id: number };
    this.#sql('DELETE FROM replaced WHERE by_record = ?').run(id);
    for (const version of record.previous) {
      this.#sql(
        'INSERT INTO replaced (version_id, patient, category, record_id, by_record) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
      ).run(version, record.patient, record.category, record.recordId, id);
    }
    this.#sql('INSERT OR REPLACE INTO records_fts (rowid, patient, title, code) VALUES (?, ?, ?, ?)').run(
      id,
      record.patient.toLowerCase(),
      queryText(record.title),
      `${queryText(record.code)} ${record.code}`,
    );
  }

  #sql(sql: string): Statement {
    let statement = this.#cache.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#cache.set(sql, statement);
    }
    return statement;
  }
}

/** Folded as queries are; a bounded beginning is enough to find a record by. */
function queryText(text: string): string {
  const words: string[] = [];
  for (const word of text.slice(0, 2000).split(/\s+/u))
    words.push(...queryWords(word), ...word.split(/[^\p{L}\p{N}\p{M}]+/u).flatMap(queryWords));
  return [...new Set(words)].join(' ');
}

function recordRow(row: Row): RecordRow {
  return {
    recordId: row.record_id,
    versionId: row.version_id,
    previous: JSON.parse(row.previous) as string[],
    patient: row.patient,
    category: row.category,
    resourceType: row.resource_type,
    author: row.author,
    commit: hexOfBytes(row.commit_digest),
    opId: hexOfBytes(row.op_id),
    position: row.position,
    date: row.date,
    status: row.status,
    title: row.title,
    detail: row.detail,
    codeSystem: row.code_system,
    code: row.code,
    encounter: row.encounter,
    extract: row.extract,
  };
}
