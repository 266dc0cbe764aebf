/** blocks.db, first version. */
import type { Migration } from '../../migrate.ts';

export const initial: Migration = {
  version: 1,
  sql: `
    -- By multihash: the same bytes are the same block, whatever codec a CID names. A rowid table, for large values beside a small key.
    CREATE TABLE blocks (
      id        INTEGER PRIMARY KEY,
      multihash BLOB NOT NULL UNIQUE,
      bytes     BLOB NOT NULL
    ) STRICT;
  `,
};
