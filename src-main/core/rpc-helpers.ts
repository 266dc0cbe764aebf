/** Calls about a new key for a patient who has lost card, PIN and words. */
import type { CallName } from '../../src-shared/ipc-schema.ts';
import type { Handlers } from './rpc-handlers.ts';
import type { Workstation } from './services/workstation.ts';

type Names = Extract<CallName, `helpers.${string}`>;

export function handlers({ accountRecovery, bringingBack, rights, sessions, keyring }: Workstation): Handlers<Names> {
  return {
    'helpers.pending': ({ patient }) => ({ helpers: accountRecovery.chosen(patient), pending: accountRecovery.pending(patient) }),
    'helpers.begin': ({ patient, helper, pin }) => accountRecovery.begin(sessions.require(), patient, helper, pin),
    'helpers.complete': ({ patient, card, pin }) => accountRecovery.complete(sessions.require(), patient, card, pin).then(() => null),
    async 'helpers.atDesk'() {
      const desk = sessions.requireDesk();
      await keyring.prepare(desk);
      const self = rights.isSelf(desk);
      return {
        own: self ? accountRecovery.chosen(desk.patient) : null,
        againstOwner: self ? accountRecovery.pending(desk.patient) : [],
        // With their own card, for whomever they decide just now.
        ofOthers: accountRecovery.helpedBy(desk.keys.account),
        earlier: await bringingBack.view(desk, sessions.require()),
      };
    },
    'helpers.choose'(choice) {
      accountRecovery.choose(sessions.requireDesk(), choice);
      return null;
    },
    'helpers.agree'({ proposal }) {
      accountRecovery.agree(sessions.requireDesk(), proposal);
      return null;
    },
    'helpers.stop'() {
      accountRecovery.stop(sessions.requireDesk());
      return null;
    },
    async 'helpers.bringBack'() {
      const desk = sessions.requireDesk();
      await keyring.prepare(desk);
      return { categories: [...(await bringingBack.bring(desk, sessions.require()))] };
    },
  };
}
