/** Calls about patients' cards. */
import type { CallName } from '../../src-shared/ipc-schema.ts';
import type { Handlers } from './rpc-handlers.ts';
import type { Workstation } from './services/workstation.ts';

type Names = Extract<CallName, `cards.${string}`>;

export function handlers({ cards, patientRotation, sessions }: Workstation): Handlers<Names> {
  return {
    'cards.reissue': async ({ patient, phrase, pin }) => ({ card: await cards.reissue(patient, phrase, pin) }),
    'cards.newKey': ({ patient, opening, pin }) => patientRotation.rotate(sessions.require(), patient, opening, pin),
    'cards.guessing': async () => ({ secondsPerGuess: await cards.secondsPerGuess() }),
  };
}
