/**
 * What a patient shares with clinics, sealed to the keys that these have made anew since: done when the patient's card is opened, because only the
 * patient's key can. Terms and epochs stay as they are, so that nobody gets more, or less, than before.
 */
import type { Category } from '../../../src-shared/categories.ts';
import { accessBits, purposes } from '../../../src-shared/operations.ts';
import type { OperationCodecPort, RecordCryptoPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import { isPersonGrantee, zero32 } from './bytes.ts';
import { compartmentsOf, keksUpTo } from './compartments.ts';
import { isCurrent, type Consents, type Grant } from './consents.ts';
import { precedes, type Directory } from './directory.ts';
import type { NetworkService } from './network.ts';
import type { Publisher } from './publisher.ts';
import type { DeskSession } from './sessions.ts';
import type { Signing } from './signing.ts';

export interface Renewals {
  /** Clinics for which this was done since the card was opened. Does what is due the first time. */
  of(desk: DeskSession): Promise<readonly string[]>;
}

export function createRenewals(deps: {
  readonly store: WorkstationStorePort;
  readonly codec: OperationCodecPort;
  readonly crypto: RecordCryptoPort;
  readonly consents: Consents;
  readonly directory: Directory;
  readonly network: NetworkService;
  readonly signing: Signing;
  readonly publisher: Publisher;
  readonly clock: () => number;
}): Renewals {
  const { store, codec, crypto, consents, directory, network, signing, publisher } = deps;
  const done = new WeakMap<DeskSession, Promise<readonly string[]>>();

  /** The last operation that brought a clinic keys of a compartment. */
  const sealedLast = (patient: string, compartment: string, grantee: string): StoredOperation | undefined => {
    const requests = new Set(consents.requests(patient).flatMap((request) => (request.grantee === grantee ? [request.id] : [])));
    const brings = (stored: StoredOperation): boolean => {
      const decoded = codec.decodePayload(stored.operation);
      if (decoded.kind === 'Grant') return decoded.payload.grantee === grantee;
      if (decoded.kind === 'ApproveRequest') return requests.has(decoded.payload.request);
      return decoded.kind === 'Revoke' && decoded.payload.envelope !== zero32;
    };
    const operations = store.operations({ kinds: ['Grant', 'ApproveRequest', 'Revoke'], patient, compartment });
    return operations.filter((stored) => stored.state !== 'rejected' && brings(stored)).at(-1);
  };

  /** Whether the clinic's key is another one than when this was sealed, as far as the ledger's order tells. */
  const isDue = (patient: string, { compartment, grantee }: Grant): boolean => {
    const keys = directory.organization(grantee)?.organizationKeys ?? [];
    const since = keys.find(({ publicKey }) => publicKey === keys.at(-1)?.publicKey);
    const last = sealedLast(patient, compartment, grantee);
    return since !== undefined && since !== keys[0] && last !== undefined && precedes(last, since.operation);
  };

  const renew = async (desk: DeskSession): Promise<readonly string[]> => {
    const { id } = network.require();
    const names = compartmentsOf(desk.keys, id, crypto);
    const now = Math.floor(deps.clock() / 1000);
    const due = new Map<string, { grant: Grant; category: Category; epoch: number }[]>();
    for (const [compartment, { grants, epoch }] of consents.of(desk.patient)) {
      const category = names.get(compartment);
      for (const grant of grants.values()) {
        if (!category || isPersonGrantee(grant.grantee) || !isCurrent(grant, now) || !isDue(desk.patient, grant)) continue;
        due.set(grant.grantee, [...(due.get(grant.grantee) ?? []), { grant, category, epoch }]);
      }
    }
    if (due.size === 0) return [];
    const recipients = [...due].map(([grantee, targets]) => ({
      id: grantee,
      encryptionKey: directory.organization(grantee)?.organizationKey ?? zero32,
      keys: targets.flatMap(({ grant, category, epoch }) => keksUpTo(desk.keys, id, grant.compartment, category, epoch)),
    }));
    const envelope = await crypto.sealEnvelopes(id, desk.patient, recipients);
    const operations = [...due.values()].flat().map(({ grant, epoch }) => {
      const payload = {
        patient: desk.patient,
        compartment: grant.compartment,
        grantee: grant.grantee,
        access: (grant.read ? accessBits.read : 0) | (grant.write ? accessBits.write : 0),
        purpose: purposes[grant.purpose],
        validFrom: grant.from,
        validUntil: grant.until,
        epoch,
        envelope: envelope.digest,
      };
      return signing.make('Grant', payload, "Seal what is shared to a clinic's new key", desk.keys);
    });
    publisher.publish([envelope], operations);
    return [...due.keys()];
  };

  return {
    of(desk) {
      const known = done.get(desk);
      if (known) return known;
      const started = renew(desk);
      done.set(desk, started);
      // What failed is tried again with the next look.
      started.catch(() => done.delete(desk));
      return started;
    },
  };
}
