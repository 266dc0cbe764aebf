/** The raw parts that limits are made of: SQLite committing durably, the cipher, the signature, each without anything around it. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { chacha20poly1305, xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import Database from 'better-sqlite3';
import { temporaryFolder } from './folder.ts';

/** A table of blobs that is fsynced at each commit. */
export function openRawTable(): {
  readonly commit: (rows: readonly Uint8Array[]) => void;
  readonly read: () => Uint8Array[];
  readonly close: () => void;
} {
  const db = new Database(join(temporaryFolder(), 'raw.db'));
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('CREATE TABLE rows (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT');
  const insert = db.prepare('INSERT INTO rows (bytes) VALUES (?)');
  return {
    commit: db.transaction((rows: readonly Uint8Array[]) => {
      for (const bytes of rows) insert.run(bytes);
    }),
    read: () =>
      db
        .prepare<[], { bytes: Uint8Array }>('SELECT bytes FROM rows')
        .all()
        .map(({ bytes }) => bytes),
    close: () => db.close(),
  };
}

const key = randomBytes(32);
const signer = secp256k1.utils.randomSecretKey();

export const encryptRaw = (plaintext: Uint8Array): Uint8Array => xchacha20poly1305(key, randomBytes(24)).encrypt(plaintext);
export const signRaw = (digest: Uint8Array): Uint8Array => secp256k1.sign(digest, signer, { prehash: false });
const nonce = randomBytes(24);
/** With the nonce of {@link sealOnce}. */
export const decryptRaw = (ciphertext: Uint8Array): Uint8Array => xchacha20poly1305(key, nonce).decrypt(ciphertext);
export const sealOnce = (plaintext: Uint8Array): Uint8Array => xchacha20poly1305(key, nonce).encrypt(plaintext);
/** The public key whose 65-byte recovered signature of a digest this is. */
export const recoverRaw = (digest: Uint8Array, signature: Uint8Array): Uint8Array =>
  secp256k1.recoverPublicKey(signature, digest, { prehash: false });
export const signRecoverable = (digest: Uint8Array): Uint8Array => secp256k1.sign(digest, signer, { prehash: false, format: 'recovered' });

const reader = x25519.utils.randomSecretKey();
const readerKey = x25519.getPublicKey(reader);
const zeroNonce = new Uint8Array(12);

/** X25519 with a new key, HKDF and ChaCha20-Poly1305: what HPKE is made of. */
export function sealRaw(plaintext: Uint8Array): Uint8Array {
  const secret = x25519.utils.randomSecretKey();
  const publicKey = x25519.getPublicKey(secret);
  const derived = hkdf(sha256, x25519.getSharedSecret(secret, readerKey), undefined, publicKey, 32);
  return Buffer.concat([publicKey, chacha20poly1305(derived, zeroNonce).encrypt(plaintext)]);
}

export function openRaw(sealed: Uint8Array): Uint8Array {
  const publicKey = sealed.subarray(0, 32);
  const derived = hkdf(sha256, x25519.getSharedSecret(reader, publicKey), undefined, publicKey, 32);
  return chacha20poly1305(derived, zeroNonce).decrypt(sealed.subarray(32));
}
