/** An account's index, first version: patients with their search tables, record metadata, keys of compartments, cursors. */
import type { Migration } from '../../migrate.ts';

export const initial: Migration = {
  version: 1,
  sql: `
    -- id grows with the folded name (see patient-words.ts), so that reading by id is reading in name order.
    CREATE TABLE patients (
      id                   INTEGER PRIMARY KEY,
      patient              TEXT NOT NULL UNIQUE COLLATE NOCASE,
      sort_name            TEXT NOT NULL,
      family               TEXT NOT NULL,
      given                TEXT NOT NULL,
      prefix               TEXT NOT NULL,
      birth_date           TEXT NOT NULL,
      birth_date_estimated INTEGER NOT NULL,
      deceased             TEXT NOT NULL,
      gender               TEXT NOT NULL,
      phone                TEXT NOT NULL,
      address              TEXT NOT NULL,
      identifiers          TEXT NOT NULL,
      updated_at           INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX patients_name ON patients (sort_name, patient);

    -- All search words of a patient in one short row: for checking further words of a query.
    CREATE TABLE patient_words (
      id    INTEGER PRIMARY KEY REFERENCES patients (id) ON DELETE CASCADE,
      words TEXT NOT NULL
    ) STRICT;

    -- One row a word; field 0 family, 1 given, 2 phone, 3 identifier. A range of it is a prefix search, in order, without sorting.
    CREATE TABLE patient_tokens (
      field INTEGER NOT NULL,
      token TEXT NOT NULL,
      id    INTEGER NOT NULL,
      PRIMARY KEY (field, token, id)
    ) STRICT, WITHOUT ROWID;

    -- First letters of all words: intersects frequent prefixes ("a b"), which the token table cannot do in bounded time.
    CREATE VIRTUAL TABLE patients_fts USING fts5 (
      stems, content = '', contentless_delete = 1, detail = none, prefix = '1 2',
      tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co M*'"
    );

    -- In the order in which they were learned.
    CREATE TABLE keks (
      id          INTEGER PRIMARY KEY,
      patient     TEXT NOT NULL COLLATE NOCASE,
      compartment BLOB NOT NULL,
      category    TEXT NOT NULL,
      epoch       INTEGER NOT NULL,
      kek         BLOB NOT NULL,
      UNIQUE (patient, compartment, epoch, kek)
    ) STRICT;
    CREATE INDEX keks_compartment ON keks (compartment);

    CREATE TABLE commits (digest BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;

    CREATE TABLE records (
      id            INTEGER PRIMARY KEY,
      version_id    TEXT NOT NULL,
      record_id     TEXT NOT NULL,
      previous      TEXT NOT NULL,
      patient       TEXT NOT NULL COLLATE NOCASE,
      category      TEXT NOT NULL,
      resource_type TEXT NOT NULL,
      author        TEXT NOT NULL COLLATE NOCASE,
      commit_digest BLOB NOT NULL REFERENCES commits (digest),
      op_id         BLOB NOT NULL,
      position      INTEGER NOT NULL,
      date          TEXT NOT NULL,
      status        TEXT NOT NULL,
      title         TEXT NOT NULL,
      detail        TEXT NOT NULL,
      code_system   TEXT NOT NULL,
      code          TEXT NOT NULL,
      encounter     TEXT NOT NULL,
      extract       TEXT NOT NULL,
      UNIQUE (version_id, patient, author)
    ) STRICT;
    CREATE INDEX records_chart  ON records (patient, date DESC, record_id DESC);
    CREATE INDEX records_type   ON records (patient, resource_type, date DESC, record_id DESC);
    CREATE INDEX records_record ON records (record_id);
    CREATE INDEX records_commit ON records (commit_digest);

    -- Which version says that it replaces which. Only within one record of one patient and category: a writer of one compartment
    -- must not be able to hide what lies in another.
    CREATE TABLE replaced (
      version_id TEXT NOT NULL,
      patient    TEXT NOT NULL COLLATE NOCASE,
      category   TEXT NOT NULL,
      record_id  TEXT NOT NULL,
      by_record  INTEGER NOT NULL REFERENCES records (id) ON DELETE CASCADE,
      PRIMARY KEY (version_id, patient, category, record_id, by_record)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX replaced_by ON replaced (by_record);

    -- Titles and codes. The patient is a term too: intersecting with it keeps a search inside one chart, whatever its size.
    CREATE VIRTUAL TABLE records_fts USING fts5 (
      patient, title, code, content = '', contentless_delete = 1, detail = column, prefix = '2 3',
      tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co M*'"
    );

    CREATE TABLE cursors (
      name  TEXT PRIMARY KEY,
      value INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
  `,
};
