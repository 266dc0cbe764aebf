/**
 * Who holds the key of a compartment's epoch without a grant. Whoever revokes seals the new key to all who stay as far as they know; where the ledger then refuses
 * the grant of one of these (a reorganization put the revocation before it), it has no grant, but that person has the key of what is written from then on. Found by
 * what is sealed to whom, which is readable though the keys are not.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { IpfsPort, OperationCodecPort, RecordCryptoPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import { granteeOfAccount, zero32 } from './bytes.ts';
import type { Consents } from './consents.ts';
import type { EmergencySeals } from './emergency-seals.ts';
import type { RecordKeys } from './keyring.ts';

/** What cannot be had in this time is looked at when the card is opened the next time. */
const fetchTimeoutMs = 3000;

/** As of now, for one patient whose record is open: each compartment in which it is so, with one of those who hold its key. */
export async function keysWithoutGrant(deps: {
  readonly store: WorkstationStorePort;
  readonly ipfs: Pick<IpfsPort, 'get'>;
  readonly codec: OperationCodecPort;
  readonly crypto: RecordCryptoPort;
  readonly consents: Consents;
  readonly seals: EmergencySeals;
  readonly network: string;
  readonly patient: string;
  readonly record: RecordKeys;
}): Promise<{ readonly compartment: string; readonly grantee: string }[]> {
  const { store, codec, crypto, consents, seals, network, patient, record } = deps;
  const states = consents.of(patient);
  const operations = store
    .operations({ kinds: ['Grant', 'Revoke'], patient })
    .map((stored) => ({ stored, decoded: codec.decodePayload(stored.operation) }));
  const isIn = (compartment: string, epoch: number) => states.get(compartment)?.epoch === epoch;
  const mayNot = (compartment: string, grantee: string) =>
    states.get(compartment)?.grants.has(grantee) !== true && grantee !== granteeOfAccount(patient) && !seals.isFor(grantee);

  /** By a grant of this epoch that the ledger refused. */
  const byGrant = operations.flatMap(({ stored, decoded }) => {
    if (decoded.kind !== 'Grant' || stored.state !== 'rejected') return [];
    const { compartment, epoch, grantee } = decoded.payload;
    return isIn(compartment, epoch) && mayNot(compartment, grantee) ? [{ compartment, grantee }] : [];
  });

  const beginnings = operations.flatMap(({ stored, decoded }) =>
    decoded.kind === 'Revoke' && counts(stored) && decoded.payload.envelope !== zero32 ? [{ stored, ...decoded.payload }] : [],
  );
  const byBeginning = beginnings.map(async ({ compartment, epoch, envelope }) => {
    const category = record.compartments.get(compartment);
    if (category === undefined || !isIn(compartment, epoch)) return [];
    const block = await deps.ipfs.get(crypto.cidOfDigest(envelope), { timeoutMs: fetchTimeoutMs }).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'BLOCK_UNAVAILABLE') return null;
      throw error;
    });
    if (block === null) return [];
    // One envelope for all that was revoked together: what somebody holds of it is told by its length, beside what they might read then.
    const together = beginnings.filter((one) => one.envelope === envelope);
    const holds = (grantee: string): boolean => {
      const keys = together.flatMap((one) => {
        const itsCategory = record.compartments.get(one.compartment);
        const counted = one.compartment === compartment || consents.heldRead(one.stored, patient, one.compartment, grantee);
        return itsCategory !== undefined && counted ? [{ compartment: one.compartment, category: itsCategory, epoch: one.epoch }] : [];
      });
      return crypto.mayHoldKeys(block, network, patient, grantee, keys);
    };
    try {
      const found = crypto.envelopeRecipients(block, network, patient).find((one) => mayNot(compartment, one) && holds(one));
      return found === undefined ? [] : [{ compartment, grantee: found }];
    } catch (error) {
      // Whoever revoked named something else than an envelope of this patient: it brings nobody a key.
      if (error instanceof AppError && error.code === 'TAMPERED') return [];
      throw error;
    }
  });

  const all = [...byGrant, ...(await Promise.all(byBeginning)).flat()];
  return all.filter(({ compartment }, i) => all.findIndex((one) => one.compartment === compartment) === i);
}

const counts = ({ state }: StoredOperation): boolean => state !== 'rejected';
