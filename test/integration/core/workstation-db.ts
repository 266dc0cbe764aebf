/** workstation.db of a running workstation, as somebody who holds the disk and the machine's key can open it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

export function openWorkstationDb(dir: string): Database.Database {
  const db = new Database(join(dir, 'workstation.db'));
  db.pragma(`cipher = 'chacha20'`);
  db.pragma(`key = "raw:${readFileSync(join(dir, 'machine.key')).toString('hex')}"`);
  return db;
}
