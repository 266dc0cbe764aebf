import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createArgon2 } from '../../../src-main/core/adapters/crypto/argon2.ts';
import { toHex, utf8 } from '../../../src-main/core/adapters/crypto/bytes.ts';
import { createKeyAdapter } from '../../../src-main/core/adapters/crypto/keys.ts';
import type { SealedSecret } from '../../../src-main/core/ports.ts';
import { codeOf, patient } from './samples.ts';

const keys = createKeyAdapter({ memoryKiB: 8_192, passes: 1 });
const secret = new Uint8Array(32).fill(5);
const sealed = await keys.seal(secret, 'correct horse', 'person');

describe('Argon2id in its worker', () => {
  it("gives the reference implementation's answer", async () => {
    const key = await createArgon2().derive(utf8('password'), utf8('somesalt'), { memoryKiB: 256, passes: 2 });
    expect(toHex(key)).toBe('0x9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe');
  });

  it('zeroes the passphrase bytes it was given', async () => {
    const passphrase = utf8('password');
    const derived = createArgon2().derive(passphrase, utf8('somesalt'), { memoryKiB: 256, passes: 1 });
    await derived;
    expect(passphrase.every((byte) => byte === 0)).toBe(true);
  });

  it('takes a bounded number of passphrases at once, and recovers', async () => {
    const argon2 = createArgon2();
    const derive = (): Promise<Uint8Array> => argon2.derive(utf8('p'), utf8('somesalt'), { memoryKiB: 64, passes: 1 });
    const waiting = Array.from({ length: 16 }, derive);
    expect(await codeOf(derive)).toBe('TRY_LATER');
    await Promise.all(waiting);
    expect(await derive()).toHaveLength(32);
  });

  it('reports a failure of the worker, and goes on with the next', async () => {
    const argon2 = createArgon2();
    expect(await codeOf(() => argon2.derive(utf8('p'), utf8('somesalt'), { memoryKiB: -1, passes: 1 }))).toBe('INTERNAL');
    expect(await argon2.derive(utf8('p'), utf8('somesalt'), { memoryKiB: 64, passes: 1 })).toHaveLength(32);
  });
});

describe('a sealed secret', () => {
  it('opens with its passphrase and context, typed in either Unicode form', async () => {
    expect(await keys.open(sealed, 'correct horse', 'person')).toEqual(secret);
    const composed = await keys.seal(secret, 'caf\u00e9', 'person');
    expect(await keys.open(composed, 'cafe\u0301', 'person')).toEqual(secret);
  });

  it('is not zeroed under the caller, who may zero the original at once', async () => {
    const own = new Uint8Array(secret);
    const pending = keys.seal(own, 'correct horse', 'person');
    own.fill(0);
    expect(await keys.open(await pending, 'correct horse', 'person')).toEqual(secret);
  });

  it('stays shut for a wrong passphrase, another context and changed bytes, always with the same message', async () => {
    const changed: SealedSecret = { ...sealed, ciphertext: sealed.ciphertext.replace(/^./, (letter) => (letter === 'A' ? 'B' : 'A')) };
    const attempts = [
      () => keys.open(sealed, 'wrong horse', 'person'),
      () => keys.open(sealed, 'correct horse', 'card'),
      () => keys.open(sealed, '', 'person'),
      () => keys.open(changed, 'correct horse', 'person'),
      () => keys.open({ ...sealed, kdf: { ...sealed.kdf, passes: 2 } }, 'correct horse', 'person'),
    ];
    const messages = await Promise.all(
      attempts.map(async (attempt) => {
        expect(await codeOf(attempt)).toBe('WRONG_CREDENTIALS');
        return attempt().catch((error: Error) => error.message);
      }),
    );
    expect(new Set(messages).size).toBe(1);
  });

  it('with parameters out of bounds is refused before any work', async () => {
    const kdfs = [
      { ...sealed.kdf, memoryKiB: 8_191 },
      { ...sealed.kdf, memoryKiB: 262_145 },
      { ...sealed.kdf, memoryKiB: 65_536.5 },
      { ...sealed.kdf, passes: 0 },
      { ...sealed.kdf, passes: 11 },
      { ...sealed.kdf, salt: 'AAAA' },
      { ...sealed.kdf, salt: 'A'.repeat(100) },
    ];
    for (const kdf of kdfs) expect(await codeOf(() => keys.open({ ...sealed, kdf }, 'correct horse', 'person'))).toBe('TAMPERED');
    expect(await codeOf(() => keys.open({ ...sealed, nonce: `${sealed.nonce}A` }, 'correct horse', 'person'))).toBe('TAMPERED');
  });

  it('is not made of an empty secret or passphrase, nor cheaper than what is opened', async () => {
    expect(await codeOf(() => keys.seal(new Uint8Array(0), 'p', 'person'))).toBe('INVALID_INPUT');
    expect(await codeOf(() => keys.seal(secret, '', 'person'))).toBe('INVALID_INPUT');
    expect(await codeOf(() => createKeyAdapter({ memoryKiB: 4_096 }))).toBe('INVALID_INPUT');
  });
});

describe('a card', () => {
  const card = keys.encodeCard(patient, sealed);

  it('holds the account and the sealed seed in letters that a small QR code takes', () => {
    expect(keys.decodeCard(card)).toEqual({ account: patient, sealed });
    expect(card).toMatch(/^ANAM1:[A-Z2-7]+$/);
    // Version 10 at level Q takes 221 alphanumeric characters (ISO/IEC 18004, table 7).
    expect(card.length).toBeLessThanOrEqual(221);
  });

  it('is read in lower case and over several lines', () => {
    expect(keys.decodeCard(card.toLowerCase().replace(/(.{40})/g, '$1\n '))).toEqual({ account: patient, sealed });
  });

  it('with any letter misread is refused', () => {
    fc.assert(
      fc.property(fc.nat(card.length - 7), fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'), (offset, letter) => {
        const index = 6 + offset;
        fc.pre(card[index] !== letter);
        const misread = card.slice(0, index) + letter + card.slice(index + 1);
        expect(() => keys.decodeCard(misread)).toThrow(expect.objectContaining({ code: 'CARD_INVALID' }));
      }),
    );
  });

  it('is refused when it is something else, truncated or enormous', async () => {
    for (const text of [
      '',
      'ANAM1:',
      'ANAM2:AAAA',
      'https://example.org/',
      card.slice(0, -8),
      `${card}AAAAAAAA`,
      `ANAM1:${'A'.repeat(1_000_000)}`,
      `${card}=`,
    ]) {
      expect(await codeOf(() => keys.decodeCard(text))).toBe('CARD_INVALID');
    }
  });
});
