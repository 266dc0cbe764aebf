/** What somebody with the disk in hand can do to a stopped workstation: look at its blockstore and change a byte in it. */
import { join } from 'node:path';
import Database from 'better-sqlite3';

interface Row {
  readonly multihash: Buffer;
  readonly bytes: Buffer;
}

function open<T>(dataDir: string, use: (db: Database.Database) => T): T {
  const db = new Database(join(dataDir, 'blocks.db'));
  try {
    return use(db);
  } finally {
    db.close();
  }
}

/** The multihashes of all blocks, in hexadecimal. */
export const storedBlocks = (dataDir: string): Set<string> =>
  open(
    dataDir,
    (db) =>
      new Set(
        db
          .prepare<[], Row>('SELECT multihash FROM blocks')
          .all()
          .map((row) => row.multihash.toString('hex')),
      ),
  );

/** Flips the lowest bit of the byte in the middle of each of these blocks. */
export function flipByteIn(dataDir: string, multihashes: readonly string[]): void {
  open(dataDir, (db) => {
    for (const hex of multihashes) {
      const multihash = Buffer.from(hex, 'hex');
      const row = db.prepare<[Buffer], Row>('SELECT bytes FROM blocks WHERE multihash = ?').get(multihash);
      if (!row) throw new Error(`There is no block ${hex}.`);
      const at = row.bytes.length >> 1;
      row.bytes.writeUInt8(row.bytes.readUInt8(at) ^ 1, at);
      db.prepare('UPDATE blocks SET bytes = ? WHERE multihash = ?').run(row.bytes, multihash);
    }
  });
}
