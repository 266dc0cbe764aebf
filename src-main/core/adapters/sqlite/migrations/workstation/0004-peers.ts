/** workstation.db: what other workstations of the clinic brought, what they hold of what was made here, and which blocks are still to be fetched. */
import type { Migration } from '../../migrate.ts';

export const peers: Migration = {
  version: 4,
  sql: `
    -- 1 where another workstation brought it before the ledger did; its origin is 'ledger' all the same, as of all that was not made here.
    ALTER TABLE operations ADD COLUMN from_peer INTEGER NOT NULL DEFAULT 0 CHECK (from_peer IN (0, 1));
    -- 1 once another workstation of the clinic said that it holds the operation and its blocks.
    ALTER TABLE operations ADD COLUMN published INTEGER NOT NULL DEFAULT 0 CHECK (published IN (0, 1));
    -- 1 while blocks that it names are to be fetched for this workstation.
    ALTER TABLE operations ADD COLUMN awaits_blocks INTEGER NOT NULL DEFAULT 0 CHECK (awaits_blocks IN (0, 1));
    CREATE INDEX operations_awaiting ON operations (seq) WHERE awaits_blocks = 1;
  `,
};
