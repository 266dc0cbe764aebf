import { decryptKeystoreJson, encryptKeystoreJson } from 'ethers';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../src-main/core/adapters/crypto/bytes.ts';
import { createKeyAdapter } from '../../../src-main/core/adapters/crypto/keys.ts';
import { codeOf } from './samples.ts';

const keys = createKeyAdapter({ memoryKiB: 8_192, passes: 1 });
const privateKey = '0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d';
const account = '0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b';

/** The example of the Web3 Secret Storage Definition, with its PBKDF2. */
const example = {
  crypto: {
    cipher: 'aes-128-ctr',
    cipherparams: { iv: '6087dab2f9fdbbfaddc31a909735c1e6' },
    ciphertext: '5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46',
    kdf: 'pbkdf2',
    kdfparams: {
      c: 262_144,
      dklen: 32,
      prf: 'hmac-sha256',
      salt: 'ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd',
    },
    mac: '517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2',
  },
  id: '3198bc9c-6672-5ab3-d995-4942343ae5b6',
  version: 3,
};

const withCrypto = (change: object) => JSON.stringify({ ...example, crypto: { ...example.crypto, ...change } });
const scrypt = (n: number, r: number, p: number) =>
  withCrypto({ kdf: 'scrypt', kdfparams: { dklen: 32, n, r, p, salt: example.crypto.kdfparams.salt } });

describe('a V3 keystore file', () => {
  it('of the definition opens with its password and gives its account', async () => {
    const person = await keys.fromKeystore(JSON.stringify(example), 'testpassword');
    expect([person.account, toHex(person.privateKey()), person.phrase()]).toEqual([account, privateKey, null]);
  });

  it('written by ethers opens here, also with a password outside ASCII', async () => {
    const json = await encryptKeystoreJson({ address: account, privateKey }, 'pässwörd ½', { scrypt: { N: 4096, r: 8, p: 1 } });
    expect((await keys.fromKeystore(json, 'pässwörd ½')).account).toBe(account);
  });

  it('written here opens in ethers, and here again with the same keys', async () => {
    const person = keys.fromPrivateKey(privateKey);
    const json = await keys.toKeystore(person, 'another password');
    expect(JSON.parse(json)).toMatchObject({ version: 3, crypto: { kdf: 'scrypt', kdfparams: { n: 131_072, r: 8, p: 1 } } });
    expect(json).not.toContain(privateKey.slice(2));
    expect(await decryptKeystoreJson(json, 'another password')).toMatchObject({ address: account, privateKey });
    expect((await keys.fromKeystore(json, 'another password')).encryptionKey).toBe(person.encryptionKey);
  }, 30_000);

  it('does not open with another password, or after a byte of it was changed', async () => {
    expect(await codeOf(() => keys.fromKeystore(JSON.stringify(example), 'testpasswore'))).toBe('WRONG_CREDENTIALS');
    const changed = withCrypto({ ciphertext: `00${example.crypto.ciphertext.slice(2)}` });
    expect(await codeOf(() => keys.fromKeystore(changed, 'testpassword'))).toBe('WRONG_CREDENTIALS');
  });

  it('that names another account than its key has is refused', async () => {
    const json = JSON.stringify({ ...example, address: '00'.repeat(20) });
    expect(await codeOf(() => keys.fromKeystore(json, 'testpassword'))).toBe('KEY_INVALID');
  });

  it('that is none, or asks for more than a real one does, is refused before anything is computed', async () => {
    const bad = [
      '',
      'not json',
      'null',
      '[]',
      '{}',
      JSON.stringify({ ...example, version: 4 }),
      withCrypto({ cipher: 'aes-256-gcm' }),
      withCrypto({ kdf: 'argon2' }),
      withCrypto({ mac: 'zz' }),
      withCrypto({ kdfparams: { ...example.crypto.kdfparams, c: 1e9 } }),
      withCrypto({ kdfparams: { ...example.crypto.kdfparams, dklen: 16 } }),
      withCrypto({ kdfparams: { ...example.crypto.kdfparams, salt: '' } }),
      scrypt(2 ** 40, 8, 1),
      scrypt(2 ** 20, 8, 1),
      scrypt(2 ** 14, 8, 1_000_000),
      scrypt(2, 2 ** 30, 1),
      scrypt(100_000, 8, 1),
      scrypt(-2, 8, 1),
      scrypt(65_536, 1, 1),
      ' '.repeat(20_000),
    ];
    for (const json of bad)
      expect([json.slice(0, 80), await codeOf(() => keys.fromKeystore(json, 'testpassword'))]).toContain('KEY_INVALID');
  });

  it('is opened one at a time: each may take 256 MiB', async () => {
    const first = keys.fromKeystore(JSON.stringify(example), 'testpassword');
    expect(await codeOf(() => keys.fromKeystore(JSON.stringify(example), 'testpassword'))).toBe('TRY_LATER');
    expect((await first).account).toBe(account);
  });
});
