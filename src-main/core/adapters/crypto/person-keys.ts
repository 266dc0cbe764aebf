/**
 * A person's unlocked keys. Holds what they come from, signer secret, X25519 secret and HKDF root, each in one buffer that `destroy` zeroes;
 * the BIP-39 seed is zeroed before this returns. After a rotation there are several of each, and the account is still the first signer's address.
 */
import { x25519 } from '@noble/curves/ed25519.js';
import { AppError } from '../../../../src-shared/errors.ts';
import type { PersonKeys } from '../../ports.ts';
import { concat, fromHex, toHex, zero } from './bytes.ts';
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
import { addressOf } from './shapes.ts';

/** A secret is BIP-39 entropy of one of these lengths, or this mark and 32 bytes of private key: the length tells them apart. */
const entropyLengths = [16, 20, 24, 28, 32];
const privateKeyMark = 1;
/** Rotated keys: this mark, the account (20 bytes), then each secret behind its length (1 byte), the oldest first. Longer than the others. */
const rotatedMark = 2;
const maxSecrets = 33;

/** The secret of a private key (32 bytes), in the form that is sealed. */
export function secretOfPrivateKey(privateKey: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(privateKeyMark), privateKey);
}

/** Keys of a secret, which is copied. Every method throws LOCKED after `destroy`. */
export function createPersonKeys(secretGiven: Uint8Array): PersonKeys {
  const { account, secrets } = readSecret(secretGiven);
  const all = secrets.map((secret) => {
    const keys = keysOf(secret);
    return { secret, ...keys, address: accountOfSecret(keys.signer), encryptionSecret: encryptionSecretOfRoot(keys.root) };
  });
  const newest = all.at(-1);
  if (!newest) throw invalid("This is not a person's secret.");
  const newestFirst = all.toReversed();

  let destroyed = false;
  const whileUnlocked = <T>(use: () => T): T => {
    if (destroyed) throw new AppError('LOCKED', "This person's keys are locked. What was saved is safe; unlock and try again.");
    return use();
  };

  const keyOf = (signer: string) => {
    const key = all.find(({ address }) => address === signer);
    if (!key) throw invalid('These keys do not sign for that address.');
    return key;
  };

  return {
    account: account ?? newest.address,
    signers: all.map(({ address }) => address),
    encryptionKey: toHex(x25519.getPublicKey(newest.encryptionSecret)),
    sign: (digest, signer = newest.address) => whileUnlocked(() => toHex(signDigest(keyOf(signer).signer, digest))),
    encryptionSecret: () => whileUnlocked(() => newest.encryptionSecret),
    encryptionSecrets: () => whileUnlocked(() => newestFirst.map(({ encryptionSecret }) => encryptionSecret)),
    derive: (label, ...parts) => whileUnlocked(() => deriveFromRoot(newest.root, label, parts)),
    deriveAs: (signer, label, ...parts) => whileUnlocked(() => deriveFromRoot(keyOf(signer).root, label, parts)),
    deriveFormer: (label) => whileUnlocked(() => newestFirst.slice(1).map(({ root }) => deriveFromRoot(root, label, []))),
    phrase: () => whileUnlocked(() => (newest.phrase ? phraseOfEntropy(newest.secret) : null)),
    secret: (most = maxSecrets) =>
      whileUnlocked(() => (account === null ? new Uint8Array(newest.secret) : writeRotated(account, all.slice(-most).map(secretOf)))),
    formerSecret: () =>
      whileUnlocked(() => (account === null || all.length < 2 ? null : writeRotated(account, all.slice(0, -1).map(secretOf)))),
    privateKey: () => whileUnlocked(() => new Uint8Array(newest.signer)),
    destroy() {
      destroyed = true;
      for (const { secret, signer, root, encryptionSecret } of all) zero(secret, signer, root, encryptionSecret);
    },
  };
}

/** Keys that guardians gave an account whose own were lost: none of those before are among them. */
export function recoveredKeys(account: string, newer: PersonKeys): PersonKeys {
  const added = newer.secret();
  const { account: of, secrets } = readSecret(added);
  try {
    if (of !== null || newer.account === account) throw invalid('Only a key of nobody yet can become the key of another account.');
    const written = writeRotated(account, secrets);
    const keys = createPersonKeys(written);
    zero(written);
    return keys;
  } finally {
    zero(added, ...secrets);
  }
}

/** The former keys' account with the newer keys in front of them. */
export function rotatedKeys(former: PersonKeys, newer: PersonKeys): PersonKeys {
  const [before, added] = [former.secret(), newer.secret()];
  const { secrets } = readSecret(before);
  const addedSecret = readSecret(added);
  try {
    if (addedSecret.account !== null || former.signers.includes(newer.account)) throw invalid('A key takes the place of others only once.');
    const written = writeRotated(former.account, [...secrets, ...addedSecret.secrets]);
    const keys = createPersonKeys(written);
    zero(written);
    return keys;
  } finally {
    zero(before, added, ...secrets, ...addedSecret.secrets);
  }
}

const secretOf = ({ secret }: { readonly secret: Uint8Array }): Uint8Array => secret;

function writeRotated(account: string, secrets: readonly Uint8Array[]): Uint8Array {
  if (secrets.length > maxSecrets) throw invalid('These keys were replaced too often. Nothing was changed.');
  const address = fromHex(account, 20);
  if (address === null) throw invalid('That is no account.');
  return concat(Uint8Array.of(rotatedMark), address, ...secrets.flatMap((secret) => [Uint8Array.of(secret.length), secret]));
}

/** Copies of the secrets, the oldest first; the account where it is not the only secret's. */
function readSecret(given: Uint8Array): { account: string | null; secrets: Uint8Array[] } {
  if (given[0] !== rotatedMark || given.length <= 1 + 20 + 17) return { account: null, secrets: [given.slice()] };
  const secrets: Uint8Array[] = [];
  for (let at = 21; at < given.length;) {
    const length = given[at] ?? 0;
    const secret = given.slice(at + 1, at + 1 + length);
    if (length === 0 || secret.length !== length || secrets.length === maxSecrets) throw invalid("This is not a person's secret.");
    secrets.push(secret);
    at += 1 + length;
  }
  return { account: addressOf(given.slice(1, 21)), secrets };
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
