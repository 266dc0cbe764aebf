/**
 * Patients' cards: a patient's key sealed under a PIN or passphrase, written when the patient is registered and again when the card is lost.
 * A new card holds the same key, so nothing that was shared changes, and the old card still opens with the old PIN; patient-rotation.ts makes a new key.
 */
import type { KeyPort, PersonKeys } from '../ports.ts';
import type { PatientKeys } from './patient-keys.ts';
import { sealContext } from './sessions.ts';

export interface Cards {
  /** The card's text of an unlocked key. */
  write(unlocked: PersonKeys, secret: string): Promise<string>;
  /** A new card of a registered patient from the recovery words. Throws PHRASE_INVALID, NOT_FOUND, KEY_REPLACED, BLOCK_UNAVAILABLE. */
  reissue(patient: string, phrase: string, secret: string): Promise<string>;
  /** What one guess at a card's PIN costs, in seconds on one core of this machine. */
  secondsPerGuess(): Promise<number>;
}

/** How many of a patient's keys a card holds, the newest: the code stays readable, and those before come from the ledger's blocks. */
const secretsOnCard = 4;

export function createCards(deps: { readonly keys: KeyPort; readonly patientKeys: PatientKeys }): Cards {
  const { keys, patientKeys } = deps;

  const write: Cards['write'] = async (unlocked, secret) => {
    const bytes = unlocked.secret(secretsOnCard);
    try {
      return keys.encodeCard(unlocked.account, await keys.seal(bytes, secret, sealContext.card(unlocked.account)));
    } finally {
      bytes.fill(0);
    }
  };

  return {
    write,
    async reissue(patient, phrase, secret) {
      const unlocked = await patientKeys.ofWords(patient, phrase);
      try {
        return await write(unlocked, secret);
      } finally {
        unlocked.destroy();
      }
    },
    secondsPerGuess: () => keys.secondsPerGuess(),
  };
}
