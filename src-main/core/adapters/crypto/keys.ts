/**
 * Keys of people and organizations (`KeyPort`): phrases, sealing at rest and on cards, and new key pairs. Puts the files beside it
 * together.
 */
import { x25519 } from '@noble/curves/ed25519.js';
import type { KeyPort, PersonKeys } from '../../ports.ts';
import { costLimits, createArgon2, defaultCost, type Argon2, type Argon2Cost } from './argon2.ts';
import { toHex, zero } from './bytes.ts';
import { decodeCard, encodeCard } from './card.ts';
import { invalid } from './failures.ts';
import { openKeystore, writeKeystore } from './keystore.ts';
import { createPersonKeys, recoveredKeys, rotatedKeys, secretOfPrivateKey } from './person-keys.ts';
import { createPhrase, entropyOfPhrase } from './phrase.ts';
import { readPrivateKey } from './private-key.ts';
import { openSecret, sealSecret } from './sealed-secret.ts';

/** The key adapter. `cost` is for tests, which lower it; it must stay within what is accepted on opening. `argon2` is for tests of very many histories. */
export function createKeyAdapter(cost: Partial<Argon2Cost> = {}, argon2: Argon2 = createArgon2()): KeyPort {
  const sealingCost = { memoryKiB: cost.memoryKiB ?? defaultCost.memoryKiB, passes: cost.passes ?? defaultCost.passes };
  if (!within(sealingCost.memoryKiB, costLimits.memoryKiB) || !within(sealingCost.passes, costLimits.passes)) {
    throw invalid('Argon2id takes 8 to 256 MiB and 1 to 10 passes here.');
  }
  return {
    createPhrase,
    fromPhrase: (phrase) => keysOnce(entropyOfPhrase(phrase)),
    fromPrivateKey: (hex) => keysOfPrivateKey(readPrivateKey(hex)),
    fromSecret: createPersonKeys,
    rotated: rotatedKeys,
    recovered: recoveredKeys,
    fromKeystore: async (json, password) => keysOfPrivateKey(await openKeystore(json, password)),
    async toKeystore(keys, password) {
      const privateKey = keys.privateKey();
      try {
        return await writeKeystore(privateKey, password);
      } finally {
        zero(privateKey);
      }
    },
    seal: (secret, passphrase, context) => sealSecret(argon2, sealingCost, secret, passphrase, context),
    open: (sealed, passphrase, context) => openSecret(argon2, sealed, passphrase, context),
    secondsPerGuess: () => argon2.seconds(sealingCost),
    encodeCard,
    decodeCard,
    createEncryptionKeyPair() {
      const secretKey = x25519.utils.randomSecretKey();
      return { publicKey: toHex(x25519.getPublicKey(secretKey)), secretKey };
    },
    encryptionKeyOf: (secretKey) => toHex(x25519.getPublicKey(secretKey)),
  };
}

/** Keys of a secret that nobody else needs: it is zeroed. */
function keysOnce(secret: Uint8Array): PersonKeys {
  const keys = createPersonKeys(secret);
  zero(secret);
  return keys;
}

function keysOfPrivateKey(privateKey: Uint8Array): PersonKeys {
  const keys = keysOnce(secretOfPrivateKey(privateKey));
  zero(privateKey);
  return keys;
}

function within(value: number, [min, max]: readonly [number, number]): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}
