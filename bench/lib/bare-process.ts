/**
 * A Node process that does nothing but load SQLite and open databases: the floor under the core's start and memory. Arguments: a JSON array of
 * {file, key} (key in hex, or null), then it tells its parent that it is ready and waits for it to go.
 */
import Database from 'better-sqlite3';

for (const { file, key } of JSON.parse(process.argv[2] ?? '[]') as { file: string; key: string | null }[]) {
  const db = new Database(file);
  if (key !== null) {
    db.pragma(`cipher = 'chacha20'`);
    db.pragma(`key = "raw:${key}"`);
  }
  db.pragma('journal_mode = WAL');
  db.prepare('SELECT count(*) FROM sqlite_schema').get();
}
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
