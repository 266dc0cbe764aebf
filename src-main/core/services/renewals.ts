/**
 * What only the patient's key can put in order, done when the card is opened: what a rotation, or revocations made apart, left undone
 * (`PatientRotation.finish`), an epoch begins where somebody holds the key of the last without a grant, what is shared with clinics is sealed to the keys that these
 * have made anew since, and the key of an epoch to whoever was left out when it began. Terms stay as they are, so that nobody gets more, or less, than before.
 */
import { accessBits, purposes } from '../../../src-shared/operations.ts';
import type { IpfsPort, OperationCodecPort, RecordCryptoPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import { isPersonGrantee, zero32 } from './bytes.ts';
import { isCurrent, type Consents, type Grant } from './consents.ts';
import type { Directory } from './directory.ts';
import { precedes } from './ledger-order.ts';
import type { EmergencySeals } from './emergency-seals.ts';
import type { Grantees } from './grantees.ts';
import type { Keyring } from './keyring.ts';
import { keysWithoutGrant } from './keys-without-grant.ts';
import { createLeftOut } from './left-out.ts';
import type { NewEpochs } from './new-epochs.ts';
import type { NetworkService } from './network.ts';
import type { Publisher } from './publisher.ts';
import type { DeskSession } from './sessions.ts';
import type { PreparedOperation, Signing } from './signing.ts';

export interface Renewals {
  /** Clinics to whose new keys something was sealed since the card was opened. Does what is due the first time. */
  of(desk: DeskSession): Promise<readonly string[]>;
}

export function createRenewals(deps: {
  readonly store: WorkstationStorePort;
  readonly ipfs: Pick<IpfsPort, 'get'>;
  readonly codec: OperationCodecPort;
  readonly crypto: RecordCryptoPort;
  readonly consents: Consents;
  readonly directory: Directory;
  readonly grantees: Grantees;
  readonly keyring: Keyring;
  readonly seals: EmergencySeals;
  readonly epochs: NewEpochs;
  /** See `PatientRotation.finish`. */
  readonly finishRotation: (desk: DeskSession) => Promise<void>;
  readonly network: NetworkService;
  readonly signing: Signing;
  readonly publisher: Publisher;
  readonly clock: () => number;
}): Renewals {
  const { store, codec, crypto, consents, directory, grantees, keyring, seals, network, signing, publisher } = deps;
  const done = new WeakMap<DeskSession, Promise<readonly string[]>>();

  /** The last operation that brought a grantee keys of a compartment. */
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
  const hasNewKey = (patient: string, { compartment, grantee }: Grant): boolean => {
    if (isPersonGrantee(grantee)) return false;
    const keys = directory.organization(grantee)?.organizationKeys ?? [];
    const since = keys.find(({ publicKey }) => publicKey === keys.at(-1)?.publicKey);
    const last = sealedLast(patient, compartment, grantee);
    return since !== undefined && since !== keys[0] && last !== undefined && precedes(last, since.operation);
  };

  const renew = async (desk: DeskSession): Promise<readonly string[]> => {
    await deps.finishRotation(desk);
    const { patient } = desk;
    const id = network.ofPatient(patient);
    await moveOn(desk, id);
    const record = keyring.of(desk);
    const now = Math.floor(deps.clock() / 1000);
    const due = new Map<string, Grant[]>();
    const clinics = new Set<string>();
    const leftOut = createLeftOut({ ...{ store, ipfs: deps.ipfs, codec, crypto, consents, patient, record }, network: id });
    for (const [compartment, state] of consents.of(patient)) {
      if (!record.compartments.has(compartment)) continue;
      for (const grant of state.grants.values()) {
        if (!isCurrent(grant, now) || seals.isFor(grant.grantee) || !grantees.encryptionKey(grant.grantee)) continue;
        const newKey = hasNewKey(patient, grant);
        if (newKey) clinics.add(grant.grantee);
        if (newKey || (await leftOut.isLeftOut(compartment, grant.grantee)))
          due.set(grant.grantee, [...(due.get(grant.grantee) ?? []), grant]);
      }
    }
    if (due.size === 0) return [];

    const recipients = [];
    for (const [grantee, grants] of due) {
      const keys = await Promise.all(grants.map(({ compartment }) => record.upTo(compartment)));
      // What has not arrived here yet cannot be sealed now; the next opening tries again.
      if (keys.some(({ missing }) => missing.length > 0)) due.delete(grantee);
      else recipients.push({ id: grantee, encryptionKey: grantees.require(grantee), keys: keys.flatMap((one) => one.keys) });
    }
    if (recipients.length === 0) return [];
    // The clinics' emergency keys are beside every envelope.
    const envelope = await crypto.sealEnvelopes(id, patient, [...recipients, ...(await seals.recipients(record, patient))]);
    publisher.publish(
      [envelope],
      [...due.values()].flat().map((grant) => regrant(desk, grant, envelope.digest)),
    );
    return [...clinics].filter((clinic) => due.has(clinic));
  };

  /** New keys where somebody holds one without a grant, for what is written from now on. */
  const moveOn = async (desk: DeskSession, id: string): Promise<void> => {
    const record = keyring.of(desk);
    const places = { store, ipfs: deps.ipfs, codec, crypto, consents, seals, patient: desk.patient, record, network: id };
    const found = await keysWithoutGrant(places);
    for (const leaving of new Set(found.map(({ grantee }) => grantee))) {
      const compartments = found.flatMap(({ grantee, compartment }) =>
        grantee === leaving && record.compartments.has(compartment) ? [compartment] : [],
      );
      if (compartments.length === 0) continue;
      const label = 'Move keys on from whoever has no consent';
      const { blocks, revocations } = await deps.epochs.begin(desk, record, { compartments, leaving, label });
      publisher.publish(blocks, revocations);
    }
  };

  /** The same terms again, with an envelope. */
  const regrant = (desk: DeskSession, grant: Grant, envelope: string): PreparedOperation => {
    const payload = {
      patient: desk.patient,
      compartment: grant.compartment,
      grantee: grant.grantee,
      access: (grant.read ? accessBits.read : 0) | (grant.write ? accessBits.write : 0),
      purpose: purposes[grant.purpose],
      validFrom: grant.from,
      validUntil: grant.until,
      epoch: consents.epoch(desk.patient, grant.compartment),
      envelope,
    };
    return signing.make('Grant', payload, 'Seal what is shared to those who read it', desk.keys);
  };

  return {
    of(desk) {
      // Whoever acts for a patient changes nothing but what they decide.
      if (desk.keys.account !== desk.patient) return Promise.resolve([]);
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
