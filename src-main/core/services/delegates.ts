/**
 * Guardians and delegates: a patient appoints somebody who has a card to decide within limits, and dismisses them. An appointment carries no keys, so
 * a grant to read goes with it; a dismissal takes that grant back, which begins new epochs.
 */
import { categories as allCategories, type Category } from '../../../src-shared/categories.ts';
import { AppError } from '../../../src-shared/errors.ts';
import { accessBits, capacities, powerBits, purposes, type Capacity, type Power } from '../../../src-shared/operations.ts';
import type { DelegateView, FoundPatient, Principal } from '../../../src-shared/view-types.ts';
import type { KeyPort, OperationCodecPort, RecordCryptoPort, WorkstationStorePort } from '../ports.ts';
import { granteeOfAccount } from './bytes.ts';
import type { Consents } from './consents.ts';
import { everywhere, type Appointment } from './delegations.ts';
import { isInForce, type DeskRights } from './desk-rights.ts';
import type { EmergencySeals } from './emergency-seals.ts';
import type { Grantees } from './grantees.ts';
import { requireAll, type Keyring, type RecordHolder, type RecordKeys } from './keyring.ts';
import type { NetworkService } from './network.ts';
import type { NewEpochs } from './new-epochs.ts';
import type { NoteReader } from './notes.ts';
import type { Publisher } from './publisher.ts';
import type { DeskSession } from './sessions.ts';
import type { PreparedOperation, Signing } from './signing.ts';

export interface NewAppointment {
  readonly delegate: string;
  readonly capacity: Capacity;
  readonly powers: readonly Power[];
  /** None: for everything, also for what is added later. */
  readonly categories: readonly Category[];
  /** Seconds; 0 = no end. */
  readonly until: number;
}

export interface Delegates {
  /** By a card, a registered identifier or an account. Throws NOT_FOUND, CARD_INVALID. */
  find(by: { account: string } | { card: string } | { system: string; value: string }): Omit<FoundPatient, 'summary'>;
  /** Signed by the patient. Throws NOT_ALLOWED, NOT_FOUND, ALREADY_EXISTS. */
  appoint(desk: DeskSession, appointment: NewAppointment): Promise<void>;
  /** The operations of an appointment, without the grants. Throws NOT_ALLOWED, NOT_FOUND, ALREADY_EXISTS. */
  operations(holder: RecordHolder, record: RecordKeys, appointment: NewAppointment): PreparedOperation[];
  /** Signed by the patient. Throws NOT_FOUND where nothing is left to end. */
  dismiss(desk: DeskSession, delegate: string): Promise<void>;
  /** Everybody whom the patient ever appointed, the present ones first. */
  list(desk: RecordHolder, record: RecordKeys): DelegateView[];
  /** For whom an account may decide now. */
  principals(account: string): Principal[];
  /** The patient and those who decide in their stead, as readers of what is asked. Throws NOT_FOUND. */
  deciders(patient: string): NoteReader[];
  /** Throws NOT_ALLOWED where an account may decide nothing for a patient. */
  requirePrincipal(account: string, patient: string): void;
}

/** A sealed note has at most 16 readers; patient, asker and clinic are among them. */
const maxReaders = 12;

