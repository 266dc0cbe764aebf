/**
 * workstation.db: which operations were saved together, whether one may have left this workstation, and what was withdrawn before it did.
 * Also indexes for reading what came after a place, however long the history before it is.
 */
import type { Migration } from '../../migrate.ts';

export const withdrawal: Migration = {
  version: 2,
  sql: `
    -- seq of the first operation of the save that this one belongs to; NULL for what others made.
    ALTER TABLE operations ADD COLUMN save INTEGER;
    -- 1 from the moment before it was first handed to a ledger, another workstation or a stick: from then on nobody can take it back.
    ALTER TABLE operations ADD COLUMN handed_out INTEGER NOT NULL DEFAULT 0 CHECK (handed_out IN (0, 1));
    -- Of what is there already, nobody knows.
    UPDATE operations SET handed_out = 1;
    CREATE INDEX operations_save ON operations (save) WHERE save IS NOT NULL;

    -- In the order of seq within a kind: reading what came after a place must not pass over all else.
    DROP INDEX operations_kind;
    CREATE INDEX operations_kind ON operations (kind);
    -- Pages and counts of the outbox.
    DROP INDEX operations_here;
    CREATE INDEX operations_here ON operations (state, seq) WHERE origin = 'here';
    CREATE INDEX operations_made ON operations (seq) WHERE origin = 'here';

    -- For the indexes of people who were not logged in when it happened.
    CREATE TABLE withdrawn (
      seq     INTEGER PRIMARY KEY AUTOINCREMENT,
      op_id   BLOB NOT NULL,
      kind    INTEGER NOT NULL,
      patient TEXT COLLATE NOCASE,
      grantee BLOB,
      digest  BLOB
    ) STRICT;
  `,
};
