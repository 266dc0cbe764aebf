/**
 * HPKE in base mode (RFC 9180) with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20Poly1305. The only importer of @hpke/*.
 * X25519 and ChaCha20Poly1305 come from its JavaScript modules: Electron's WebCrypto need not have them; HMAC and HKDF it has.
 */
import { Chacha20Poly1305 } from '@hpke/chacha20poly1305';
import { CipherSuite, HkdfSha256 } from '@hpke/core';
import { DhkemX25519HkdfSha256 } from '@hpke/dhkem-x25519';
import { zero } from './bytes.ts';
import { invalid, tampered } from './failures.ts';

const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Chacha20Poly1305() });

export interface HpkeSealed {
  /** The encapsulated key: 32 bytes. */
  readonly enc: Uint8Array;
  /** With its 16-byte tag. */
  readonly ciphertext: Uint8Array;
}

/** Seals to an X25519 public key. Throws INVALID_INPUT for a key that is none or of low order (RFC 9180, section 7.1.4). */
export async function hpkeSeal(publicKey: Uint8Array, info: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Promise<HpkeSealed> {
  try {
    const recipientPublicKey = await suite.kem.deserializePublicKey(publicKey);
    const { enc, ct } = await suite.seal({ recipientPublicKey, info }, plaintext, aad);
    return { enc: new Uint8Array(enc), ciphertext: new Uint8Array(ct) };
  } catch (cause) {
    throw invalid("This cannot be sealed: the receiver's encryption key is not valid.", cause);
  }
}

/** Opens what was sealed to the secret key's public key with the same info and AAD. Throws TAMPERED. */
export async function hpkeOpen(secretKey: Uint8Array, info: Uint8Array, aad: Uint8Array, sealed: HpkeSealed): Promise<Uint8Array> {
  if (secretKey.length !== 32) throw invalid('An X25519 secret key has 32 bytes.');
  const recipientKey = await suite.kem.deserializePrivateKey(secretKey);
  try {
    return new Uint8Array(await suite.open({ recipientKey, info, enc: sealed.enc }, sealed.ciphertext, aad));
  } catch (cause) {
    throw tampered('sealed key', cause);
  } finally {
    // The library's own copy; serializing gives its buffer, not another copy.
    zero(new Uint8Array(await suite.kem.serializePrivateKey(recipientKey)));
  }
}
