/** The keys that envelopes for persons and clinics are sealed to, as the directory says. */
import { AppError } from '../../../src-shared/errors.ts';
import { granteeOfAccount, isPersonGrantee } from './bytes.ts';
import type { Directory } from './directory.ts';

export interface Grantees {
  /** None for a person who is suspended or gone. */
  encryptionKey(grantee: string): string | undefined;
  /** Throws NOT_FOUND. */
  require(grantee: string): string;
}

export function createGrantees(directory: Directory): Grantees {
  const encryptionKey = (grantee: string): string | undefined =>
    isPersonGrantee(grantee)
      ? directory.members().find((m) => granteeOfAccount(m.account) === grantee && !m.suspended)?.encryptionKey
      : directory.organization(grantee)?.organizationKey;
  return {
    encryptionKey,
    require(grantee) {
      const key = encryptionKey(grantee);
      if (!key) throw new AppError('NOT_FOUND', 'This person or clinic is not in the network’s directory. Nothing was shared.');
      return key;
    },
  };
}
