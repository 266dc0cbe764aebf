import { describe, expect, it } from 'vitest';
import { decodeCode, encodeCode } from '../../../src-main/core/adapters/crypto/code.ts';
import { createKeyAdapter } from '../../../src-main/core/adapters/crypto/keys.ts';
import { createShares } from '../../../src-main/core/adapters/crypto/shares.ts';
import { codeOf, flipped } from './samples.ts';

const keys = createKeyAdapter({ memoryKiB: 8_192, passes: 1 });
const shares = createShares();
const person = () => keys.fromPhrase(keys.createPhrase());
const network = `0x${'11'.repeat(32)}`;
const clinic = `0x${'22'.repeat(32)}`;

/** The share with one member changed, and a right checksum. */
const changed = (code: string, change: (map: Record<string, unknown>) => void) => {
  const map = { ...(decodeCode('ANAM-SHARE', code) as Record<string, unknown>) };
  change(map);
  return encodeCode('ANAM-SHARE', map);
};

describe('three shares of a key', () => {
  it('give the same keys by any two of them, in any order', async () => {
    const one = person();
    const { card, vault, guardian } = await shares.split(one);
    for (const pair of [
      [card, vault],
      [vault, guardian],
      [guardian, card],
    ] as [string, string][]) {
      const again = await shares.combine(pair);
      expect([again.account, again.encryptionKey, again.phrase()]).toEqual([one.account, one.encryptionKey, one.phrase()]);
    }
    expect([card, vault, guardian].map((code) => shares.read(code).holder)).toEqual(['card', 'vault', 'guardian']);
  });

  it('work for a key without words too', async () => {
    const one = keys.fromPrivateKey('0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80');
    const { card, guardian } = await shares.split(one);
    expect((await shares.combine([card, guardian])).encryptionKey).toBe(one.encryptionKey);
  });

  it('are known as bad one by one: whatever is changed in a share, before anything is combined', async () => {
    const { card } = await shares.split(person());
    const other = await shares.split(person());
    const alter = (name: string) =>
      changed(card, (map) => {
        map[name] = flipped(map[name] as Uint8Array, 3);
      });
    const bad = [
      alter('share'),
      alter('set'),
      alter('account'),
      alter('signature'),
      alter('signer'),
      changed(card, (map) => (map['holder'] = 1)),
      changed(card, (map) => (map['holder'] = 3)),
      changed(card, (map) => (map['commitments'] = (map['commitments'] as Uint8Array[]).slice(0, 2))),
      changed(card, (map) => (map['account'] = (decodeCode('ANAM-SHARE', other.card) as { account: Uint8Array }).account)),
      changed(card, (map) => (map['signature'] = new Uint8Array(65))),
      card.slice(0, -3),
      'ANAM-SHARE-',
      '',
    ];
    for (const code of bad) expect(await codeOf(() => shares.read(code))).toBe('CODE_INVALID');
  });

  it('are not combined with themselves, with those of another patient or of another time', async () => {
    const one = person();
    const [first, again, other] = [await shares.split(one), await shares.split(one), await shares.split(person())];
    for (const second of [first.card, again.vault, other.vault])
      expect(await codeOf(() => shares.combine([first.card, second]))).toBe('CODE_INVALID');
  });

  it("are kept in the vault under the clinic's key, for this patient, clinic and network only", async () => {
    const one = person();
    const { vault } = await shares.split(one);
    const { publicKey, secretKey } = keys.createEncryptionKeyPair();
    const sealed = await shares.sealForVault(network, clinic, publicKey, one.account, vault);
    expect(await shares.openFromVault(network, clinic, secretKey, one.account, sealed)).toBe(vault);
    const elsewhere = [
      () => shares.openFromVault(clinic, clinic, secretKey, one.account, sealed),
      () => shares.openFromVault(network, network, secretKey, one.account, sealed),
      () => shares.openFromVault(network, clinic, secretKey, person().account, sealed),
      () => shares.openFromVault(network, clinic, keys.createEncryptionKeyPair().secretKey, one.account, sealed),
      () => shares.openFromVault(network, clinic, secretKey, one.account, flipped(sealed, 60)),
      () => shares.openFromVault(network, clinic, secretKey, one.account, new Uint8Array(3)),
    ];
    for (const open of elsewhere) expect(await codeOf(open)).toBe('TAMPERED');
  });
});
