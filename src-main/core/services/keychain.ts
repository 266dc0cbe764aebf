/**
 * The second lock: the machine's key sealed by the operating system's keychain. Never turned on silently, since losing the keychain would then lose what
 * was not sent yet: whoever turns it on has the recovery code, and shows it by typing it.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { KeychainView } from '../../../src-shared/views/keychain.ts';
import type { KeychainPort, MachineKeyPort, RecoveryCodePort } from '../ports.ts';
import type { Accounts } from './accounts.ts';

export interface KeychainService {
  view(): Promise<KeychainView>;
  /** Throws WRONG_CREDENTIALS, TRY_LATER. */
  code(passphrase: string): Promise<string>;
  /** Throws CODE_INVALID for a code that is not this workstation's, KEYCHAIN_UNAVAILABLE, DISK_FULL, DISK_FAILED. */
  turnOn(code: string): Promise<void>;
  /** Throws WRONG_CREDENTIALS, TRY_LATER, DISK_FULL, DISK_FAILED. */
  turnOff(passphrase: string): Promise<void>;
}

export function createKeychainService(deps: {
  readonly keychain: KeychainPort;
  readonly machineKey: MachineKeyPort;
  readonly recoveryCodes: RecoveryCodePort;
  readonly accounts: Pick<Accounts, 'withPassphrase'>;
}): KeychainService {
  const { keychain, machineKey, recoveryCodes, accounts } = deps;

  const ownCode = (): string => {
    const key = machineKey.key();
    const code = recoveryCodes.write(key);
    key.fill(0);
    return code;
  };

  return {
    view: async () => ({ on: machineKey.sealed(), openedByCode: machineKey.openedByCode(), keychain: await keychain.state() }),
    code: (passphrase) => accounts.withPassphrase(passphrase, () => Promise.resolve(ownCode())),
    async turnOn(code) {
      const typed = recoveryCodes.read(code);
      const own = recoveryCodes.write(typed) === ownCode();
      typed.fill(0);
      if (!own)
        throw new AppError(
          'CODE_INVALID',
          'This recovery code is not of this workstation. Nothing was changed; take the one that was just shown.',
        );
      await machineKey.seal();
    },
    turnOff: (passphrase) =>
      accounts.withPassphrase(passphrase, () => {
        machineKey.keepPlain();
        return Promise.resolve();
      }),
  };
}
