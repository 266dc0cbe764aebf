/** Calls about recovering a patient's key by shares. */
import type { CallName } from '../../src-shared/ipc-schema.ts';
import type { Handlers } from './rpc-handlers.ts';
import type { Workstation } from './services/workstation.ts';

type Names = Extract<CallName, `recovery.${string}`>;

export function handlers({ recovery, sessions }: Workstation): Handlers<Names> {
  return {
    'recovery.make': () => recovery.make(sessions.requireDesk()),
    'recovery.card': async ({ patient, shares, pin }) => ({ card: await recovery.card(sessions.require(), patient, shares, pin) }),
  };
}
