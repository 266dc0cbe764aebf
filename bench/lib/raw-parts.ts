/** The raw parts that limits are made of: SQLite committing durably, the cipher, the signature, each without anything around it. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import Database from 'better-sqlite3';
import { temporaryFolder } from './folder.ts';

/** A table of blobs that is fsynced at each commit. */
export function openRawTable(): { readonly commit: (rows: readonly Uint8Array[]) => void; readonly close: () => void } {
  const db = new Database(join(temporaryFolder(), 'raw.db'));
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('CREATE TABLE rows (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT');
  const insert = db.prepare('INSERT INTO rows (bytes) VALUES (?)');
  return {
    commit: db.transaction((rows: readonly Uint8Array[]) => {
      for (const bytes of rows) insert.run(bytes);
    }),
    close: () => db.close(),
  };
}

const key = randomBytes(32);
const signer = secp256k1.utils.randomSecretKey();

export const encryptRaw = (plaintext: Uint8Array): Uint8Array => xchacha20poly1305(key, randomBytes(24)).encrypt(plaintext);
export const signRaw = (digest: Uint8Array): Uint8Array => secp256k1.sign(digest, signer, { prehash: false });
