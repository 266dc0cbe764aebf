/** Calls about keys of people: taking one over, and what its owner does with it in Settings. */
import type { CallName } from '../../src-shared/ipc-schema.ts';
import type { Handlers } from './rpc.ts';
import type { Workstation } from './services/workstation.ts';

type Names = Extract<CallName, `keys.${string}`>;

export function handlers({ accounts, keyRotation, facts }: Workstation): Handlers<Names> {
  return {
    'keys.read': ({ key }) => accounts.read(key),
    async 'keys.take'({ personName, passphrase, key }) {
      const taken = await accounts.take(personName, passphrase, key);
      facts.tell('status', null);
      return taken;
    },
    'keys.phrase': async ({ passphrase }) => ({ phrase: await accounts.phrase(passphrase) }),
    'keys.keystore': async ({ passphrase, password }) => ({ json: await accounts.keystore(passphrase, password) }),
    'keys.changePassphrase': ({ passphrase, newPassphrase }) => accounts.changePassphrase(passphrase, newPassphrase).then(() => null),
    'keys.rotate': ({ passphrase, phrase }) => keyRotation.rotate(passphrase, phrase).then(() => null),
    'keys.adopt': ({ passphrase, phrase }) => keyRotation.adopt(passphrase, phrase).then(() => null),
  };
}
