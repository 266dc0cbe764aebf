/**
 * The patient at the desk, or whom the patient appointed: sharing and revoking. Everything is signed by the key that the card and PIN opened and which
 * leaves memory when the desk is closed. What is seen there is put together in sharing-view.ts.
 */
import { clinicCategories, type Category } from '../../../src-shared/categories.ts';
import { AppError } from '../../../src-shared/errors.ts';
import { accessBits, purposes, type Purpose } from '../../../src-shared/operations.ts';
import type { PatientSummary, SharingView } from '../../../src-shared/view-types.ts';
import type { EncodedBlock, RecordCryptoPort } from '../ports.ts';
import { isPersonGrantee, zero32 } from './bytes.ts';
import type { Consents } from './consents.ts';
import type { DeskRights } from './desk-rights.ts';
import type { EmergencyKeys } from './emergency-keys.ts';
import type { EmergencySeals } from './emergency-seals.ts';
import type { Grantees } from './grantees.ts';
import { requireAll, type Keyring, type RecordKeys } from './keyring.ts';
import type { NewEpochs } from './new-epochs.ts';
import type { NetworkService } from './network.ts';
import type { Publisher } from './publisher.ts';
import type { Renewals } from './renewals.ts';
import type { DeskSession } from './sessions.ts';
import type { PreparedOperation, Signing } from './signing.ts';
import type { SharingViews } from './sharing-view.ts';

export interface GrantRequest {
  readonly grantee: string;
  readonly categories: readonly Category[];
  readonly write: boolean;
  readonly purpose: Purpose;
  readonly until: number;
}

export interface Sharing {
  /** The first look also seals what is shared with clinics to keys that they have made anew since. */
  view(desk: DeskSession, summary: PatientSummary): Promise<SharingView>;
  /** `answers`: the id of the request for access that this approves. */
  grant(desk: DeskSession, request: GrantRequest, answers?: string): Promise<void>;
  /** Switching off also moves all keys on, so that what the clinics hold for emergencies opens nothing that is written later. */
  switchEmergency(desk: DeskSession, allowed: boolean): Promise<void>;
  /** All categories where none is named: all that whoever signs may decide about. */
  revoke(desk: DeskSession, grantee: string, categories: readonly Category[]): Promise<void>;
}

