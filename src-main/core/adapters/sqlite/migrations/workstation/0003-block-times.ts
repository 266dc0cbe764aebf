/** The block's time of what a delegate decided: an appointment may end, and the ledger judged by that time. */
import type { Migration } from '../../migrate.ts';

export const blockTimes: Migration = {
  version: 3,
  sql: 'ALTER TABLE operations ADD COLUMN block_time INTEGER;',
};
