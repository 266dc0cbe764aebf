/**
 * What the libraries below the IPFS node take from node:crypto, which differs where the core runs in Electron: Noise seals long messages
 * with OpenSSL's ChaCha20-Poly1305 and, since BoringSSL has none, there with WebAssembly; Ed25519 keys of nodes pass through JWK.
 */
import { defaultCrypto } from '@chainsafe/libp2p-noise/crypto';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { describe, expect, it } from 'vitest';
import { toHex, utf8 } from '../../../src-main/core/adapters/crypto/bytes.ts';
import { flipped } from './samples.ts';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const plain = (bytes: { subarray(): Uint8Array }): Uint8Array => new Uint8Array(bytes.subarray());

describe("Noise's ChaCha20-Poly1305", () => {
  const key = hex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f');
  const nonce = hex('070000004041424344454647');
  const ad = hex('50515253c0c1c2c3c4c5c6c7');

  it('gives the tag of RFC 8439, section 2.8.2', () => {
    const sunscreen = utf8(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    );
    const sealed = plain(defaultCrypto.chaCha20Poly1305Encrypt(sunscreen, nonce, ad, key));
    expect(toHex(sealed.subarray(-16))).toBe('0x1ae10b594f09e26a7e902ecbd0600691');
  });

  // Its implementation changes at 1,200 bytes; a Noise message has at most 65,535.
  it.each([0, 1_199, 1_200, 65_519])('seals %i bytes as another implementation does, and opens nothing changed', (length) => {
    const message = Uint8Array.from({ length }, (_, index) => index & 255);
    const sealed = plain(defaultCrypto.chaCha20Poly1305Encrypt(message, nonce, ad, key));
    expect(Buffer.compare(sealed, chacha20poly1305(key, nonce, ad).encrypt(message))).toBe(0);
    expect(Buffer.compare(plain(defaultCrypto.chaCha20Poly1305Decrypt(sealed, nonce, ad, key)), message)).toBe(0);
    expect(() => defaultCrypto.chaCha20Poly1305Decrypt(flipped(sealed, length >> 1), nonce, ad, key)).toThrow();
  });
});

it('Noise agrees on the X25519 secret of RFC 7748, section 6.1', () => {
  const { publicKey, privateKey } = defaultCrypto.generateX25519KeyPairFromSeed(
    hex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a'),
  );
  expect(toHex(plain(publicKey))).toBe('0x8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a');
  const bobPublic = hex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f');
  expect(toHex(plain(defaultCrypto.generateX25519SharedKey(privateKey, bobPublic)))).toBe(
    '0x4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
  );
});

it("a node's Ed25519 key gives the signature of RFC 8032, section 7.1, test 2", async () => {
  const key = await generateKeyPairFromSeed('Ed25519', hex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'));
  const signature = await key.sign(hex('72'));
  expect(toHex(new Uint8Array(signature))).toBe(
    '0x92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  );
  expect(await key.publicKey.verify(hex('72'), signature)).toBe(true);
  expect(await key.publicKey.verify(hex('73'), signature)).toBe(false);
});
