/**
 * Patients' cards: a patient's key sealed under a PIN or passphrase, written when the patient is registered and again when the card is lost.
 * A new card holds the same key, so nothing that was shared changes, and the old card still opens with the old PIN.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { KeyPort, PersonKeys, WorkstationStorePort } from '../ports.ts';
import { sealContext } from './sessions.ts';

export interface Cards {
  /** The card's text of an unlocked key. */
  write(unlocked: PersonKeys, secret: string): Promise<string>;
  /** A new card of a registered patient from the recovery words. Throws PHRASE_INVALID, NOT_FOUND. */
  reissue(patient: string, phrase: string, secret: string): Promise<string>;
  /** What one guess at a card's PIN costs, in seconds on one core of this machine. */
  secondsPerGuess(): Promise<number>;
}

export function createCards(deps: { readonly store: WorkstationStorePort; readonly keys: KeyPort }): Cards {
  const { store, keys } = deps;

  const write: Cards['write'] = async (unlocked, secret) => {
    const bytes = unlocked.secret();
    try {
      return keys.encodeCard(unlocked.account, await keys.seal(bytes, secret, sealContext.card(unlocked.account)));
    } finally {
      bytes.fill(0);
    }
  };

  const registered = (patient: string) =>
    store.operations({ kinds: ['RegisterPatient'], patient }).some((operation) => operation.state !== 'rejected');

  return {
    write,
    async reissue(patient, phrase, secret) {
      const unlocked = keys.fromPhrase(phrase);
      try {
        if (unlocked.account !== patient || !registered(patient)) {
          throw new AppError(
            'NOT_FOUND',
            'These are recovery words, but not those of this patient. No card was made; ask for the sheet of the patient in front of you.',
          );
        }
        return await write(unlocked, secret);
      } finally {
        unlocked.destroy();
      }
    },
    secondsPerGuess: () => keys.secondsPerGuess(),
  };
}
