/**
 * Parts of a workstation for tests of very many histories: a passphrase costs nothing, and what was derived, opened or recovered once is not done again. What they do is the real parts' doing, and what was destroyed or closed is refused as there.
 */
import { createHmac } from 'node:crypto';
import type { Argon2 } from '../../../src-main/core/adapters/crypto/argon2.ts';
import type {
  AccountIndexPort,
  KeyPort,
  OperationCodecPort,
  PersonKeys,
  RecordCryptoPort,
  StorePort,
} from '../../../src-main/core/ports.ts';
import { AppError } from '../../../src-shared/errors.ts';

/** One hash in place of Argon2id. */
export const freeOfCost: Argon2 = {
  derive: (passphrase, salt) => Promise.resolve(new Uint8Array(createHmac('sha256', salt).update(passphrase).digest())),
  seconds: () => Promise.resolve(0),
};

/** An object of which every use fails after `close`, and which `close` otherwise leaves as it is. `before` hears of each use, and may throw. */
function lent<T extends object>(real: T, ends: keyof T, refuse: () => Error, before: (name: string) => void = () => undefined): T {
  let ended = false;
  return new Proxy(real, {
    get(target, name: string & keyof T) {
      if (name === ends) return () => void (ended = true);
      const value = target[name];
      if (typeof value !== 'function') return value;
      return (...given: unknown[]): unknown => {
        if (ended) throw refuse();
        before(name);
        return (value as (...given: unknown[]) => unknown).apply(target, given);
      };
    },
  });
}

/** Keys of a secret or phrase are derived once. */
export function reusingKeys(keys: KeyPort): KeyPort {
  const derived = new Map<string, PersonKeys>();
  const publicKeys = new Map<string, string>();
  const once = (name: string, derive: () => PersonKeys): PersonKeys => {
    const known = derived.get(name) ?? derive();
    derived.set(name, known).set(Buffer.from(known.secret()).toString('hex'), known);
    return lent(known, 'destroy', () => new AppError('LOCKED', 'These keys were destroyed.'));
  };
  return {
    ...keys,
    encryptionKeyOf(secretKey) {
      const name = Buffer.from(secretKey).toString('hex');
      const known = publicKeys.get(name) ?? keys.encryptionKeyOf(secretKey);
      publicKeys.set(name, known);
      return known;
    },
    fromPhrase: (phrase) => once(phrase, () => keys.fromPhrase(phrase)),
    fromSecret: (secret) => once(Buffer.from(secret).toString('hex'), () => keys.fromSecret(secret)),
    rotated(former, newer) {
      const [before, added] = [former.secret(), newer.secret()].map((secret) => Buffer.from(secret).toString('hex'));
      return once(`${before} ${added}`, () => keys.rotated(former, newer));
    },
  };
}

/** What a clinic's staff open at each log-in is opened once. */
export function reusingCrypto(crypto: RecordCryptoPort): RecordCryptoPort {
  const opened = new Map<string, readonly Uint8Array[] | null>();
  return {
    ...crypto,
    async openOrganizationKey(bytes, network, organization, member, secretKey) {
      const name = [crypto.sha256(bytes), crypto.sha256(secretKey)].map((part) => Buffer.from(part).toString('hex')).join();
      const key = [name, network, organization, member].join();
      const known = opened.has(key)
        ? opened.get(key)
        : await crypto.openOrganizationKey(bytes, network, organization, member, secretKey).then((secrets) => {
            opened.set(key, secrets?.map((secret) => secret.slice()) ?? null);
            return opened.get(key);
          });
      return known?.map((secret) => secret.slice()) ?? null;
    },
  };
}

/** Signers are recovered once from each signature. */
export function reusingCodec(codec: OperationCodecPort): OperationCodecPort {
  const recovered = new Map<string, string | null>();
  return {
    ...codec,
    recover(digest, signature) {
      const name = `${Buffer.from(digest).toString('hex')}${signature}`;
      const known = recovered.get(name);
      if (known !== undefined) return known;
      const signer = codec.recover(digest, signature);
      recovered.set(name, signer);
      return signer;
    },
  };
}

/** An index stays open until it is opened with another key, or the store is closed. */
export function reusingIndexes(store: StorePort, before: (name: string) => void): StorePort {
  const open = new Map<string, { readonly key: string; readonly index: AccountIndexPort }>();
  return {
    ...store,
    openAccount(account, key, formerKeys) {
      const name = Buffer.from(key).toString('hex');
      const known = open.get(account);
      const closed = () => new TypeError('This index was closed.');
      if (known?.key === name) return { index: lent(known.index, 'close', closed, before), rebuilt: false };
      known?.index.close();
      const opened = store.openAccount(account, key, formerKeys);
      open.set(account, { key: name, index: opened.index });
      return { ...opened, index: lent(opened.index, 'close', closed, before) };
    },
  };
}
