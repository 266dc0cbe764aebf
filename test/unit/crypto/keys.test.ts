import { HDNodeWallet, Mnemonic, randomBytes, recoverAddress, Signature } from 'ethers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../src-main/core/adapters/crypto/bytes.ts';
import { accountOfSecret, seedOfPhrase, signDigest, signerSecretOfSeed } from '../../../src-main/core/adapters/crypto/derivation.ts';
import { createKeyAdapter } from '../../../src-main/core/adapters/crypto/keys.ts';
import { AppError } from '../../../src-shared/errors.ts';
import { codeOf } from './samples.ts';

const keys = createKeyAdapter({ memoryKiB: 8_192, passes: 1 });
const zeroPhrase = `${'abandon '.repeat(23)}art`;

describe('derivation', () => {
  it('gives the seed of the BIP-39 test vectors', () => {
    expect(toHex(seedOfPhrase(zeroPhrase))).toBe(
      '0x408b285c123836004f4b8842c89324c1f01382450c0d439af345ba7fc49acf705489c6fc77dbd4e3dc1dd8cc6bc9f043db8ada1e243c4a0eafb290d399480840',
    );
  });

  it('gives the account every Ethereum wallet gives for a known phrase', () => {
    const secret = signerSecretOfSeed(seedOfPhrase('test test test test test test test test test test test junk'));
    expect(accountOfSecret(secret)).toBe('0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266');
    expect(toHex(secret)).toBe('0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80');
  });

  it('gives the account that ethers gives, for any phrase', () => {
    for (let run = 0; run < 3; run++) {
      const phrase = keys.createPhrase();
      expect(keys.fromPhrase(phrase).account).toBe(HDNodeWallet.fromPhrase(phrase).address);
    }
  });
});

describe('a phrase', () => {
  it('has 24 words and gives the same keys again, from words or secret', () => {
    const phrase = keys.createPhrase();
    expect(phrase.split(' ')).toHaveLength(24);
    const person = keys.fromPhrase(phrase);
    const again = keys.fromSecret(person.secret());
    expect([again.account, again.encryptionKey, again.phrase()]).toEqual([person.account, person.encryptionKey, phrase]);
    expect(again.derive('index')).toEqual(person.derive('index'));
  });

  it('is taken in any case and spacing', () => {
    const spaced = `  ${zeroPhrase.toUpperCase().replaceAll(' ', ' \n\t')} `;
    expect(keys.fromPhrase(spaced).account).toBe(keys.fromPhrase(zeroPhrase).account);
  });

  it('with a word that does not exist is refused by its place, without repeating the word', () => {
    const words = zeroPhrase.split(' ');
    words[6] = 'secretword';
    const error = thrownBy(() => keys.fromPhrase(words.join(' ')));
    expect([error.code, error.details]).toEqual(['PHRASE_INVALID', { word: 7 }]);
    expect(error.message).not.toContain('secretword');
  });

  it('with a wrong checksum, with 13 words or of absurd length is refused', () => {
    expect(thrownBy(() => keys.fromPhrase(`${'abandon '.repeat(23)}zoo`)).code).toBe('PHRASE_INVALID');
    expect(thrownBy(() => keys.fromPhrase(`${'test '.repeat(12)}junk`)).details).toEqual({ words: 13 });
    expect(thrownBy(() => keys.fromPhrase('abandon '.repeat(100_000))).code).toBe('PHRASE_INVALID');
  });
});

