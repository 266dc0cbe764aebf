/** blocks.db: which operations need which blocks, and which of those are not here, or damaged. */
import type { Migration } from '../../migrate.ts';

export const named: Migration = {
  version: 2,
  sql: `
    -- By whom a block is needed: an operation that this workstation keeps, or a pin of another clinic; 32 bytes each.
    CREATE TABLE named (
      owner     BLOB NOT NULL CHECK (length(owner) = 32),
      multihash BLOB NOT NULL,
      PRIMARY KEY (owner, multihash)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX named_multihash ON named (multihash);

    -- Named, and not here as they should be. What is damaged stays in its place until a good copy has come.
    CREATE TABLE wanted (
      multihash BLOB PRIMARY KEY,
      damaged   INTEGER NOT NULL CHECK (damaged IN (0, 1)),
      found_at  INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
  `,
};
