/** The keys that envelopes for persons and clinics are sealed to, as the directory and the registrations say. */
import { AppError } from '../../../src-shared/errors.ts';
import type { OperationCodecPort, WorkstationStorePort } from '../ports.ts';
import { granteeOfAccount, isPersonGrantee } from './bytes.ts';
import type { Directory } from './directory.ts';

export interface Grantees {
  /** None for a person who is suspended or gone. A registered patient, who may be somebody's guardian, has one too. */
  encryptionKey(grantee: string): string | undefined;
  /** Throws NOT_FOUND. */
  require(grantee: string): string;
}

export function createGrantees(store: WorkstationStorePort, codec: OperationCodecPort, directory: Directory): Grantees {
  const ofPatient = (grantee: string): string | undefined => {
    const account = `0x${grantee.slice(26)}`;
    const registration = store.operations({ kinds: ['RegisterPatient'], patient: account }).find(({ state }) => state !== 'rejected');
    const decoded = registration && codec.decodePayload(registration.operation);
    if (decoded?.kind !== 'RegisterPatient') return undefined;
    return directory.rotatedEncryptionKey(account) ?? decoded.payload.encryptionKey;
  };
  const encryptionKey = (grantee: string): string | undefined =>
    isPersonGrantee(grantee)
      ? (directory.members().find((m) => granteeOfAccount(m.account) === grantee && !m.suspended)?.encryptionKey ?? ofPatient(grantee))
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