describe('a key that somebody has already', () => {
  const hardhat = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';

  it('of 12 words gives the account that MetaMask gives, and its words again', () => {
    const pairs = [
      ['test test test test test test test test test test test junk', '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'],
      [`${'abandon '.repeat(11)}about`, '0x9858EfFD232B4033E47d90003D41EC34EcaEda94'],
      [zeroPhrase, '0xF278cF59F82eDcf871d630F28EcC8056f25C1cdb'],
    ];
    for (const [phrase = '', account] of pairs) {
      const person = keys.fromPhrase(phrase);
      expect([person.account, person.phrase(), keys.fromSecret(person.secret()).account]).toEqual([account, phrase, account]);
    }
  });

  it('is taken with every number of words that BIP-39 has', () => {
    for (const bytes of [16, 20, 24, 28, 32]) {
      const wallet = HDNodeWallet.fromPhrase(Mnemonic.fromEntropy(randomBytes(bytes)).phrase);
      expect(keys.fromPhrase(wallet.mnemonic?.phrase ?? '').account).toBe(wallet.address);
    }
  });

  it('as a private key gives its account, no words, and the same keys again', () => {
    for (const typed of [hardhat, ` ${hardhat.slice(2).toUpperCase()}\n`]) {
      const person = keys.fromPrivateKey(typed);
      expect([person.account, person.phrase(), toHex(person.privateKey())]).toEqual([
        '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
        null,
        hardhat,
      ]);
      const again = keys.fromSecret(person.secret());
      expect([again.account, again.encryptionKey, again.derive('index')]).toEqual([
        person.account,
        person.encryptionKey,
        person.derive('index'),
      ]);
    }
  });

  it('as a private key shares no other key with a phrase of the same account or of the same bytes', () => {
    const single = keys.fromPrivateKey(hardhat);
    const others = [keys.fromPhrase('test test test test test test test test test test test junk'), keys.fromSecret(single.privateKey())];
    for (const other of others) {
      expect(other.encryptionKey).not.toBe(single.encryptionKey);
      expect(other.derive('index')).not.toEqual(single.derive('index'));
    }
  });

  it('that is no private key is refused without repeating it', () => {
    const order = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';
    for (const typed of [
      '',
      'secretword',
      '00'.repeat(32),
      order,
      `${hardhat}00`,
      hardhat.slice(0, -1),
      'g'.repeat(64),
      '1'.repeat(100_000),
    ]) {
      const error = thrownBy(() => keys.fromPrivateKey(typed));
      expect(error.code).toBe('KEY_INVALID');
      expect(typed !== '' && error.message.includes(typed)).toBe(false);
    }
    expect(thrownBy(() => keys.fromSecret(new Uint8Array(33).fill(2))).code).toBe('INVALID_INPUT');
    expect(thrownBy(() => keys.fromSecret(new Uint8Array(31))).code).toBe('INVALID_INPUT');
  });
});

describe('a signature', () => {
  const person = keys.fromPhrase(zeroPhrase);

  it('is 65 bytes with low s and v 27 or 28, and recovers to the account', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (digest) => {
        const signature = person.sign(digest);
        expect(signature).toMatch(/^0x[0-9a-f]{128}(1b|1c)$/);
        expect(BigInt(Signature.from(signature).s) <= 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n).toBe(true);
        expect(recoverAddress(digest, signature)).toBe(person.account);
      }),
      { numRuns: 20 },
    );
  });

  it('is the same for the same digest (RFC 6979), and only 32 bytes are signed', async () => {
    const secret = signerSecretOfSeed(seedOfPhrase(zeroPhrase));
    const digest = new Uint8Array(32).fill(7);
    expect(signDigest(secret, digest)).toEqual(signDigest(secret, digest));
    expect(await codeOf(() => person.sign(new Uint8Array(31)))).toBe('INVALID_INPUT');
  });
});

describe('derive', () => {
  const person = keys.fromPhrase(zeroPhrase);
  const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

  it('separates labels, and parts by their borders', () => {
    const results = [
      person.derive('kek'),
      person.derive('index'),
      person.derive('kek', bytes()),
      person.derive('kek', bytes(1, 2)),
      person.derive('kek', bytes(1), bytes(2)),
      person.derive('kek', bytes(2), bytes(1)),
      person.encryptionSecret(),
    ].map(toHex);
    expect(new Set(results).size).toBe(results.length);
  });

  it('takes no label that could run into the parts', async () => {
    expect(await codeOf(() => person.derive('kek\0'))).toBe('INVALID_INPUT');
    expect(await codeOf(() => person.derive(''))).toBe('INVALID_INPUT');
  });
});

describe('destroy', () => {
  it('zeroes the secrets and locks every use', async () => {
    const person = keys.fromPhrase(keys.createPhrase());
    const secret = person.encryptionSecret();
    expect(secret.some((byte) => byte !== 0)).toBe(true);
    person.destroy();
    expect(secret.every((byte) => byte === 0)).toBe(true);
    const uses = [
      () => person.sign(new Uint8Array(32)),
      () => person.encryptionSecret(),
      () => person.derive('kek'),
      () => person.phrase(),
      () => person.privateKey(),
      () => person.secret(),
    ];
    for (const use of uses) expect(await codeOf(use)).toBe('LOCKED');
  });

  it('leaves copies of the secret to their owner', () => {
    const person = keys.fromPhrase(zeroPhrase);
    const copy = person.secret();
    copy.fill(9);
    expect(person.phrase()).toBe(zeroPhrase);
  });
});

it('key pairs of organizations are new each time, with 32-byte secrets', () => {
  const first = keys.createEncryptionKeyPair();
  const second = keys.createEncryptionKeyPair();
  expect(first.secretKey).toHaveLength(32);
  expect(first.publicKey).toMatch(/^0x[0-9a-f]{64}$/);
  expect(first.publicKey).not.toBe(second.publicKey);
});

function thrownBy(act: () => unknown): AppError {
  try {
    act();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
