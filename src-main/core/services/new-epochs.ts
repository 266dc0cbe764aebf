/**
 * Revocations begin new epochs: new keys for what is written from then on, sealed to those who stay. Made here in one place for all who revoke: a
 * patient or delegate at the desk, the switch for emergencies, and a patient's new key.
 */
import type { EncodedBlock, EnvelopeKey, RecordCryptoPort } from '../ports.ts';
import { zero32 } from './bytes.ts';
import { isCurrent, type Consents } from './consents.ts';
import type { EmergencySeals } from './emergency-seals.ts';
import type { Grantees } from './grantees.ts';
import type { RecordHolder, RecordKeys } from './keyring.ts';
import type { NetworkService } from './network.ts';
import type { Notes } from './notes.ts';
import type { PreparedOperation, Signing } from './signing.ts';

export interface FormerKeys {
  /** Of the key that replaced them. */
  readonly encryptionKey: string;
  readonly secret: Uint8Array;
}

export interface NewEpochs {
  /**
   * Revocations, signed by the holder, and the envelope that they name. `label`: of the operations. `signer`: as in `SigningOptions`. `emergency`: as the
   * patient has it unless given. `former`: the secret of keys that were replaced, sealed beside.
   */
  begin(
    holder: RecordHolder,
    record: RecordKeys,
    what: {
      readonly compartments: readonly string[];
      readonly leaving: string;
      readonly label: string;
      readonly signer?: string;
      readonly emergency?: boolean;
      readonly former?: FormerKeys;
      /** Keys of earlier epochs that the patient has no seed of any more: sealed to the patient. */
      readonly returned?: readonly EnvelopeKey[];
    },
  ): Promise<{ readonly blocks: EncodedBlock[]; readonly revocations: PreparedOperation[] }>;
}

export function createNewEpochs(deps: {
  readonly crypto: RecordCryptoPort;
  readonly consents: Consents;
  readonly grantees: Grantees;
  readonly seals: EmergencySeals;
  readonly signing: Signing;
  readonly network: NetworkService;
  readonly notes: Pick<Notes, 'patientReader'>;
  readonly clock: () => number;
}): NewEpochs {
  const { crypto, consents, grantees, seals, signing, network } = deps;

  /** Who stays, with the keys of the compartments they read. */
  const remaining = (patient: string, leaving: string, next: ReadonlyMap<string, EnvelopeKey>) => {
    const states = consents.of(patient);
    const now = Math.floor(deps.clock() / 1000);
    const byGrantee = new Map<string, { id: string; encryptionKey: string; keys: EnvelopeKey[] }>();
    for (const [compartment, key] of next) {
      for (const [id, grant] of states.get(compartment)?.grants ?? []) {
        const encryptionKey = grantees.encryptionKey(id);
        // Whose time is over gets no new keys either.
        if (id === leaving || !isCurrent(grant, now) || !encryptionKey) continue;
        const known = byGrantee.get(id) ?? { id, encryptionKey, keys: [] };
        known.keys.push(key);
        byGrantee.set(id, known);
      }
    }
    return [...byGrantee.values()];
  };

  return {
    async begin({ keys, patient }, record, { compartments, leaving, label, signer, emergency, former, returned = [] }) {
      const next = new Map(compartments.map((compartment) => [compartment, record.next(compartment)]));
      const recipients = [...remaining(patient, leaving, next), ...(await seals.recipients(record, patient, next, emergency))];
      // What the patient's own seed does not give is sealed to the patient too, who has no grant.
      const toPatient = [...(keys.account === patient ? [] : next.values()), ...returned];
      if (toPatient.length > 0) recipients.push({ ...deps.notes.patientReader(patient), keys: toPatient });
      const envelope =
        recipients.length > 0 || former ? await crypto.sealEnvelopes(network.ofPatient(patient), patient, recipients, former) : null;
      for (const { kek } of next.values()) kek.fill(0);
      const revocations = [...next].map(([compartment, { epoch, opId }]) => {
        const payload = { patient, compartment, grantee: leaving, epoch, envelope: envelope?.digest ?? zero32 };
        return signing.make('Revoke', payload, label, keys, { opId, ...(signer === undefined ? {} : { signer }) });
      });
      return { blocks: envelope ? [envelope] : [], revocations };
    },
  };
}
