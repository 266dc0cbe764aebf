/** What screens know of the operating system's keychain and of the key that it seals. */

/** Why no keychain can be used: none runs, it is none that protects anything, or this way of starting the workstation cannot reach it. */
export type NoKeychain = 'no-service' | 'not-real' | 'browser' | 'command-line';

export type KeychainState =
  | { readonly available: true; /** As its users know it. */ readonly name: string }
  | { readonly available: false; readonly reason: NoKeychain };

export interface KeychainView {
  /** Whether the workstation's key lies sealed by a keychain. */
  readonly on: boolean;
  /** It is, but this start was opened by the recovery code, since no keychain opened it. */
  readonly openedByCode: boolean;
  readonly keychain: KeychainState;
}
