/** workstation.db: what was given to a pinning service, and, on a hub, what it pins for other clinics. */
import type { Migration } from '../../migrate.ts';

export const pins: Migration = {
  version: 7,
  sql: `
    CREATE TABLE pins (
      op_id      BLOB NOT NULL,
      cid        TEXT NOT NULL,
      -- NULL: not given to the service yet.
      state      TEXT CHECK (state IN ('queued', 'pinning', 'pinned', 'failed')),
      -- Milliseconds; when the service last said so.
      checked_at INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (op_id, cid)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX pins_state ON pins (state, checked_at);
    CREATE INDEX pins_cid ON pins (cid);

    CREATE TABLE kept_pins (
      seq        INTEGER PRIMARY KEY AUTOINCREMENT,
      request_id TEXT NOT NULL UNIQUE,
      client     TEXT NOT NULL,
      cid        TEXT NOT NULL,
      name       TEXT NOT NULL,
      origins    TEXT NOT NULL,
      meta       TEXT NOT NULL,
      status     TEXT NOT NULL CHECK (status IN ('queued', 'pinning', 'pinned', 'failed')),
      bytes      INTEGER NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX kept_pins_client ON kept_pins (client, cid);
    CREATE INDEX kept_pins_unfinished ON kept_pins (seq) WHERE status IN ('queued', 'pinning');
  `,
};