export function createSharing(deps: {
  readonly emergencyKeys: EmergencyKeys;
  readonly seals: EmergencySeals;
  readonly crypto: RecordCryptoPort;
  readonly consents: Consents;
  readonly grantees: Grantees;
  readonly keyring: Keyring;
  readonly network: NetworkService;
  readonly signing: Signing;
  readonly publisher: Publisher;
  readonly epochs: NewEpochs;
  readonly renewals: Renewals;
  readonly rights: DeskRights;
  readonly views: SharingViews;
}): Sharing {
  const { crypto, consents, epochs, grantees, keyring, seals, network, signing, publisher, renewals, rights } = deps;

  /**
   * Closes a request, and gives the demographics on the terms that they have anyway. What was asked for follows in grants, so that whoever checks a
   * record meets one kind of consent.
   */
  const approval = (desk: DeskSession, record: RecordKeys, request: GrantRequest, answers: string, envelope: string): PreparedOperation => {
    const compartment = record.compartmentOf('demographics');
    rights.require(desk, 'share', compartment);
    const state = consents.of(desk.patient).get(compartment);
    const before = request.categories.includes('demographics') ? undefined : state?.grants.get(request.grantee);
    const write = before ? before.write : request.categories.includes('demographics') && request.write;
    const payload = {
      patient: desk.patient,
      request: answers,
      compartment,
      access: accessBits.read | (write ? accessBits.write : 0),
      purpose: purposes[before?.purpose ?? request.purpose],
      validFrom: before?.from ?? 0,
      validUntil: before?.until ?? request.until,
      epoch: state?.epoch ?? 0,
      envelope,
    };
    return signing.make('ApproveRequest', payload, 'Approve a request for access', desk.keys);
  };

  return {
    async view(desk, patient) {
      await keyring.prepare(desk);
      const renewed = await renewals.of(desk);
      return deps.views.read(desk, patient, renewed);
    },
    async grant(desk, request, answers) {
      const id = network.ofPatient(desk.patient);
      const person = isPersonGrantee(request.grantee);
      const refused = person ? undefined : request.categories.find((category) => !clinicCategories.includes(category));
      if (refused) {
        throw new AppError(
          'NOT_ALLOWED',
          'Clinical records are shared with persons, not with a whole clinic. Choose a practitioner. Nothing was shared.',
          { category: refused },
        );
      }
      // Without the demographics a reader would not even see whose record it is.
      const wanted = new Map<Category, boolean>([['demographics', false]]);
      for (const category of request.categories) wanted.set(category, request.write);
      const record = keyring.of(desk);
      const states = consents.of(desk.patient);
      const places = [...wanted].flatMap(([category, write]) =>
        record.compartmentsOf(category).map((compartment) => ({ category, compartment, write })),
      );
      const targets = places.flatMap(({ category, compartment, write }) => {
        const before = states.get(compartment)?.grants.get(request.grantee);
        // What was already granted further is not taken back by the way.
        if (before && !request.categories.includes(category)) return [];
        rights.require(desk, 'share', compartment, request.until);
        return [{ compartment, write, epoch: states.get(compartment)?.epoch ?? 0 }];
      });
      const envelope = await crypto.sealEnvelopes(id, desk.patient, [
        {
          id: request.grantee,
          encryptionKey: grantees.require(request.grantee),
          keys: await requireAll(
            record,
            targets.map(({ compartment }) => compartment),
          ),
        },
        ...(await seals.recipients(record, desk.patient)),
      ]);
      const operations: PreparedOperation[] = targets.map(({ compartment, write, epoch }) => {
        const payload = {
          patient: desk.patient,
          compartment,
          grantee: request.grantee,
          access: accessBits.read | (write ? accessBits.write : 0),
          purpose: purposes[request.purpose],
          validFrom: 0,
          validUntil: request.until,
          epoch,
          envelope: envelope.digest,
        };
        return signing.make('Grant', payload, 'Share a category of a record', desk.keys);
      });
      if (answers !== undefined) operations.unshift(approval(desk, record, request, answers, envelope.digest));
      publisher.publish([envelope], operations);
    },
    async switchEmergency(desk, allowed) {
      const id = network.ofPatient(desk.patient);
      const state = consents.emergency(desk.patient);
      if (state.allowed === allowed) return;
      rights.require(desk, 'emergency');
      const change = { patient: desk.patient, allowed: allowed ? 1 : 0, sequence: state.sequence + 1 };
      const label = allowed ? 'Switch emergency access on' : 'Switch emergency access off';
      const operations: PreparedOperation[] = [signing.make('SwitchEmergency', change, label, desk.keys)];
      const record = keyring.of(desk);
      const [clinic = zero32] = seals.clinics(desk.patient);
      const grantee = deps.emergencyKeys.idOf(clinic);
      const blocks: EncodedBlock[] = [];
      if (allowed) {
        const recipients = await seals.recipients(record, desk.patient, new Map(), true);
        const compartment = record.compartmentOf('demographics');
        const limit = rights.limit(desk, 'share', compartment);
        if (recipients.length > 0 && limit !== null) {
          const envelope = await crypto.sealEnvelopes(id, desk.patient, recipients);
          // The switch itself carries no keys. This grant opens nothing by itself: its grantee is nobody.
          const payload = {
            ...{ patient: desk.patient, compartment, grantee, access: accessBits.read, purpose: purposes.emergency },
            ...{ validFrom: 0, validUntil: limit, epoch: consents.epoch(desk.patient, compartment), envelope: envelope.digest },
          };
          blocks.push(envelope);
          operations.push(signing.make('Grant', payload, 'Seal keys for emergencies', desk.keys));
        }
      } else {
        // Whoever may not revoke cannot move the keys on: the switch stands all the same.
        const begun = await epochs.begin(desk, record, {
          compartments: [...record.compartments.keys()].filter((compartment) => rights.limit(desk, 'revoke', compartment) !== null),
          leaving: grantee,
          label: 'Move keys on from emergencies',
          emergency: false,
        });
        blocks.push(...begun.blocks);
        operations.push(...begun.revocations);
      }
      publisher.publish(blocks, operations);
    },
    async revoke(desk, grantee, wanted) {
      const record = keyring.of(desk);
      const states = consents.of(desk.patient);
      const compartments = [...record.compartments].flatMap(([compartment, category]) => {
        const concerned = wanted.length === 0 ? rights.limit(desk, 'revoke', compartment) !== null : wanted.includes(category);
        return concerned && states.get(compartment)?.grants.has(grantee) ? [compartment] : [];
      });
      for (const compartment of compartments) rights.require(desk, 'revoke', compartment);
      if (compartments.length === 0) throw new AppError('NOT_FOUND', 'There is nothing to revoke: this access has already ended.');
      const label = 'Revoke access to a category';
      const { blocks, revocations } = await epochs.begin(desk, record, { compartments, leaving: grantee, label });
      publisher.publish(blocks, revocations);
    },
  };
}
