/**
 * From a BIP-39 phrase to keys: the signer (so that the same account opens in any Ethereum wallet) and, by HKDF with its own label,
 * everything else. The signer's secret says nothing about the rest, and the other way round.
 */
import { pbkdf2Sync } from 'node:crypto';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { HARDENED_OFFSET, HDKey } from '@scure/bip32';
import { hkdfExpand, hkdfExtract, hkdfSalt } from './hashing.ts';
import { concat, lengthPrefixed, utf8, zero } from './bytes.ts';
import { invalid } from './failures.ts';
import { addressOf } from './shapes.ts';

/**
 * BIP-39 seed (64 bytes) of a phrase, without the optional BIP-39 passphrase: PBKDF2-HMAC-SHA512, 2048 rounds. node:crypto's, eight
 * times as fast as JavaScript. Takes 12 to 24 words as they are; checking them is phrase.ts's.
 */
export function seedOfPhrase(phrase: string): Uint8Array {
  return new Uint8Array(pbkdf2Sync(phrase.normalize('NFKD'), 'mnemonic', 2048, 64, 'sha512'));
}

/** Path of the signer (BIP-44, coin 60): m/44'/60'/0'/0/0, the first account of Ethereum wallets. */
const signerPath = [44 + HARDENED_OFFSET, 60 + HARDENED_OFFSET, HARDENED_OFFSET, 0, 0];

/** secp256k1 secret key (32 bytes) of a seed by BIP-32. The keys on the way are zeroed. */
export function signerSecretOfSeed(seed: Uint8Array): Uint8Array {
  let node = HDKey.fromMasterSeed(seed);
  for (const index of signerPath) {
    const child = node.deriveChild(index);
    node.wipePrivateData();
    node = child;
  }
  const secret = node.privateKey;
  if (secret === null) throw new Error('BIP-32 gave no private key');
  const copy = new Uint8Array(secret);
  zero(secret);
  node.wipePrivateData();
  return copy;
}

/** EIP-55 address of a secp256k1 secret key: the last 20 bytes of keccak256 of the public point. */
export function accountOfSecret(secret: Uint8Array): string {
  const point = secp256k1.getPublicKey(secret, false);
  return addressOf(keccak_256(point.subarray(1)).subarray(12));
}

/** Signs a 32-byte digest (RFC 6979, low s as EIP-2): r || s || v with v 27 or 28, 65 bytes. Throws INVALID_INPUT. */
export function signDigest(secret: Uint8Array, digest: Uint8Array): Uint8Array {
  if (digest.length !== 32) throw invalid('Only a digest of 32 bytes can be signed.');
  // noble writes the recovery bit first.
  const signature = secp256k1.sign(digest, secret, { prehash: false, lowS: true, format: 'recovered' });
  return concat(signature.subarray(1), Uint8Array.of(27 + (signature[0] ?? 0)));
}

/** Root of everything that is not the signer: HKDF-Extract of the seed (32 bytes). */
export function rootOfSeed(seed: Uint8Array): Uint8Array {
  return hkdfExtract(hkdfSalt, seed);
}

/**
 * The same root for a key that came without a phrase. The salt is another one: a private key and a seed of the same bytes share nothing,
 * and the root says nothing about the private key.
 */
export function rootOfPrivateKey(privateKey: Uint8Array): Uint8Array {
  return hkdfExtract(utf8('anamnesis/1/private-key'), privateKey);
}

/** Whether 32 bytes are a secp256k1 secret key: neither zero nor beyond the curve's order. */
export function isPrivateKey(bytes: Uint8Array): boolean {
  return secp256k1.utils.isValidSecretKey(bytes);
}

/** X25519 secret key (32 bytes; RFC 7748 clamps at use). */
export function encryptionSecretOfRoot(root: Uint8Array): Uint8Array {
  return hkdfExpand(root, utf8('x25519'), 32);
}

/** 32 bytes for a label (lower-case letters, digits, `-`, `/`) and parts. No two lists give the same info: the label ends with NUL, parts have lengths. */
export function deriveFromRoot(root: Uint8Array, label: string, parts: readonly Uint8Array[]): Uint8Array {
  if (!/^[a-z0-9/-]{1,64}$/.test(label)) throw invalid('A derivation label has 1 to 64 lower-case letters, digits, "-" or "/".');
  return hkdfExpand(root, concat(utf8(`anamnesis/1/derive/${label}\0`), lengthPrefixed(parts)), 32);
}
