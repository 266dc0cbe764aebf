/** The machine's key, the keychain that may seal it, and the code that opens it where the keychain is lost. */
import type { KeychainState } from '../../../src-shared/views/keychain.ts';

/** The operating system's keychain, as far as this process can reach one. */
export interface KeychainPort {
  state(): Promise<KeychainState>;
  /** Throws KEYCHAIN_UNAVAILABLE. */
  seal(key: Uint8Array): Promise<Uint8Array>;
  /** Null where this keychain does not open it. What comes back is not authenticated: the caller checks it. */
  unseal(sealed: Uint8Array): Promise<Uint8Array | null>;
}

/** The key that `workstation.db` is encrypted with. */
export interface MachineKeyPort {
  /** A copy, for the caller to zero. */
  key(): Uint8Array;
  sealed(): boolean;
  /** Opened by the recovery code and still sealed by a keychain that is not there. */
  openedByCode(): boolean;
  /** Seals it by the keychain; before this returns, the old file is gone. Throws KEYCHAIN_UNAVAILABLE, DISK_FULL, DISK_FAILED. */
  seal(): Promise<void>;
  /** Keeps it in a plain file again. Throws DISK_FULL, DISK_FAILED. */
  keepPlain(): void;
}

/** The machine's key as text for paper. */
export interface RecoveryCodePort {
  write(key: Uint8Array): string;
  /** Letters of either case, with or without separators. Throws CODE_INVALID. */
  read(code: string): Uint8Array;
}
