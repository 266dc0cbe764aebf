/**
 * V3 keystore files (Web3 Secret Storage Definition): how Ethereum wallets keep a private key under a password. A file comes from anywhere, so
 * its form is checked and its KDF's cost bounded before anything is computed; scrypt and PBKDF2 run in Node's thread pool, one at a time,
 * because a usual file asks for 256 MiB.
 */
import { createCipheriv, createDecipheriv, pbkdf2, randomUUID, scrypt } from 'node:crypto';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { AppError } from '../../../../src-shared/errors.ts';
import { concat, equalBytes, fromHex, toHex, utf8, zero } from './bytes.ts';
import { accountOfSecret, isPrivateKey } from './derivation.ts';
import { randomBytes } from './hashing.ts';

const maxFileLength = 16_384;
const maxPasswordLength = 1_024;
const limits = {
  /** Bytes that scrypt takes: 128 N r. Geth's files take 256 MiB. */
  scryptMemory: 512 * 1024 * 1024,
  /** N r p: twice geth's, or the standard's example with p 8. */
  scryptWork: 2 ** 22,
  pbkdf2Rounds: 10_000_000,
} as const;
const written = { n: 131_072, r: 8, p: 1 } as const;

type Stretch = (password: Uint8Array) => Promise<Uint8Array>;

interface Keystore {
  readonly stretch: Stretch;
  readonly iv: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly mac: Uint8Array;
  /** Lower-case hexadecimal without 0x, where the file names it. */
  readonly address: string | null;
}

let busy = false;

/** The private key (32 bytes) in a file. Throws KEY_INVALID for a file that is none, WRONG_CREDENTIALS, TRY_LATER. */
export function openKeystore(json: string, password: string): Promise<Uint8Array> {
  const keystore = readKeystore(json);
  return oneAtATime(async () => {
    if (password.length <= maxPasswordLength) {
      // Wallets differ in whether they normalize what is typed; for most passwords both are the same.
      for (const spelling of new Set([password, password.normalize('NFKC')])) {
        const key = await tryPassword(keystore, spelling);
        if (key) return checked(key, keystore.address);
      }
    }
    throw new AppError('WRONG_CREDENTIALS', 'The password does not open this keystore file. Nothing was kept; check it and try again.');
  });
}

/** A private key as a file's text. Throws TRY_LATER. */
export function writeKeystore(privateKey: Uint8Array, password: string): Promise<string> {
  return oneAtATime(async () => {
    const salt = randomBytes(32);
    const iv = randomBytes(16);
    const stretched = await stretchByScrypt(written, salt)(utf8(password.normalize('NFKC')));
    const cipher = createCipheriv('aes-128-ctr', stretched.subarray(0, 16), iv);
    const ciphertext = concat(cipher.update(privateKey), cipher.final());
    const mac = macOf(stretched, ciphertext);
    zero(stretched);
    return JSON.stringify({
      version: 3,
      id: randomUUID(),
      address: hex(accountOfSecret(privateKey)).toLowerCase(),
      crypto: {
        cipher: 'aes-128-ctr',
        cipherparams: { iv: hex(toHex(iv)) },
        ciphertext: hex(toHex(ciphertext)),
        kdf: 'scrypt',
        kdfparams: { dklen: 32, salt: hex(toHex(salt)), ...written },
        mac: hex(toHex(mac)),
      },
    });
  });
}

async function tryPassword(keystore: Keystore, password: string): Promise<Uint8Array | null> {
  const typed = utf8(password);
  const stretched = await keystore.stretch(typed);
  zero(typed);
  try {
    if (!equalBytes(macOf(stretched, keystore.ciphertext), keystore.mac)) return null;
    const decipher = createDecipheriv('aes-128-ctr', stretched.subarray(0, 16), keystore.iv);
    return concat(decipher.update(keystore.ciphertext), decipher.final());
  } finally {
    zero(stretched);
  }
}

function checked(key: Uint8Array, address: string | null): Uint8Array {
  if (!isPrivateKey(key)) throw keyInvalid('What is in it is not a private key.');
  if (address !== null && hex(accountOfSecret(key)).toLowerCase() !== address)
    throw keyInvalid('Its key belongs to another account than it says.');
  return key;
}

function macOf(stretched: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  return keccak_256(concat(stretched.subarray(16, 32), ciphertext));
}

