/** The keychain in words for whoever decides about it. */
import type { KeychainState } from '../../../src-shared/views/keychain.ts';

/** Why it cannot be used here, and what would change that. */
export function whyNoKeychain(state: KeychainState & { readonly available: false }): string {
  switch (state.reason) {
    case 'no-service':
      return 'No keyring runs on this computer, or it stayed locked. On Linux, install and unlock GNOME Keyring or KWallet, then start Anamnesis again.';
    case 'not-real':
      return 'What this desktop offers in place of a keyring protects nothing: its password is the same on every computer. On Linux, install GNOME Keyring or KWallet, then start Anamnesis again.';
    case 'browser':
      return 'A browser cannot reach it. Open Anamnesis in its own window to use it.';
    case 'command-line':
      return 'The command line cannot reach it. Open Anamnesis in its own window to use it.';
  }
}
