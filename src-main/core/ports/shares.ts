/** A patient's key in three shares (card, clinic's vault, guardian) of which any two give it again. */
import type { PersonKeys } from './crypto.ts';

export type ShareHolder = 'card' | 'vault' | 'guardian';

export interface SharesPort {
  /** Three codes. Shares made anew do not mix with those before. */
  split(keys: PersonKeys): Promise<Record<ShareHolder, string>>;
  /**
   * Checks a share by what `signer` signed. Throws CODE_INVALID. That this is a key of the account is for the caller to check: keys are replaced, and a
   * share that a stranger made for the account has another signer.
   */
  read(code: string): { readonly account: string; readonly holder: ShareHolder; readonly signer: string };
  /** Throws CODE_INVALID for a share that is bad, or two that do not belong together. */
  combine(codes: readonly [string, string]): Promise<PersonKeys>;
  /** The vault's share under the clinic's X25519 key, bound to network, clinic and patient. */
  sealForVault(network: string, organization: string, organizationKey: string, patient: string, code: string): Promise<Uint8Array>;
  /** Throws TAMPERED. */
  openFromVault(network: string, organization: string, secretKey: Uint8Array, patient: string, sealed: Uint8Array): Promise<string>;
}
