/**
 * A person's unlocked keys. Holds entropy, signer secret, X25519 secret and HKDF root, each in one buffer that `destroy` zeroes; the
 * BIP-39 seed is zeroed before this returns.
 */
import { x25519 } from '@noble/curves/ed25519.js';
import { AppError } from '../../../../src-shared/errors.ts';
import type { PersonKeys } from '../../ports.ts';
import { toHex, zero } from './bytes.ts';
import {
  accountOfSecret,
  deriveFromRoot,
  encryptionSecretOfRoot,
  rootOfSeed,
  seedOfPhrase,
  signDigest,
  signerSecretOfSeed,
} from './derivation.ts';
import { invalid } from './failures.ts';
import { phraseOfEntropy } from './phrase.ts';

/** Keys of 32 bytes of BIP-39 entropy, which is copied. Every method throws LOCKED after `destroy`. */
export function createPersonKeys(entropyGiven: Uint8Array): PersonKeys {
  if (entropyGiven.length !== 32) throw invalid("A person's entropy is 32 bytes.");
  const entropy = new Uint8Array(entropyGiven);
  const seed = seedOfPhrase(phraseOfEntropy(entropy));
  const signer = signerSecretOfSeed(seed);
  const root = rootOfSeed(seed);
  zero(seed);
  const secret = encryptionSecretOfRoot(root);

  let destroyed = false;
  const whileUnlocked = <T>(use: () => T): T => {
    if (destroyed) throw new AppError('LOCKED', "This person's keys are locked. What was saved is safe; unlock and try again.");
    return use();
  };

  return {
    account: accountOfSecret(signer),
    encryptionKey: toHex(x25519.getPublicKey(secret)),
    sign: (digest) => whileUnlocked(() => toHex(signDigest(signer, digest))),
    encryptionSecret: () => whileUnlocked(() => secret),
    derive: (label, ...parts) => whileUnlocked(() => deriveFromRoot(root, label, parts)),
    phrase: () => whileUnlocked(() => phraseOfEntropy(entropy)),
    entropy: () => whileUnlocked(() => new Uint8Array(entropy)),
    destroy() {
      destroyed = true;
      zero(entropy, signer, root, secret);
    },
  };
}
