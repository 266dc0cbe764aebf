/** workstation.db: commits that the ledger told of while much had gathered, until their signatures are checked. */
import type { Migration } from '../../migrate.ts';

/** `signer`: who signs for the author at that place of the ledger. `wanted`: somebody who works here may read it. `event`: as JSON. */
export const uncheckedCommits: Migration = {
  version: 9,
  sql: `
    CREATE TABLE unchecked_commits (
      op_id       BLOB    PRIMARY KEY,
      compartment BLOB    NOT NULL,
      signer      TEXT    NOT NULL,
      block       INTEGER NOT NULL,
      log_index   INTEGER NOT NULL,
      wanted      INTEGER NOT NULL DEFAULT 0 CHECK (wanted IN (0, 1)),
      event       TEXT    NOT NULL
    ) STRICT;
    CREATE INDEX unchecked_place ON unchecked_commits (wanted, block, log_index);
    CREATE INDEX unchecked_compartment ON unchecked_commits (compartment, block, log_index);

    -- How many there are, which is asked often, of a hundred thousand maybe.
    CREATE TABLE unchecked_count (count INTEGER NOT NULL) STRICT;
    INSERT INTO unchecked_count VALUES (0);
    CREATE TRIGGER unchecked_added AFTER INSERT ON unchecked_commits BEGIN UPDATE unchecked_count SET count = count + 1; END;
    CREATE TRIGGER unchecked_removed AFTER DELETE ON unchecked_commits BEGIN UPDATE unchecked_count SET count = count - 1; END;
  `,
};
