/** An account's drafts, first version. */
import type { Migration } from '../../migrate.ts';

export const initial: Migration = {
  version: 1,
  sql: `
    CREATE TABLE drafts (
      id         TEXT PRIMARY KEY,
      patient    TEXT NOT NULL COLLATE NOCASE,
      kind       TEXT NOT NULL,
      json       TEXT NOT NULL,
      updated_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX drafts_patient ON drafts (patient, updated_at DESC);
  `,
};