function readKeystore(json: string): Keystore {
  if (json.length > maxFileLength) throw keyInvalid('It is too large.');
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    // The parser's message would repeat a part of the file.
    throw keyInvalid('It is not JSON.');
  }
  const file = members(parsed);
  if (file['version'] !== 3) throw keyInvalid('It is not of version 3.');
  // Some early wallets write "Crypto".
  const crypto = members(file['crypto'] ?? file['Crypto']);
  if (crypto['cipher'] !== 'aes-128-ctr') throw keyInvalid('Its cipher is not AES-128-CTR.');
  const address = file['address'] ?? null;
  return {
    stretch: readKdf(crypto['kdf'], members(crypto['kdfparams'])),
    iv: bytes(members(crypto['cipherparams'])['iv'], 16, 'iv'),
    ciphertext: bytes(crypto['ciphertext'], 32, 'ciphertext'),
    mac: bytes(crypto['mac'], 32, 'mac'),
    address: address === null || address === '' ? null : hex(toHex(bytes(address, 20, 'address'))),
  };
}

function readKdf(name: unknown, params: Readonly<Record<string, unknown>>): Stretch {
  if (params['dklen'] !== 32) throw keyInvalid('Its derived key is not 32 bytes long.');
  const salt = saltOf(params['salt']);
  if (name === 'scrypt') {
    const n = count(params['n'], 'n');
    const r = count(params['r'], 'r');
    const p = count(params['p'], 'p');
    if (n < 2 || !Number.isInteger(Math.log2(n))) throw keyInvalid('Its scrypt parameter n is not a power of two.');
    // RFC 7914, section 2: N is less than 2^(128 r / 8).
    if (Math.log2(n) >= 16 * r || 128 * n * r > limits.scryptMemory || n * r * p > limits.scryptWork) throw tooCostly();
    return stretchByScrypt({ n, r, p }, salt);
  }
  if (name !== 'pbkdf2' || params['prf'] !== 'hmac-sha256')
    throw keyInvalid('Its way of stretching the password is neither scrypt nor PBKDF2.');
  const rounds = count(params['c'], 'c');
  if (rounds > limits.pbkdf2Rounds) throw tooCostly();
  return (password) =>
    new Promise((resolve, reject) =>
      pbkdf2(password, salt, rounds, 32, 'sha256', (error, key) => (error ? reject(couldNotStretch(error)) : resolve(new Uint8Array(key)))),
    );
}

function stretchByScrypt({ n, r, p }: { readonly n: number; readonly r: number; readonly p: number }, salt: Uint8Array): Stretch {
  // What OpenSSL counts: V, B and a block of scratch, with room to spare.
  const maxmem = 128 * r * (n + p + 32) + 1_048_576;
  return (password) =>
    new Promise((resolve, reject) =>
      scrypt(password, salt, 32, { N: n, r, p, maxmem }, (error, key) =>
        error ? reject(couldNotStretch(error)) : resolve(new Uint8Array(key)),
      ),
    );
}

async function oneAtATime<T>(work: () => Promise<T>): Promise<T> {
  if (busy)
    throw new AppError('TRY_LATER', 'Another keystore file is being opened or written. Nothing was changed; try again in a moment.');
  busy = true;
  try {
    return await work();
  } finally {
    busy = false;
  }
}

function members(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw keyInvalid('A part of it is missing.');
  return value as Readonly<Record<string, unknown>>;
}

function bytes(value: unknown, length: number, what: string): Uint8Array {
  const read = typeof value === 'string' ? fromHex(`0x${value.replace(/^0x/i, '')}`, length) : null;
  if (read === null) throw keyInvalid(`Its “${what}” is missing or has a wrong length.`);
  return read;
}

function saltOf(value: unknown): Uint8Array {
  const digits = typeof value === 'string' ? value.replace(/^0x/i, '').length : 0;
  if (digits < 2 || digits > 256) throw keyInvalid('Its “salt” is missing or has a wrong length.');
  return bytes(value, digits / 2, 'salt');
}

function count(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1)
    throw keyInvalid(`Its “${what}” is not a number it could be.`);
  return value;
}

const hex = (text: string): string => text.slice(2);

function keyInvalid(why: string): AppError {
  return new AppError(
    'KEY_INVALID',
    `This is not a keystore file that can be used. ${why} Nothing was kept; choose the file your wallet exported.`,
  );
}

function tooCostly(): AppError {
  return keyInvalid('It asks for more memory or time than a real one does, so it was not tried.');
}

function couldNotStretch(cause: unknown): AppError {
  return new AppError(
    'INTERNAL',
    'The password could not be checked on this machine (it may be short of memory). Nothing was kept; close other programs and try again.',
    {},
    { cause },
  );
}
