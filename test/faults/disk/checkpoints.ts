/** A process of its own, on a faulty disk, for `read-errors.test.ts`: does to a database what each line asks for, and answers with a line of JSON. */
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { openDatabase } from '../../../src-main/core/adapters/sqlite/database.ts';

const [dir = '', encrypted = ''] = process.argv.slice(2);
const file = join(dir, 'x.db');
const create = { version: 1, sql: 'CREATE TABLE t (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT' };
const key = encrypted === 'encrypted' ? { key: new Uint8Array(32).fill(7) } : {};
const db = openDatabase({ file, ...key, migrations: [create], pageSize: 16384 });
const put = db.prepare('INSERT INTO t (bytes) VALUES (?)');
const told: Record<string, () => unknown> = {
  write: () => db.transaction(() => Array.from({ length: 40 }, (_, i) => put.run(Buffer.alloc(9000, i + 1))).length)(),
  checkpoint: () => db.pragma('wal_checkpoint(FULL)'),
  check: () => db.pragma('integrity_check'),
  count: () => db.prepare('SELECT count(*) FROM t').pluck().get(),
};
for await (const line of createInterface({ input: process.stdin })) {
  let answer: unknown;
  try {
    answer = told[line]?.();
  } catch (error) {
    answer = { code: (error as { code?: string }).code };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
