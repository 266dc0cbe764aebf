/**
 * A person's own key: taken over from a phrase, a private key or a keystore file, shown and exported again, and sealed under another
 * passphrase. Everything that shows or changes a key asks for the passphrase, also of somebody who is logged in: the chair may be empty.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { KeySource } from '../../../src-shared/ipc-schema.ts';
import type { KeyPort, PersonKeys, WorkstationStorePort } from '../ports.ts';
import type { AttemptLimiter } from './attempts.ts';
import type { Directory } from './directory.ts';
import type { People } from './people.ts';
import { sealContext, type Sessions } from './sessions.ts';

export interface Accounts {
  /** Whose key it is. Keeps nothing. Throws PHRASE_INVALID, KEY_INVALID, WRONG_CREDENTIALS, ALREADY_EXISTS. */
  read(source: KeySource): Promise<{ account: string; fromPhrase: boolean }>;
  /**
   * Keeps the key here under the passphrase; where it is here already, its words seal it anew under this one. Throws what `read` throws.
   */
  take(name: string, passphrase: string, source: KeySource): Promise<{ account: string; enrolmentCode: string }>;
  /** The words of whoever is logged in; null where the key came without. Throws WRONG_CREDENTIALS, TRY_LATER. */
  phrase(passphrase: string): Promise<string | null>;
  /** A V3 keystore of the signing key of whoever is logged in, under a password of its own. Throws WRONG_CREDENTIALS, TRY_LATER. */
  keystore(passphrase: string, password: string): Promise<string>;
  /** One durable write: before it the old passphrase opens, after it the new one only. Throws WRONG_CREDENTIALS, TRY_LATER, INVALID_INPUT. */
  changePassphrase(passphrase: string, newPassphrase: string): Promise<void>;
  /** Runs `use` with the keys of whoever is logged in, opened anew by the passphrase. Throws WRONG_CREDENTIALS, TRY_LATER. */
  withPassphrase<T>(passphrase: string, use: (unlocked: PersonKeys) => Promise<T>): Promise<T>;
}

const subjectOf = (account: string) => `person/${account.toLowerCase()}`;

export function createAccounts(deps: {
  readonly store: WorkstationStorePort;
  readonly keys: KeyPort;
  readonly attempts: AttemptLimiter;
  readonly sessions: Sessions;
  readonly directory: Directory;
  readonly people: People;
}): Accounts {
  const { store, keys, attempts, sessions, directory, people } = deps;

  const unlock = async (source: KeySource): Promise<PersonKeys> => {
    const unlocked = await keysOf(source);
    try {
      refuseWhereUseless(unlocked);
      return unlocked;
    } catch (error) {
      unlocked.destroy();
      throw error;
    }
  };

  const keysOf = async (source: KeySource): Promise<PersonKeys> => {
    switch (source.kind) {
      case 'phrase':
        return keys.fromPhrase(source.phrase);
      case 'privateKey':
        return keys.fromPrivateKey(source.privateKey);
      case 'keystore':
        return keys.fromKeystore(source.json, source.password);
    }
  };

  const refuseWhereUseless = (unlocked: PersonKeys) => {
    const { account, encryptionKey } = unlocked;
    if (isHere(account) && !opensAll(unlocked))
      throw new AppError('ALREADY_EXISTS', 'This key is already on this workstation. Choose the name on the lock screen.');
    const rotated = directory.accountOf(account);
    if (rotated !== undefined)
      throw new AppError(
        'KEY_INVALID',
        'These words replaced those of an older account. Bring along the first words of the account; then enter these under Settings, My key.',
      );
    // The words give the encryption key of the enrolment again; a private key alone gives another one, and nothing shared would open.
    if (unlocked.phrase() === null && directory.memberships(account).some((member) => member.encryptionKey !== encryptionKey)) {
      throw new AppError(
        'KEY_INVALID',
        'This account was enrolled with its recovery words, and its private key alone cannot read what was shared with it. Use the words.',
      );
    }
  };

  const isHere = (account: string) => store.people().some((person) => person.account === account);

  /** Whether these words are all that an account has: of one whose key was replaced, the newer secrets lie under the passphrase alone. */
  const opensAll = (unlocked: PersonKeys) => unlocked.phrase() !== null && directory.signer(unlocked.account) === unlocked.account;

  /** A forgotten passphrase: whoever has the words is the person, and may seal the key under another one. */
  const sealAnew = async (passphrase: string, unlocked: PersonKeys) => {
    const { account } = unlocked;
    try {
      const secret = unlocked.secret();
      const sealed = await keys.seal(secret, passphrase, sealContext.person(account));
      secret.fill(0);
      const person = store.people().find((row) => row.account === account);
      if (!person) throw new AppError('NOT_FOUND', 'This key is no longer on this workstation. Nothing was changed.');
      store.addPerson({ ...person, sealed });
      attempts.forget(subjectOf(account));
      return { account, enrolmentCode: people.enrolmentCode(account) };
    } finally {
      unlocked.destroy();
    }
  };

  const withPassphrase = async <T>(passphrase: string, use: (unlocked: PersonKeys) => Promise<T>): Promise<T> => {
    const { account } = sessions.require();
    return attempts.guard(subjectOf(account), async () => {
      const person = store.people().find((row) => row.account === account);
      if (!person) throw new AppError('NOT_FOUND', 'This key is no longer on this workstation.');
      const secret = await keys.open(person.sealed, passphrase, sealContext.person(account));
      const unlocked = keys.fromSecret(secret);
      secret.fill(0);
      try {
        return await use(unlocked);
      } finally {
        unlocked.destroy();
      }
    });
  };

  return {
    withPassphrase,
    async read(source) {
      const unlocked = await unlock(source);
      const result = { account: unlocked.account, fromPhrase: unlocked.phrase() !== null };
      unlocked.destroy();
      return result;
    },
    async take(name, passphrase, source) {
      const unlocked = await unlock(source);
      return isHere(unlocked.account) ? sealAnew(passphrase, unlocked) : people.createKey(name, passphrase, unlocked);
    },
    phrase: (passphrase) => withPassphrase(passphrase, (unlocked) => Promise.resolve(unlocked.phrase())),
    keystore: (passphrase, password) => withPassphrase(passphrase, (unlocked) => keys.toKeystore(unlocked, password)),
    changePassphrase: (passphrase, newPassphrase) =>
      withPassphrase(passphrase, async (unlocked) => {
        if (passphrase.normalize('NFKC') === newPassphrase.normalize('NFKC'))
          throw new AppError('INVALID_INPUT', 'The new passphrase is the same as the old one. Nothing was changed.', {
            field: 'newPassphrase',
          });
        const secret = unlocked.secret();
        const sealed = await keys.seal(secret, newPassphrase, sealContext.person(unlocked.account));
        secret.fill(0);
        const person = store.people().find((row) => row.account === unlocked.account);
        if (!person) throw new AppError('NOT_FOUND', 'This key is no longer on this workstation. Nothing was changed.');
        store.addPerson({ ...person, sealed });
      }),
  };
}
