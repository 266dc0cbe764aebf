/**
 * What goes beside every envelope of a patient: all keys of the record, sealed to the emergency keys of the clinics concerned, unless the patient
 * switched that off.
 */
import type { EnvelopeKey, OperationCodecPort, WorkstationStorePort } from '../ports.ts';
import type { Consents } from './consents.ts';
import type { Directory } from './directory.ts';
import type { EmergencyKeys } from './emergency-keys.ts';
import type { RecordKeys } from './keyring.ts';

export interface EnvelopeRecipient {
  readonly id: string;
  readonly encryptionKey: string;
  readonly keys: readonly EnvelopeKey[];
}

export interface EmergencySeals {
  /** The clinics that hold keys for emergencies: the one that registered the patient, and the one at whose desk the patient is. */
  clinics(patient: string): string[];
  /** `next`: keys of epochs that begin with it, by compartment. */
  recipients(
    record: RecordKeys,
    patient: string,
    next?: ReadonlyMap<string, EnvelopeKey>,
    allowed?: boolean,
  ): Promise<readonly EnvelopeRecipient[]>;
  /** Whether a grantee is nobody but the name under which a clinic's emergency keys are sealed. */
  isFor(grantee: string): boolean;
}

export function createEmergencySeals(deps: {
  readonly store: WorkstationStorePort;
  readonly codec: OperationCodecPort;
  readonly consents: Consents;
  readonly directory: Directory;
  readonly emergencyKeys: EmergencyKeys;
  /** Id of this workstation's organization. */
  readonly organization: () => string;
}): EmergencySeals {
  const { store, codec, consents, directory, emergencyKeys } = deps;

  const clinics = (patient: string): string[] => {
    const registrations = store.operations({ kinds: ['RegisterPatient'], patient }).flatMap((stored) => {
      const decoded = codec.decodePayload(stored.operation);
      return decoded.kind === 'RegisterPatient' && stored.state !== 'rejected' ? [decoded.payload.organization] : [];
    });
    return [...new Set([...registrations, deps.organization()])];
  };

  return {
    clinics,
    async recipients(record, patient, next = new Map(), allowed = consents.emergency(patient).allowed) {
      if (!allowed) return [];
      const known = clinics(patient).flatMap((clinic) => {
        const encryptionKey = emergencyKeys.publicKey(clinic);
        return encryptionKey ? [{ id: emergencyKeys.idOf(clinic), encryptionKey }] : [];
      });
      if (known.length === 0) return [];
      const keys: EnvelopeKey[] = [];
      // A key that is away now was sealed before, when its epoch began.
      for (const compartment of record.compartments.keys()) keys.push(...(await record.upTo(compartment)).keys);
      return known.map((clinic) => ({ ...clinic, keys: [...keys, ...next.values()] }));
    },
    isFor: (grantee) => directory.organizations().some(({ id }) => emergencyKeys.idOf(id) === grantee),
  };
}
