/** Calls about patients' cards. */
import type { CallName } from '../../src-shared/ipc-schema.ts';
import type { Handlers } from './rpc-handlers.ts';
import type { Workstation } from './services/workstation.ts';

type Names = Extract<CallName, `cards.${string}`>;

export function handlers({ cards }: Workstation): Handlers<Names> {
  return {
    'cards.reissue': async ({ patient, phrase, pin }) => ({ card: await cards.reissue(patient, phrase, pin) }),
    'cards.guessing': async () => ({ secondsPerGuess: await cards.secondsPerGuess() }),
  };
}
