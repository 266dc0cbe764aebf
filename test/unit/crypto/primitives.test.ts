/** The primitives as this product uses them, against published answers: a few here, all of Wycheproof's where its files are at hand. */
import { HkdfSha256, X25519 } from '@hpke/dhkem-x25519';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { describe, expect, it } from 'vitest';
import { concat, toHex } from '../../../src-main/core/adapters/crypto/bytes.ts';
import { hkdfExpand, hkdfExtract, sha256 } from '../../../src-main/core/adapters/crypto/hashing.ts';
import { createKeyAdapter } from '../../../src-main/core/adapters/crypto/keys.ts';
import { hasVectors, hexField, vectors } from './vectors.ts';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

describe('HKDF-SHA256', () => {
  it('gives the answer of RFC 5869, test case 1', () => {
    const root = hkdfExtract(hex('000102030405060708090a0b0c'), hex('0b'.repeat(22)));
    expect(toHex(hkdfExpand(root, hex('f0f1f2f3f4f5f6f7f8f9'), 42))).toBe(
      '0x3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    );
  });

  it.runIf(hasVectors('hkdf_sha256_test'))("agrees with all of Wycheproof's tests", () => {
    for (const test of vectors('hkdf_sha256_test').flatMap((group) => group.tests)) {
      const derive = () => hkdfExpand(hkdfExtract(hexField(test.salt), hexField(test.ikm)), hexField(test.info), Number(test.size));
      if (test.result === 'valid') expect(derive(), test.comment).toEqual(hexField(test.okm));
      else expect(derive, test.comment).toThrow();
    }
  });
});

describe('SHA-256', () => {
  it('gives the answer of FIPS 180-4 for "abc"', () => {
    expect(toHex(sha256(hex('616263')))).toBe('0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});

describe('XChaCha20-Poly1305', () => {
  it('gives the answer of draft-irtf-cfrg-xchacha, A.3.1', () => {
    const key = hex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f');
    const nonce = hex('404142434445464748494a4b4c4d4e4f5051525354555657');
    const message = new TextEncoder().encode(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    );
    const sealed = xchacha20poly1305(key, nonce, hex('50515253c0c1c2c3c4c5c6c7')).encrypt(message);
    expect(toHex(sealed.subarray(-16))).toBe('0xc0875924c1c7987947deafd8780acf49');
    expect(toHex(sealed.subarray(0, 16))).toBe('0xbd6d179d3e83d43b9576579493c0e939');
  });

  it.runIf(hasVectors('xchacha20_poly1305_test'))("agrees with all of Wycheproof's tests", () => {
    for (const test of vectors('xchacha20_poly1305_test').flatMap((group) => group.tests)) {
      const open = () =>
        xchacha20poly1305(hexField(test.key), hexField(test.iv), hexField(test.aad)).decrypt(concat(hexField(test.ct), hexField(test.tag)));
      if (test.result === 'valid') expect(open(), test.comment).toEqual(hexField(test.msg));
      else expect(open, test.comment).toThrow();
    }
  });
});

describe('X25519', () => {
  const hpkeCurve = new X25519(new HkdfSha256());

  it('gives the answer of RFC 7748, section 6.1, in both libraries', async () => {
    const alice = hex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a');
    const bobPublic = hex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f');
    expect(toHex(x25519.getSharedSecret(alice, bobPublic))).toBe('0x4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742');
    expect(new Uint8Array(await hpkeCurve.derive(alice, bobPublic))).toEqual(
      hex('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742'),
    );
  });

  it.runIf(hasVectors('x25519_test'))(
    "agrees with all of Wycheproof's tests in both libraries, and refuses shared secrets of zero",
    async () => {
      for (const test of vectors('x25519_test').flatMap((group) => group.tests)) {
        const [secret, point] = [hexField(test.private), hexField(test.public)];
        if (/^0+$/.test(String(test.shared))) {
          expect(() => x25519.getSharedSecret(secret, point), test.comment).toThrow();
          await expect(hpkeCurve.derive(secret, point), test.comment).rejects.toThrow();
        } else {
          expect(x25519.getSharedSecret(secret, point), test.comment).toEqual(hexField(test.shared));
          expect(new Uint8Array(await hpkeCurve.derive(secret, point)), test.comment).toEqual(hexField(test.shared));
        }
      }
    },
  );
});

describe('ECDSA over secp256k1', () => {
  it('gives the deterministic signature (RFC 6979) that Bitcoin’s implementations agree on, for the key 1', () => {
    const one = hex('01'.padStart(64, '0'));
    expect(toHex(secp256k1.sign(sha256(new TextEncoder().encode('Satoshi Nakamoto')), one, { prehash: false }))).toBe(
      '0x934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d82442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5',
    );
  });

  it('gives the account and the signature of EIP-712’s own example', () => {
    const digest = hex('be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2');
    const cow = createKeyAdapter().fromPrivateKey(toHex(keccak_256(new TextEncoder().encode('cow'))));
    const signature =
      '0x4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c';
    expect(cow.account).toBe('0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826');
    expect(cow.sign(digest)).toBe(signature);
  });

  it.runIf(hasVectors('ecdsa_secp256k1_sha256_test'))("agrees with all of Wycheproof's tests", () => {
    for (const group of vectors('ecdsa_secp256k1_sha256_test')) {
      const publicKey = hexField((group.publicKey as { uncompressed: string }).uncompressed);
      for (const test of group.tests) {
        expect(verifies(hexField(test.sig), hexField(test.msg), publicKey), `${test.tcId} ${test.comment}`).toBe(test.result === 'valid');
      }
    }
  });
});

/** Malformed DER throws in noble; here that is a signature that does not verify. */
function verifies(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  try {
    return secp256k1.verify(signature, message, publicKey, { format: 'der', lowS: false });
  } catch {
    return false;
  }
}
