/**
 * The operating system's keychain, by Electron's safeStorage, for the core, which asks for it by messages: a utility process cannot reach it. On Linux
 * safeStorage falls back to a password that is in Chromium's source (`basic_text`, and ciphertexts that begin with `v10`): that is no keychain.
 */
import type { KeychainState, NoKeychain } from '../src-shared/views/keychain.ts';
import type { KeychainAnswer, KeychainAsk } from './core/entry.ts';

/** What is used of Electron's safeStorage. */
export interface SafeStorage {
  isEncryptionAvailable(): boolean;
  /** Linux; missing in Electron before 28. */
  getSelectedStorageBackend?(): string;
  encryptString(text: string): Buffer;
  decryptString(sealed: Buffer): string;
}

export interface ShellKeychain {
  state(): KeychainState;
  /** Null where it cannot. */
  seal(bytes: Uint8Array): Uint8Array | null;
  unseal(sealed: Uint8Array): Uint8Array | null;
}

const linuxBackends: Readonly<Record<string, string>> = {
  gnome_libsecret: 'the keyring of this desktop',
  kwallet: 'KWallet',
  kwallet5: 'KWallet',
  kwallet6: 'KWallet',
};
const names: Partial<Record<NodeJS.Platform, string>> = { darwin: 'the keychain of macOS', win32: 'the data protection of Windows' };

/** For shells that cannot reach one. */
export function keychainOutOfReach(reason: NoKeychain): ShellKeychain {
  return { state: () => ({ available: false, reason }), seal: () => null, unseal: () => null };
}

/** The keychain that safeStorage uses here, where it is a real one. */
export function keychainOf(storage: SafeStorage, platform: NodeJS.Platform): ShellKeychain {
  const none = (reason: NoKeychain): KeychainState => ({ available: false, reason });

  const state = (): KeychainState => {
    if (platform !== 'linux')
      return storage.isEncryptionAvailable() ? { available: true, name: names[platform] ?? 'its keychain' } : none('no-service');
    const backend = storage.getSelectedStorageBackend?.();
    if (backend === 'basic_text') return none('not-real');
    if (!storage.isEncryptionAvailable()) return none('no-service');
    // An older Electron does not say which it is; what it makes does.
    if (backend === undefined)
      return isWeak(storage.encryptString('probe')) ? none('not-real') : { available: true, name: 'the keyring of this desktop' };
    const name = linuxBackends[backend];
    return name === undefined ? none('not-real') : { available: true, name };
  };
  const isWeak = (sealed: Uint8Array) => platform === 'linux' && Buffer.from(sealed.subarray(0, 3)).toString('latin1') === 'v10';

  return {
    state,
    seal(bytes) {
      if (!state().available) return null;
      const sealed = storage.encryptString(Buffer.from(bytes).toString('base64'));
      return isWeak(sealed) ? null : new Uint8Array(sealed);
    },
    unseal(sealed) {
      if (!state().available || isWeak(sealed)) return null;
      let text: string;
      try {
        text = storage.decryptString(Buffer.from(sealed));
      } catch {
        // Another keychain's: the core says so, and asks for the recovery code.
        return null;
      }
      return new Uint8Array(Buffer.from(text, 'base64'));
    },
  };
}

/** Answers the core. Its key passes through here as text for a moment, since that is what safeStorage takes; it is kept and written nowhere. */
export function answerFrom(keychain: ShellKeychain, ask: KeychainAsk): KeychainAnswer {
  try {
    if (ask.what === 'state') return { state: keychain.state() };
    return { bytes: ask.what === 'seal' ? keychain.seal(ask.bytes) : keychain.unseal(ask.bytes) };
  } catch {
    // The keychain failed in a way of its own (its text could hold anything): for the core it is not there.
    return ask.what === 'state' ? { state: { available: false, reason: 'no-service' } } : { bytes: null };
  } finally {
    if (ask.what === 'seal') ask.bytes.fill(0);
  }
}
