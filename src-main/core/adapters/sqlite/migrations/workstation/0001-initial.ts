/** workstation.db, first version: settings, people, operations with their outbox, and what the follower has seen. */
import type { Migration } from '../../migrate.ts';

export const initial: Migration = {
  version: 1,
  sql: `
    CREATE TABLE settings (
      name  TEXT PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE people (
      account        TEXT PRIMARY KEY COLLATE NOCASE,
      name           TEXT NOT NULL,
      encryption_key TEXT NOT NULL,
      sealed         TEXT NOT NULL,
      created_at     INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE operations (
      seq            INTEGER PRIMARY KEY AUTOINCREMENT,
      op_id          BLOB NOT NULL UNIQUE,
      kind           INTEGER NOT NULL,
      actor          TEXT NOT NULL COLLATE NOCASE,
      issued_at      INTEGER NOT NULL,
      deadline       INTEGER NOT NULL,
      payload        BLOB NOT NULL,
      signatures     TEXT NOT NULL,
      patient        TEXT COLLATE NOCASE,
      compartment    BLOB,
      organization   BLOB,
      grantee        BLOB,
      member         TEXT COLLATE NOCASE,
      digest         BLOB,
      state          TEXT NOT NULL CHECK (state IN ('pending', 'submitted', 'mined', 'final', 'rejected')),
      origin         TEXT NOT NULL CHECK (origin IN ('here', 'ledger')),
      block          INTEGER,
      log_index      INTEGER,
      tx_hash        TEXT,
      reject_reason  TEXT,
      rejected_block INTEGER,
      created_at     INTEGER NOT NULL,
      label          TEXT NOT NULL,
      CHECK ((block IS NULL) = (log_index IS NULL)),
      CHECK ((state IN ('mined', 'final')) = (block IS NOT NULL))
    ) STRICT;
    CREATE INDEX operations_outbox       ON operations (seq) WHERE state = 'pending' AND origin = 'here';
    CREATE INDEX operations_here         ON operations (seq) WHERE origin = 'here';
    CREATE INDEX operations_state        ON operations (state, seq);
    CREATE INDEX operations_kind         ON operations (kind, block, log_index);
    CREATE INDEX operations_actor        ON operations (actor, kind);
    CREATE INDEX operations_anchor       ON operations (block, log_index) WHERE block IS NOT NULL;
    CREATE INDEX operations_rejected     ON operations (rejected_block) WHERE rejected_block IS NOT NULL;
    CREATE INDEX operations_patient      ON operations (patient, kind) WHERE patient IS NOT NULL;
    CREATE INDEX operations_compartment  ON operations (compartment, kind) WHERE compartment IS NOT NULL;
    CREATE INDEX operations_organization ON operations (organization, kind) WHERE organization IS NOT NULL;
    CREATE INDEX operations_grantee      ON operations (grantee, kind) WHERE grantee IS NOT NULL;
    CREATE INDEX operations_member       ON operations (member, kind) WHERE member IS NOT NULL;
    CREATE INDEX operations_digest       ON operations (digest) WHERE digest IS NOT NULL;

    CREATE TABLE transactions (
      hash       TEXT PRIMARY KEY,
      nonce      INTEGER NOT NULL,
      raw        TEXT NOT NULL,
      op_ids     TEXT NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE transaction_operations (
      op_id BLOB NOT NULL,
      hash  TEXT NOT NULL REFERENCES transactions (hash) ON DELETE CASCADE,
      PRIMARY KEY (op_id, hash)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX transaction_operations_hash ON transaction_operations (hash);

    CREATE TABLE followed_blocks (
      number INTEGER PRIMARY KEY,
      hash   TEXT NOT NULL
    ) STRICT;
  `,
};
