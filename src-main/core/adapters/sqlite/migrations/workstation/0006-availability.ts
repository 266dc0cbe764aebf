/** workstation.db: which operations are kept here with their blocks, and who else said that they hold them. */
import type { Migration } from '../../migrate.ts';

export const availability: Migration = {
  version: 6,
  sql: `
    -- What this workstation keeps. A change gets a new place, so that another workstation asks only for what changed since.
    CREATE TABLE holdings (
      place   INTEGER PRIMARY KEY AUTOINCREMENT,
      op_id   BLOB NOT NULL UNIQUE,
      whole   INTEGER NOT NULL CHECK (whole IN (0, 1)),
      -- Record versions in it; 0 for what is no commit, or moves the contents of others.
      records INTEGER NOT NULL,
      copies  INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX holdings_incomplete ON holdings (place) WHERE whole = 0;

    CREATE TABLE holders (
      id           INTEGER PRIMARY KEY,
      holder       TEXT NOT NULL UNIQUE,
      kind         TEXT NOT NULL CHECK (kind IN ('workstation', 'hub', 'pinning')),
      -- Of what it said, up to where it was read, and in which run of it that was written.
      place        INTEGER NOT NULL,
      run          BLOB NOT NULL,
      -- Milliseconds; that all it said before still stands.
      confirmed_at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE copies (
      op_id  BLOB NOT NULL,
      holder INTEGER NOT NULL REFERENCES holders (id),
      PRIMARY KEY (op_id, holder)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX copies_holder ON copies (holder);

    -- So that a status line need not count.
    CREATE TABLE tally (
      whole      INTEGER NOT NULL,
      copies     INTEGER NOT NULL,
      operations INTEGER NOT NULL,
      records    INTEGER NOT NULL,
      PRIMARY KEY (whole, copies)
    ) STRICT, WITHOUT ROWID;

    CREATE TRIGGER holdings_added AFTER INSERT ON holdings BEGIN
      INSERT INTO tally VALUES (new.whole, new.copies, 1, new.records)
        ON CONFLICT DO UPDATE SET operations = operations + 1, records = records + new.records;
    END;
    CREATE TRIGGER holdings_removed AFTER DELETE ON holdings BEGIN
      UPDATE tally SET operations = operations - 1, records = records - old.records WHERE whole = old.whole AND copies = old.copies;
    END;
    CREATE TRIGGER holdings_counted AFTER UPDATE OF copies ON holdings BEGIN
      UPDATE tally SET operations = operations - 1, records = records - old.records WHERE whole = old.whole AND copies = old.copies;
      INSERT INTO tally VALUES (new.whole, new.copies, 1, new.records)
        ON CONFLICT DO UPDATE SET operations = operations + 1, records = records + new.records;
    END;
    CREATE TRIGGER copies_added AFTER INSERT ON copies BEGIN
      UPDATE holdings SET copies = copies + 1 WHERE op_id = new.op_id;
    END;
    CREATE TRIGGER copies_removed AFTER DELETE ON copies BEGIN
      UPDATE holdings SET copies = copies - 1 WHERE op_id = old.op_id;
    END;
    -- Withdrawn, or replaced by what was signed anew.
    CREATE TRIGGER operations_gone AFTER DELETE ON operations BEGIN
      DELETE FROM holdings WHERE op_id = old.op_id;
    END;
  `,
};