export function createDelegates(deps: {
  readonly store: WorkstationStorePort;
  readonly codec: OperationCodecPort;
  readonly crypto: RecordCryptoPort;
  readonly keys: KeyPort;
  readonly consents: Consents;
  readonly grantees: Grantees;
  readonly keyring: Keyring;
  readonly seals: EmergencySeals;
  readonly epochs: NewEpochs;
  readonly rights: DeskRights;
  readonly network: NetworkService;
  readonly signing: Signing;
  readonly publisher: Publisher;
  readonly clock: () => number;
  readonly patientReader: (patient: string) => NoteReader;
  readonly accountOf: (system: string, value: string) => string | null;
  readonly clinicName: (id: string) => string;
  /** What is known here of an account's name. */
  readonly nameOf: (account: string) => string;
}): Delegates {
  const { store, codec, crypto, consents, grantees, keyring, seals, epochs, rights, network, signing, publisher, nameOf } = deps;
  const now = () => Math.floor(deps.clock() / 1000);

  const standing = (patient: string, delegate: string): Appointment[] =>
    consents
      .delegations(patient)
      .appointments()
      .filter((one) => one.delegate === delegate && isInForce(one, now()));

  const nextSequence = (patient: string, delegate: string, compartment: string): number =>
    1 +
    Math.max(
      0,
      ...consents
        .delegations(patient)
        .appointments()
        .filter((one) => one.delegate === delegate && one.compartment === compartment)
        .map(({ sequence }) => sequence),
    );

  /** Without the demographics nobody would see whose record it is. */
  const scopeOf = (record: RecordKeys, wanted: readonly Category[]): { categories: readonly Category[]; compartments: string[] } => {
    if (wanted.length === 0) return { categories: allCategories, compartments: [everywhere] };
    const named = allCategories.filter((category) => category === 'demographics' || wanted.includes(category));
    return { categories: named, compartments: named.flatMap((category) => record.compartmentsOf(category)) };
  };

  const registered = (account: string | null): Omit<FoundPatient, 'summary'> => {
    const registration = account
      ? store.operations({ kinds: ['RegisterPatient'], patient: account }).find(({ state }) => state !== 'rejected')
      : undefined;
    const decoded = registration && codec.decodePayload(registration.operation);
    if (decoded?.kind === 'RegisterPatient')
      return { patient: decoded.payload.patient, registeredBy: deps.clinicName(decoded.payload.organization) };
    throw new AppError(
      'NOT_FOUND',
      'Nobody with a card in this network is registered under this. Whoever is to decide for somebody else needs a card of their own. Nothing was changed.',
    );
  };

  const operations: Delegates['operations'] = (holder, record, { delegate, capacity, powers, categories, until }) => {
    const { patient } = holder;
    rights.requireSelf(holder, 'appoint a guardian or delegate');
    if (delegate === patient)
      throw new AppError('NOT_ALLOWED', 'Nobody needs an appointment to decide for themselves. Nobody was appointed.');
    registered(delegate);
    if (standing(patient, delegate).length > 0) {
      throw new AppError(
        'ALREADY_EXISTS',
        'This person is appointed already. Dismiss them first, then appoint them with other limits. Nothing was changed.',
      );
    }
    if (until !== 0 && until <= now()) throw new AppError('INVALID_INPUT', 'This end is over. Choose a later one; nobody was appointed.');
    const bits = powers.reduce((all, power) => all | powerBits[power], 0);
    return scopeOf(record, categories).compartments.map((compartment) => {
      const payload = { patient, delegate, compartment, capacity: capacities[capacity], powers: bits, validUntil: until };
      const sequence = nextSequence(patient, delegate, compartment);
      return signing.make('AppointDelegate', { ...payload, sequence }, 'Appoint somebody to decide for a patient', holder.keys);
    });
  };

  const categoriesOf = (places: readonly Appointment[], record: RecordKeys): Category[] | null => {
    if (places.some(({ compartment }) => compartment === everywhere)) return null;
    const named = new Set(places.flatMap(({ compartment }) => record.compartments.get(compartment) ?? []));
    return allCategories.filter((category) => named.has(category));
  };

  return {
    operations,
    find: (by) =>
      registered('card' in by ? deps.keys.decodeCard(by.card).account : 'account' in by ? by.account : deps.accountOf(by.system, by.value)),
    async appoint(desk, appointment) {
      const { patient } = desk;
      const { delegate, until } = appointment;
      const record = keyring.of(desk);
      const appointing = operations(desk, record, appointment);
      const grantee = granteeOfAccount(delegate);
      const encryptionKey = grantees.require(grantee);
      const scope = scopeOf(record, appointment.categories);
      const compartments = scope.categories.flatMap((category) => record.compartmentsOf(category));
      const envelope = await crypto.sealEnvelopes(network.ofPatient(patient), patient, [
        { id: grantee, encryptionKey, keys: await requireAll(record, compartments) },
        ...(await seals.recipients(record, patient)),
      ]);
      const states = consents.of(patient);
      const grants = compartments.map((compartment) => {
        const state = states.get(compartment);
        const before = state?.grants.get(grantee);
        // What the person may do anyway, as a doctor say, is not cut short by the way.
        const longer = before && (before.until === 0 || (until !== 0 && before.until > until)) ? before.until : until;
        const payload = {
          ...{ patient, compartment, grantee, access: accessBits.read | (before?.write ? accessBits.write : 0) },
          ...{ purpose: purposes[before?.purpose ?? 'treatment'], validFrom: 0, validUntil: longer },
          ...{ epoch: state?.epoch ?? 0, envelope: envelope.digest },
        };
        return signing.make('Grant', payload, 'Let somebody read who decides for a patient', desk.keys);
      });
      publisher.publish([envelope], [...appointing, ...grants]);
    },
    async dismiss(desk, delegate) {
      const { patient } = desk;
      rights.requireSelf(desk, 'dismiss a guardian or delegate');
      const places = consents
        .delegations(patient)
        .appointments()
        .filter((one) => one.delegate === delegate && one.powers.length > 0);
      if (places.length === 0) throw new AppError('NOT_FOUND', 'This person is not appointed any more. Nothing was changed.');
      const dismissals = places.map(({ compartment, sequence }) => {
        const payload = { patient, delegate, compartment, sequence: sequence + 1 };
        return signing.make('DismissDelegate', payload, 'Dismiss somebody who decided for a patient', desk.keys);
      });
      const record = keyring.of(desk);
      const grantee = granteeOfAccount(delegate);
      const states = consents.of(patient);
      const readable = [...record.compartments.keys()].filter((compartment) => states.get(compartment)?.grants.has(grantee));
      const label = 'Revoke access of somebody who decided for a patient';
      const { blocks, revocations } = await epochs.begin(desk, record, { compartments: readable, leaving: grantee, label });
      publisher.publish(blocks, [...dismissals, ...revocations]);
    },
    list({ patient }, record) {
      const byDelegate = new Map<string, Appointment[]>();
      for (const one of consents.delegations(patient).appointments())
        byDelegate.set(one.delegate, [...(byDelegate.get(one.delegate) ?? []), one]);
      const views = [...byDelegate].map(([account, places]): DelegateView => {
        const inForce = places.filter((one) => isInForce(one, now()));
        const shown = inForce.length > 0 ? inForce : places;
        const latest = shown.reduce((a, b) => (b.appointedAt >= a.appointedAt ? b : a));
        return {
          ...{ account, name: nameOf(account), capacity: latest.capacity, powers: latest.powers, until: latest.until },
          categories: categoriesOf(shown, record),
          since: latest.appointedAt,
          dismissedAt: latest.dismissedAt,
          state: inForce.length > 0 ? 'standing' : latest.powers.length === 0 ? 'dismissed' : 'ended',
          anchored: shown.every(({ anchored }) => anchored),
        };
      });
      return views.sort((a, b) => Number(b.state === 'standing') - Number(a.state === 'standing') || b.since - a.since);
    },
    principals(account) {
      const patients = store.operations({ kinds: ['AppointDelegate'], member: account }).flatMap(({ operation }) => {
        const decoded = codec.decodePayload(operation);
        return decoded.kind === 'AppointDelegate' ? [decoded.payload.patient] : [];
      });
      return [...new Set(patients)].flatMap((patient): Principal[] => {
        const [first] = standing(patient, account);
        return first ? [{ patient, name: nameOf(patient), capacity: first.capacity }] : [];
      });
    },
    deciders(patient) {
      const standingNow = consents
        .delegations(patient)
        .appointments()
        .filter((one) => isInForce(one, now()));
      const readers = [...new Set(standingNow.map(({ delegate }) => granteeOfAccount(delegate)))].flatMap((id): NoteReader[] => {
        const encryptionKey = grantees.encryptionKey(id);
        return encryptionKey ? [{ id, encryptionKey }] : [];
      });
      return [deps.patientReader(patient), ...readers.slice(0, maxReaders)];
    },
    requirePrincipal(account, patient) {
      if (account !== patient && standing(patient, account).length === 0) {
        throw new AppError(
          'NOT_ALLOWED',
          'This card’s owner is not appointed to decide for this patient, or not any more. Nothing was opened.',
        );
      }
    },
  };
}
