/** workstation.db: copies counted by kind of holder, what was freed here because others hold it, and what this workstation promised to keep for others. */
import type { Migration } from '../../migrate.ts';

/** `copies` counts all, `hubs` and `outside` those of them that are at hubs, or not at the clinic's own computers. */
export const kindsOfCopies: Migration = {
  version: 8,
  sql: `
    ALTER TABLE holdings ADD COLUMN hubs INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE holdings ADD COLUMN outside INTEGER NOT NULL DEFAULT 0;
    -- 1: its contents were taken out here, because others promised to keep them. 2: decided, and not known to be done.
    ALTER TABLE holdings ADD COLUMN freed INTEGER NOT NULL DEFAULT 0 CHECK (freed IN (0, 1, 2));
    CREATE INDEX holdings_freed ON holdings (place) WHERE freed > 0;
    DROP INDEX holdings_incomplete;
    CREATE INDEX holdings_incomplete ON holdings (place) WHERE whole = 0 AND freed = 0;

    DROP TRIGGER holdings_added;
    DROP TRIGGER holdings_removed;
    DROP TRIGGER holdings_counted;
    DROP TRIGGER copies_added;
    DROP TRIGGER copies_removed;
    DROP TABLE tally;

    UPDATE holdings SET
      hubs = (SELECT count(*) FROM copies c JOIN holders h ON h.id = c.holder WHERE c.op_id = holdings.op_id AND h.kind = 'hub'),
      outside = (SELECT count(*) FROM copies c JOIN holders h ON h.id = c.holder WHERE c.op_id = holdings.op_id AND h.kind = 'pinning');

    -- So that a status line need not count.
    CREATE TABLE tally (
      whole      INTEGER NOT NULL,
      freed      INTEGER NOT NULL CHECK (freed IN (0, 1)),
      copies     INTEGER NOT NULL,
      hubs       INTEGER NOT NULL,
      outside    INTEGER NOT NULL,
      operations INTEGER NOT NULL,
      records    INTEGER NOT NULL,
      PRIMARY KEY (whole, freed, copies, hubs, outside)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO tally
      SELECT whole, 0, copies, hubs, outside, count(*), sum(records) FROM holdings GROUP BY whole, copies, hubs, outside;

    CREATE TRIGGER holdings_added AFTER INSERT ON holdings BEGIN
      INSERT INTO tally VALUES (new.whole, new.freed > 0, new.copies, new.hubs, new.outside, 1, new.records)
        ON CONFLICT DO UPDATE SET operations = operations + 1, records = records + new.records;
    END;
    CREATE TRIGGER holdings_removed AFTER DELETE ON holdings BEGIN
      UPDATE tally SET operations = operations - 1, records = records - old.records
        WHERE whole = old.whole AND freed = (old.freed > 0) AND copies = old.copies AND hubs = old.hubs AND outside = old.outside;
    END;
    CREATE TRIGGER holdings_counted AFTER UPDATE OF copies ON holdings BEGIN
      UPDATE tally SET operations = operations - 1, records = records - old.records
        WHERE whole = old.whole AND freed = (old.freed > 0) AND copies = old.copies AND hubs = old.hubs AND outside = old.outside;
      INSERT INTO tally VALUES (new.whole, new.freed > 0, new.copies, new.hubs, new.outside, 1, new.records)
        ON CONFLICT DO UPDATE SET operations = operations + 1, records = records + new.records;
    END;
    CREATE TRIGGER copies_added AFTER INSERT ON copies BEGIN
      UPDATE holdings SET copies = copies + 1, hubs = hubs + (h.kind = 'hub'), outside = outside + (h.kind = 'pinning')
        FROM (SELECT kind FROM holders WHERE id = new.holder) h WHERE op_id = new.op_id;
    END;
    CREATE TRIGGER copies_removed AFTER DELETE ON copies BEGIN
      UPDATE holdings SET copies = copies - 1, hubs = hubs - (h.kind = 'hub'), outside = outside - (h.kind = 'pinning')
        FROM (SELECT kind FROM holders WHERE id = old.holder) h WHERE op_id = old.op_id;
    END;

    -- Promises that this workstation gave: the contents of an operation are not freed here while one stands. It belongs to one round of the peer's asking.
    CREATE TABLE promises (
      op_id BLOB NOT NULL,
      peer  TEXT NOT NULL,
      round BLOB NOT NULL,
      PRIMARY KEY (op_id, peer)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX promises_peer ON promises (peer);

    -- When a patient's chart was last open here, or their card at the desk; milliseconds.
    CREATE TABLE visits (
      patient TEXT PRIMARY KEY,
      at      INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
  `,
};
