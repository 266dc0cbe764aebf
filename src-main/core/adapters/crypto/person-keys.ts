/**
 * A person's unlocked keys. Holds what they come from, signer secret, X25519 secret and HKDF root, each in one buffer that `destroy` zeroes;
 * the BIP-39 seed is zeroed before this returns.
 */
import { x25519 } from '@noble/curves/ed25519.js';
import { AppError } from '../../../../src-shared/errors.ts';
import type { PersonKeys } from '../../ports.ts';
import { concat, toHex, zero } from './bytes.ts';
import {
  accountOfSecret,
  deriveFromRoot,
  encryptionSecretOfRoot,
  isPrivateKey,
  rootOfPrivateKey,
  rootOfSeed,
  seedOfPhrase,
  signDigest,
  signerSecretOfSeed,
} from './derivation.ts';
import { invalid } from './failures.ts';
import { phraseOfEntropy } from './phrase.ts';

/** A secret is BIP-39 entropy of one of these lengths, or this mark and 32 bytes of private key: the length tells them apart. */
const entropyLengths = [16, 20, 24, 28, 32];
const privateKeyMark = 1;

/** The secret of a private key (32 bytes), in the form that is sealed. */
export function secretOfPrivateKey(privateKey: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(privateKeyMark), privateKey);
}

/** Keys of a secret, which is copied. Every method throws LOCKED after `destroy`. */
export function createPersonKeys(secretGiven: Uint8Array): PersonKeys {
  const secret = new Uint8Array(secretGiven);
  const { phrase, signer, root } = keysOf(secret);
  const encryptionSecret = encryptionSecretOfRoot(root);

  let destroyed = false;
  const whileUnlocked = <T>(use: () => T): T => {
    if (destroyed) throw new AppError('LOCKED', "This person's keys are locked. What was saved is safe; unlock and try again.");
    return use();
  };

  return {
    account: accountOfSecret(signer),
    encryptionKey: toHex(x25519.getPublicKey(encryptionSecret)),
    sign: (digest) => whileUnlocked(() => toHex(signDigest(signer, digest))),
    encryptionSecret: () => whileUnlocked(() => encryptionSecret),
    derive: (label, ...parts) => whileUnlocked(() => deriveFromRoot(root, label, parts)),
    phrase: () => whileUnlocked(() => (phrase ? phraseOfEntropy(secret) : null)),
    secret: () => whileUnlocked(() => new Uint8Array(secret)),
    privateKey: () => whileUnlocked(() => new Uint8Array(signer)),
    destroy() {
      destroyed = true;
      zero(secret, signer, root, encryptionSecret);
    },
  };
}

function keysOf(secret: Uint8Array): { phrase: boolean; signer: Uint8Array; root: Uint8Array } {
  if (entropyLengths.includes(secret.length)) {
    const seed = seedOfPhrase(phraseOfEntropy(secret));
    const keys = { phrase: true, signer: signerSecretOfSeed(seed), root: rootOfSeed(seed) };
    zero(seed);
    return keys;
  }
  const signer = secret.slice(1);
  if (secret.length !== 33 || secret[0] !== privateKeyMark || !isPrivateKey(signer)) throw invalid("This is not a person's secret.");
  return { phrase: false, signer, root: rootOfPrivateKey(signer) };
}
