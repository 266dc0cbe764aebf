/**
 * A new key for the same account: a new signer and X25519 key from new words, announced by an operation that the old key signs and the new one
 * co-signs. The old keys stay in the sealed bundle, because what was sealed to them before opens with nothing else. Bundle and operation are kept in
 * one transaction, so that the rotation is there whole or not at all; index and drafts follow at the next opening.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { KeyPort, PersonKeys, PersonRow, WorkstationStorePort } from '../ports.ts';
import type { Accounts } from './accounts.ts';
import { granteeOfAccount } from './bytes.ts';
import type { Directory } from './directory.ts';
import type { FactBus } from './facts.ts';
import { sealContext, type Session, type Sessions } from './sessions.ts';
import type { Signing } from './signing.ts';

export interface KeyRotation {
  /**
   * Replaces the key of whoever is logged in by that of the phrase, under the same passphrase. Throws WRONG_CREDENTIALS, TRY_LATER, PHRASE_INVALID,
   * KEY_INVALID, KEY_REPLACED, NOT_ALLOWED; then nothing was changed.
   */
  rotate(passphrase: string, phrase: string): Promise<void>;
  /** Takes over, from its words, a key that the person's account was given at another workstation. Throws the same. */
  adopt(passphrase: string, phrase: string): Promise<void>;
  /** Whether the key of a session no longer signs for its account. */
  isReplaced(session: Session): boolean;
}

export function createKeyRotation(deps: {
  readonly store: WorkstationStorePort;
  readonly keys: KeyPort;
  readonly accounts: Accounts;
  readonly directory: Directory;
  readonly sessions: Sessions;
  readonly signing: Signing;
  readonly facts: FactBus;
  /** May take part though no clinic enrolled them. */
  readonly isGovernor: (account: string) => boolean;
}): KeyRotation {
  const { store, keys, accounts, directory, sessions, signing, facts } = deps;

  /** Seals the combined keys, and hands them with the person's row to `keep`, unless the workstation was locked meanwhile. */
  const replace = async (
    session: Session,
    passphrase: string,
    former: PersonKeys,
    newer: PersonKeys,
    keep: (row: PersonRow) => void,
  ): Promise<void> => {
    const combined = keys.rotated(former, newer);
    const secret = combined.secret();
    try {
      const sealed = await keys.seal(secret, passphrase, sealContext.person(combined.account));
      if (sessions.current() !== session)
        throw new AppError('NOT_LOGGED_IN', 'The workstation was locked meanwhile. Nothing was changed; log in and try again.');
      const person = store.people().find((row) => row.account === combined.account);
      if (!person) throw new AppError('NOT_FOUND', 'This key is no longer on this workstation. Nothing was changed.');
      keep({ ...person, encryptionKey: combined.encryptionKey, sealed });
    } catch (error) {
      combined.destroy();
      throw error;
    } finally {
      secret.fill(0);
    }
    try {
      sessions.begin(combined, session.name);
    } catch (cause) {
      combined.destroy();
      const message = 'The new key counts from now on, but your records could not be opened with it here. Log in again; nothing is lost.';
      throw new AppError('LOCKED', message, {}, { cause });
    }
  };

  const withNewKey = async (passphrase: string, phrase: string, use: (former: PersonKeys, newer: PersonKeys) => Promise<void>) => {
    const newer = keys.fromPhrase(phrase);
    try {
      await accounts.withPassphrase(passphrase, (former) => use(former, newer));
    } finally {
      newer.destroy();
    }
  };

  return {
    isReplaced: (session) => !session.keys.signers.includes(directory.signer(session.account)),
    async rotate(passphrase, phrase) {
      const session = sessions.require();
      if (directory.memberships(session.account).length === 0 && !deps.isGovernor(session.account))
        throw new AppError('NOT_ALLOWED', 'The ledger takes a new key only from members of a clinic. Nothing was changed.');
      await withNewKey(passphrase, phrase, async (former, newer) => {
        const used =
          directory.accountOf(newer.account) !== undefined ||
          directory.members().some((member) => member.account === newer.account) ||
          store.people().some((person) => person.account === newer.account) ||
          former.signers.includes(newer.account) ||
          store.countOperations({ kinds: ['RegisterPatient'], patient: newer.account }) > 0;
        if (used)
          throw new AppError(
            'KEY_INVALID',
            'These words already belong to an account of this network. Have new ones made. Nothing was changed.',
          );
        const payload = { signer: newer.account, encryptionKey: newer.encryptionKey };
        const operation = signing.make('RotateKeys', payload, 'Make a new key', former, { cosigners: [newer] });
        await replace(session, passphrase, former, newer, (row) => {
          store.enqueueWithPerson(row, [operation]);
          facts.tell('operations', { kinds: new Set(['RotateKeys']) });
        });
      });
    },
    async adopt(passphrase, phrase) {
      const session = sessions.require();
      await withNewKey(passphrase, phrase, async (former, newer) => {
        if (directory.accountOf(newer.account) !== former.account || former.signers.includes(newer.account))
          throw new AppError(
            'KEY_INVALID',
            'These are not the words of the key that replaced yours, or the ledger has not told this workstation yet. Nothing was changed.',
          );
        await replace(session, passphrase, former, newer, (row) => store.addPerson(row));
        // What was sealed to the new key was passed over until now.
        const index = sessions.require().index;
        for (const cursor of [`grants:${granteeOfAccount(former.account)}`, 'revocations']) index.setCursor(cursor, 0);
        facts.tell('operations', { kinds: new Set() });
      });
    },
  };
}
