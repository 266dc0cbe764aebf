/**
 * Who was left out when an epoch began: whoever revoked did not know of a grant yet that the ledger took before the revocation. The grant holds, and nobody
 * sealed the new epoch's key to its grantee. Found by what is sealed to whom, which is readable though the keys are not.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { EnvelopeKey, IpfsPort, OperationCodecPort, RecordCryptoPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import { zero32 } from './bytes.ts';
import type { Consents } from './consents.ts';
import type { RecordKeys } from './keyring.ts';
import { precedes } from './ledger-order.ts';

/** What cannot be had in this time is looked at when the card is opened the next time. */
const fetchTimeoutMs = 3000;

interface Beginning {
  readonly stored: StoredOperation;
  readonly compartment: string;
  readonly epoch: number;
  readonly envelope: string;
}

export interface LeftOut {
  /** Whether a grantee, whose grant of the compartment is in force, was left out when one of its epochs began. */
  isLeftOut(compartment: string, grantee: string): Promise<boolean>;
}

/** As of now, for one patient whose record is open. */
export function createLeftOut(deps: {
  readonly store: WorkstationStorePort;
  readonly ipfs: Pick<IpfsPort, 'get'>;
  readonly codec: OperationCodecPort;
  readonly crypto: RecordCryptoPort;
  readonly consents: Consents;
  readonly network: string;
  readonly patient: string;
  readonly record: RecordKeys;
}): LeftOut {
  const { store, codec, crypto, consents, network, patient, record } = deps;
  const operations = store
    .operations({ kinds: ['Grant', 'ApproveRequest', 'Revoke'], patient })
    .filter(({ state }) => state !== 'rejected')
    .map((stored) => ({ stored, decoded: codec.decodePayload(stored.operation) }));
  const beginnings: readonly Beginning[] = operations.flatMap(({ stored, decoded }) =>
    decoded.kind === 'Revoke' ? [{ stored, ...decoded.payload }] : [],
  );
  const requests = new Map(consents.requests(patient).map((request) => [request.id, request]));
  const blocks = new Map<string, Promise<Uint8Array | null>>();

  const blockOf = (envelope: string): Promise<Uint8Array | null> => {
    const known = blocks.get(envelope);
    if (known) return known;
    const block = deps.ipfs.get(crypto.cidOfDigest(envelope), { timeoutMs: fetchTimeoutMs }).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'BLOCK_UNAVAILABLE') return null;
      throw error;
    });
    blocks.set(envelope, block);
    return block;
  };

  /** The last grant of a compartment to a grantee. */
  const grantOf = (compartment: string, grantee: string): StoredOperation | undefined =>
    operations.findLast(({ decoded }) => {
      if (decoded.kind === 'Grant') return decoded.payload.compartment === compartment && decoded.payload.grantee === grantee;
      if (decoded.kind !== 'ApproveRequest') return false;
      const request = requests.get(decoded.payload.request);
      return request?.grantee === grantee && request.compartment === compartment;
    })?.stored;

  const holdsKeys = (block: Uint8Array, grantee: string, keys: readonly Omit<EnvelopeKey, 'kek'>[]): boolean => {
    try {
      return crypto.mayHoldKeys(block, network, patient, grantee, keys);
    } catch (error) {
      // Whoever revoked named something else than an envelope of this patient: then all were left out.
      if (error instanceof AppError && error.code === 'TAMPERED') return false;
      throw error;
    }
  };

  const isAfterGrant = ({ compartment, stored }: Beginning, grantee: string): boolean => {
    const grant = grantOf(compartment, grantee);
    return grant !== undefined && precedes(grant, stored);
  };

  return {
    async isLeftOut(compartment, grantee) {
      for (const beginning of beginnings) {
        if (beginning.compartment !== compartment || !isAfterGrant(beginning, grantee)) continue;
        if (beginning.envelope === zero32) return true;
        const block = await blockOf(beginning.envelope);
        if (block === null) continue;
        // One envelope for all that was revoked together.
        const together = beginnings.filter(({ envelope }) => envelope === beginning.envelope);
        const keys: Omit<EnvelopeKey, 'kek'>[] = together.flatMap((one) => {
          const category = record.compartments.get(one.compartment);
          const holds = one.compartment === compartment || consents.heldRead(one.stored, patient, one.compartment, grantee);
          return category !== undefined && holds ? [{ compartment: one.compartment, category, epoch: one.epoch }] : [];
        });
        if (!holdsKeys(block, grantee, keys)) return true;
      }
      return false;
    },
  };
}
