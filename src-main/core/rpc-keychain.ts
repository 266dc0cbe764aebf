/** Calls about the operating system's keychain. `keychain.recover` is answered before there is a store (core-door.ts); later there is nothing to recover. */
import type { CallName } from '../../src-shared/ipc-schema.ts';
import type { Handlers } from './rpc-handlers.ts';
import type { KeychainService } from './services/keychain.ts';

type Names = Extract<CallName, `keychain.${string}`>;

export function handlers(keychain: KeychainService): Handlers<Names> {
  return {
    'keychain.view': () => keychain.view(),
    'keychain.code': async ({ passphrase }) => ({ code: await keychain.code(passphrase) }),
    'keychain.turnOn': ({ code }) => keychain.turnOn(code).then(() => null),
    'keychain.turnOff': ({ passphrase }) => keychain.turnOff(passphrase).then(() => null),
    'keychain.recover': () => ({ sealedAnew: false }),
  };
}
