/**
 * workstation.db: in which network an operation was signed, where that is a predecessor of the one that it is anchored in, and where it comes when everything is
 * sent to another ledger: in the order of the former one, which is not always that in which operations became known here.
 */
import type { Migration } from '../../migrate.ts';

export const predecessor: Migration = {
  version: 5,
  sql: `
    -- EIP-712 domain separator; NULL for the workstation's own network, as all that was known before.
    ALTER TABLE operations ADD COLUMN predecessor BLOB CHECK (predecessor IS NULL OR length(predecessor) = 32);
    -- NULL: in the order of seq.
    ALTER TABLE operations ADD COLUMN send_order INTEGER;
    CREATE INDEX operations_sending ON operations (state, coalesce(send_order, seq));
  `,
};
