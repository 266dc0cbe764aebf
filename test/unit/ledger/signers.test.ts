/** Signers recovered on threads are those that ethers finds, in order, whatever stands between them. */
import { SigningKey, Wallet, computeAddress, getBytes, hexlify, randomBytes } from 'ethers';
import { describe, expect, it } from 'vitest';
import { createSigners } from '../../../src-main/core/adapters/ledger/signers.ts';

function recoveredByEthers(digest: Uint8Array, signature: string): string | null {
  try {
    return computeAddress(SigningKey.recoverPublicKey(digest, signature)).toLowerCase();
  } catch {
    return null;
  }
}

function signatures(count: number): { digest: Uint8Array; signature: string }[] {
  return Array.from({ length: count }, (_, i) => {
    const digest = randomBytes(32);
    if (i % 7 === 0) return { digest, signature: `0x${'00'.repeat(64)}1b` };
    // Of another digest: it recovers to an account, only to nobody's in particular.
    const signedDigest = i % 5 === 0 ? randomBytes(32) : digest;
    return { digest, signature: new Wallet(hexlify(randomBytes(32))).signingKey.sign(signedDigest).serialized };
  });
}

describe('recoverAll', () => {
  it.each([1, 63, 64, 200])('agrees with ethers about %i signatures', async (count) => {
    const asked = signatures(count);
    const found = await createSigners().recoverAll(asked);
    expect(found).toEqual(asked.map(({ digest, signature }) => recoveredByEthers(digest, signature)));
    expect(new Set(found).size).toBeGreaterThan(count / 2);
  });

  it('answers several who ask at once', async () => {
    const signers = createSigners();
    const asked = [signatures(100), signatures(80), signatures(5), []];
    const found = await Promise.all(asked.map((some) => signers.recoverAll(some)));
    expect(found).toEqual(asked.map((some) => some.map(({ digest, signature }) => recoveredByEthers(digest, signature))));
  });

  it('refuses what is no digest and no signature', async () => {
    const key = new SigningKey(hexlify(randomBytes(32)));
    const digest = getBytes(`0x${'11'.repeat(32)}`);
    const good = key.sign(digest).serialized;
    const bad = [
      { digest: digest.subarray(1), signature: good },
      { digest, signature: good.slice(0, -2) },
      { digest, signature: '0x' },
      { digest, signature: `${good.slice(0, -2)}00` },
    ];
    const asked = Array.from({ length: 100 }, (_, i) => bad[i % bad.length]!);
    expect(new Set(await createSigners().recoverAll(asked))).toEqual(new Set([null]));
  });
});
