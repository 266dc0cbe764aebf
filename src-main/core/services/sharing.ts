/**
 * The patient at the desk: sharing, revoking, and seeing who has access. Everything is signed by the patient's key, which the card and PIN opened and
 * which leaves memory when the desk is closed.
 */
import { categories, clinicCategories, type Category } from '../../../src-shared/categories.ts';
import { AppError } from '../../../src-shared/errors.ts';
import { accessBits, purposes, type Purpose } from '../../../src-shared/operations.ts';
import type { AccessHolder, PatientSummary, SharingEvent, SharingView } from '../../../src-shared/view-types.ts';
import type { EncodedBlock, OperationCodecPort, RecordCryptoPort, WorkstationStorePort } from '../ports.ts';
import { granteeOfAccount, isPersonGrantee, zero32 } from './bytes.ts';
import { compartmentOf, compartmentsOf, kekOf, keksUpTo } from './compartments.ts';
import { isCurrent, type Consents } from './consents.ts';
import type { Directory } from './directory.ts';
import { emergencyRecipient } from './emergency.ts';
import type { EmergencyKeys } from './emergency-keys.ts';
import type { Notes } from './notes.ts';
import type { Profiles } from './profiles.ts';
import type { NetworkService } from './network.ts';
import type { Publisher } from './publisher.ts';
import type { Renewals } from './renewals.ts';
import type { DeskSession } from './sessions.ts';
import type { PreparedOperation, Signing } from './signing.ts';
import { explainRefusal } from './sync/refusals.ts';
import type { CommitReader } from './commit-reader.ts';

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
  /** All categories where none is named. */
  revoke(desk: DeskSession, grantee: string, categories: readonly Category[]): Promise<void>;
}

const historyKinds = [
  'RegisterPatient',
  'Grant',
  'Revoke',
  'RequestAccess',
  'ApproveRequest',
  'DeclineRequest',
  'SwitchEmergency',
  'OpenEmergency',
] as const;

export function createSharing(deps: {
  readonly emergencyKeys: EmergencyKeys;
  readonly notes: Notes;
  /** Id of this workstation's organization. */
  readonly organization: () => string;
  readonly store: WorkstationStorePort;
  readonly codec: OperationCodecPort;
  readonly crypto: RecordCryptoPort;
  readonly consents: Consents;
  readonly directory: Directory;
  readonly profiles: Profiles;
  readonly network: NetworkService;
  readonly signing: Signing;
  readonly publisher: Publisher;
  readonly reader: CommitReader;
  readonly clock: () => number;
  readonly renewals: Renewals;
}): Sharing {
  const { store, codec, crypto, consents, directory, profiles, network, signing, publisher, reader, renewals } = deps;

  const organizationName = (id: string) => {
    const organization = directory.organization(id);
    return organization ? profiles.name(organization.profile, `Clinic ${id.slice(2, 8)}`) : `Clinic ${id.slice(2, 8)}`;
  };

  const describe = (grantee: string): Pick<AccessHolder, 'grantee' | 'granteeType' | 'name' | 'organization' | 'account'> => {
    if (!isPersonGrantee(grantee))
      return { grantee, granteeType: 'organization', name: organizationName(grantee), organization: '', account: grantee };
    const member = directory.members().find((m) => granteeOfAccount(m.account) === grantee);
    const account = member?.account ?? `0x${grantee.slice(26)}`;
    return {
      grantee,
      granteeType: 'person',
      name: member ? profiles.name(member.profile, account) : account,
      organization: member ? organizationName(member.organization) : '',
      account,
    };
  };

  /** The key that envelopes for a grantee are sealed to; none for a person who is suspended or gone. */
  const knownEncryptionKey = (grantee: string): string | undefined =>
    isPersonGrantee(grantee)
      ? directory.members().find((m) => granteeOfAccount(m.account) === grantee && !m.suspended)?.encryptionKey
      : directory.organization(grantee)?.organizationKey;

  const encryptionKeyOf = (grantee: string): string => {
    const key = knownEncryptionKey(grantee);
    if (!key) throw new AppError('NOT_FOUND', 'This person or clinic is not in the network’s directory. Nothing was shared.');
    return key;
  };

  const holders = (desk: DeskSession, names: ReadonlyMap<string, Category>): AccessHolder[] => {
    const byGrantee = new Map<string, AccessHolder['categories'][number][]>();
    for (const [compartment, state] of consents.of(desk.patient)) {
      const category = names.get(compartment);
      if (!category) continue;
      for (const grant of state.grants.values()) {
        if (isForEmergencies(grant.grantee)) continue;
        const { read, write, purpose, issuedAt, until, anchored } = grant;
        const list = byGrantee.get(grant.grantee) ?? [];
        list.push({ category, read, write, purpose, since: issuedAt, until, anchored });
        byGrantee.set(grant.grantee, list);
      }
    }
    const order = (category: Category) => categories.indexOf(category);
    return [...byGrantee].map(([grantee, list]) => ({
      ...describe(grantee),
      categories: list.sort((a, b) => order(a.category) - order(b.category)),
    }));
  };

  /** One line per act: operations of one kind and grantee that carry the same envelope were signed together. */
  const history = (desk: DeskSession, names: ReadonlyMap<string, Category>): SharingEvent[] => {
    const events = new Map<string, SharingEvent>();
    const askers = new Map<string, string>();
    for (const stored of store.operations({ kinds: historyKinds, patient: desk.patient })) {
      const decoded = codec.decodePayload(stored.operation);
      const common = {
        opId: stored.operation.opId,
        at: stored.operation.issuedAt * 1000,
        state: stored.state === 'rejected' ? ('refused' as const) : stored.block === null ? ('waiting' as const) : ('anchored' as const),
        block: stored.block,
        reason: stored.state === 'rejected' ? explainRefusal(stored.rejectReason) : null,
      };
      if (decoded.kind === 'RegisterPatient') {
        events.set(common.opId, { ...common, type: 'registered', name: organizationName(decoded.payload.organization), categories: [] });
      } else if (decoded.kind === 'SwitchEmergency') {
        const type = decoded.payload.allowed === 1 ? ('emergency-on' as const) : ('emergency-off' as const);
        events.set(common.opId, { ...common, type, name: '', categories: [] });
      } else if (decoded.kind === 'OpenEmergency') {
        const { name } = describe(granteeOfAccount(stored.operation.actor));
        const until = stored.operation.issuedAt + decoded.payload.duration;
        events.set(common.opId, { ...common, type: 'emergency', name, categories: [], until, note: decoded.payload.reason });
      } else if (decoded.kind === 'RequestAccess') {
        const { name } = describe(granteeOfAccount(stored.operation.actor));
        askers.set(common.opId, name);
        events.set(common.opId, { ...common, type: 'requested', name, categories: [] });
      } else if (decoded.kind === 'ApproveRequest' || decoded.kind === 'DeclineRequest') {
        const type = decoded.kind === 'ApproveRequest' ? ('approved' as const) : ('declined' as const);
        events.set(common.opId, { ...common, type, name: askers.get(decoded.payload.request) ?? 'somebody', categories: [] });
      } else if (decoded.kind === 'Grant' || decoded.kind === 'Revoke') {
        const { grantee, envelope, compartment } = decoded.payload;
        if (isForEmergencies(grantee)) continue;
        const act = `${decoded.kind}/${grantee}/${envelope === zero32 ? common.at : envelope}/${common.state}`;
        const category = names.get(compartment);
        const before = events.get(act);
        const type = decoded.kind === 'Grant' ? ('granted' as const) : ('revoked' as const);
        const listed = [...(before?.categories ?? []), ...(category ? [category] : [])];
        events.set(act, { ...(before ?? { ...common, type, name: describe(grantee).name }), categories: listed });
      }
    }
    return [...events.values()].reverse();
  };

  /** `note` holds the digest of a reason; here its words take the place. */
  const withReasons = (desk: DeskSession, events: readonly SharingEvent[]): Promise<SharingEvent[]> =>
    Promise.all(
      events.map(async (event) => {
        if (!event.note) return event;
        const note = await deps.notes.open(event.note, desk.patient, granteeOfAccount(desk.patient), desk.keys);
        return { ...event, note };
      }),
    );

  const counts = async (desk: DeskSession, names: ReadonlyMap<string, Category>) => {
    const ids = new Map<Category, Set<string>>();
    const unknown = new Set<Category>();
    for (const stored of store.operations({ kinds: ['Commit'], patient: desk.patient })) {
      const decoded = codec.decodePayload(stored.operation);
      const category = decoded.kind === 'Commit' ? names.get(decoded.payload.compartment) : undefined;
      if (decoded.kind !== 'Commit' || !category || stored.state === 'rejected') continue;
      try {
        const keysOf = (of: string, at: number) => [kekOf(desk.keys, network.require().id, of, at)];
        const commit = await reader.open(stored, keysOf, { offline: true });
        const set = ids.get(category) ?? new Set();
        for (const entry of commit.entries) set.add(entry.recordId);
        ids.set(category, set);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        unknown.add(category);
      }
    }
    return categories.map((category) => ({ category, count: unknown.has(category) ? null : (ids.get(category)?.size ?? 0) }));
  };

  /** The clinics that hold keys for emergencies: the one that registered the patient, and the one at whose desk the patient is. */
  const emergencyClinics = (patient: string): string[] => {
    const registrations = store.operations({ kinds: ['RegisterPatient'], patient }).flatMap((stored) => {
      const decoded = codec.decodePayload(stored.operation);
      return decoded.kind === 'RegisterPatient' && stored.state !== 'rejected' ? [decoded.payload.organization] : [];
    });
    return [...new Set([...registrations, deps.organization()])];
  };

  /** What goes beside every envelope, unless the patient switched it off. `next`: epochs that begin with it. */
  const forEmergencies = (
    desk: DeskSession,
    next: ReadonlyMap<string, { epoch: number }>,
    allowed = consents.emergency(desk.patient).allowed,
  ) => {
    if (!allowed) return [];
    const { id } = network.require();
    const epochOf = (compartment: string) => next.get(compartment)?.epoch ?? consents.epoch(desk.patient, compartment);
    return emergencyClinics(desk.patient).flatMap(
      (clinic) => emergencyRecipient(deps.emergencyKeys, crypto, desk.keys, id, clinic, epochOf) ?? [],
    );
  };

  const isForEmergencies = (grantee: string) => directory.organizations().some(({ id }) => deps.emergencyKeys.idOf(id) === grantee);

  const candidates = (): SharingView['candidates'] => [
    ...directory
      .members()
      .filter((m) => directory.roles(m.organization, m.account).includes('practitioner'))
      .map((m) => ({
        id: granteeOfAccount(m.account),
        type: 'person' as const,
        name: profiles.name(m.profile, m.account),
        organization: organizationName(m.organization),
        account: m.account,
      })),
    ...directory
      .organizations()
      .filter((o) => !o.suspended)
      .map((o) => ({ id: o.id, type: 'organization' as const, name: organizationName(o.id), organization: '', account: o.id })),
  ];

  /** New keys for those who stay: each remaining reader gets the new epochs of the compartments they read. */
  const resealed = async (
    desk: DeskSession,
    leaving: string,
    next: ReadonlyMap<string, { category: Category; epoch: number }>,
    allowed = consents.emergency(desk.patient).allowed,
  ): Promise<EncodedBlock | null> => {
    const { id } = network.require();
    const states = consents.of(desk.patient);
    const now = Math.floor(deps.clock() / 1000);
    const remaining = new Map<string, string[]>();
    for (const compartment of next.keys()) {
      for (const [grantee, grant] of states.get(compartment)?.grants ?? []) {
        // Whose time is over gets no new keys either.
        if (grantee !== leaving && isCurrent(grant, now) && knownEncryptionKey(grantee))
          remaining.set(grantee, [...(remaining.get(grantee) ?? []), compartment]);
      }
    }
    const emergencies = forEmergencies(desk, next, allowed);
    if (remaining.size === 0 && emergencies.length === 0) return null;
    const recipients = [...remaining].map(([grantee, compartments]) => ({
      id: grantee,
      encryptionKey: encryptionKeyOf(grantee),
      keys: compartments.flatMap((compartment) => {
        const target = next.get(compartment);
        return target ? [{ compartment, ...target, kek: kekOf(desk.keys, id, compartment, target.epoch) }] : [];
      }),
    }));
    return crypto.sealEnvelopes(id, desk.patient, [...recipients, ...emergencies]);
  };

  /**
   * Closes a request, and gives the demographics on the terms that they have anyway. What was asked for follows in grants, so that whoever checks a
   * record meets one kind of consent.
   */
  const approval = (desk: DeskSession, request: GrantRequest, answers: string, envelope: string): PreparedOperation => {
    const compartment = compartmentOf(desk.keys, network.require().id, 'demographics', crypto);
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
      const renewed = await renewals.of(desk);
      const names = compartmentsOf(desk.keys, network.require().id, crypto);
      return {
        patient,
        categories: await counts(desk, names),
        holders: holders(desk, names),
        history: await withReasons(desk, history(desk, names)),
        emergencyAllowed: consents.emergency(desk.patient).allowed,
        candidates: candidates(),
        renewed: renewed.map(organizationName),
      };
    },
    async grant(desk, request, answers) {
      const { id } = network.require();
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
      const states = consents.of(desk.patient);
      const targets = [...wanted].flatMap(([category, write]) => {
        const compartment = compartmentOf(desk.keys, id, category, crypto);
        const before = states.get(compartment)?.grants.get(request.grantee);
        // What was already granted further is not taken back by the way.
        if (before && !request.categories.includes(category)) return [];
        return [{ category, compartment, write, epoch: states.get(compartment)?.epoch ?? 0 }];
      });
      const envelope = await crypto.sealEnvelopes(id, desk.patient, [
        {
          id: request.grantee,
          encryptionKey: encryptionKeyOf(request.grantee),
          keys: targets.flatMap((t) => keksUpTo(desk.keys, id, t.compartment, t.category, t.epoch)),
        },
        ...forEmergencies(desk, new Map()),
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
      if (answers !== undefined) operations.unshift(approval(desk, request, answers, envelope.digest));
      publisher.publish([envelope], operations);
    },
    async switchEmergency(desk, allowed) {
      const { id } = network.require();
      const state = consents.emergency(desk.patient);
      if (state.allowed === allowed) return;
      const change = { patient: desk.patient, allowed: allowed ? 1 : 0, sequence: state.sequence + 1 };
      const label = allowed ? 'Switch emergency access on' : 'Switch emergency access off';
      const operations: PreparedOperation[] = [signing.make('SwitchEmergency', change, label, desk.keys)];
      const names = compartmentsOf(desk.keys, id, crypto);
      const [clinic = deps.organization()] = emergencyClinics(desk.patient);
      const grantee = deps.emergencyKeys.idOf(clinic);
      const blocks: EncodedBlock[] = [];
      if (allowed) {
        const recipients = forEmergencies(desk, new Map(), true);
        if (recipients.length > 0) {
          const envelope = await crypto.sealEnvelopes(id, desk.patient, recipients);
          const compartment = compartmentOf(desk.keys, id, 'demographics', crypto);
          // The switch itself carries no keys. This grant opens nothing by itself: its grantee is nobody.
          const payload = {
            ...{ patient: desk.patient, compartment, grantee, access: accessBits.read, purpose: purposes.emergency },
            ...{ validFrom: 0, validUntil: 0, epoch: consents.epoch(desk.patient, compartment), envelope: envelope.digest },
          };
          blocks.push(envelope);
          operations.push(signing.make('Grant', payload, 'Seal keys for emergencies', desk.keys));
        }
      } else {
        const next = new Map(
          [...names].map(([compartment, category]) => [compartment, { category, epoch: consents.epoch(desk.patient, compartment) + 1 }]),
        );
        const envelope = await resealed(desk, grantee, next, false);
        if (envelope) blocks.push(envelope);
        for (const [compartment, { epoch }] of next) {
          const payload = { patient: desk.patient, compartment, grantee, epoch, envelope: envelope?.digest ?? zero32 };
          operations.push(signing.make('Revoke', payload, 'Move keys on from emergencies', desk.keys));
        }
      }
      publisher.publish(blocks, operations);
    },
    async revoke(desk, grantee, wanted) {
      const { id } = network.require();
      const states = consents.of(desk.patient);
      const names = compartmentsOf(desk.keys, id, crypto);
      const next = new Map<string, { category: Category; epoch: number }>();
      for (const [compartment, category] of names) {
        const state = states.get(compartment);
        if (!state?.grants.has(grantee) || (wanted.length > 0 && !wanted.includes(category))) continue;
        next.set(compartment, { category, epoch: state.epoch + 1 });
      }
      if (next.size === 0) throw new AppError('NOT_FOUND', 'There is nothing to revoke: this access has already ended.');
      const envelope = await resealed(desk, grantee, next);
      const operations: PreparedOperation[] = [...next].map(([compartment, { epoch }]) => {
        const payload = { patient: desk.patient, compartment, grantee, epoch, envelope: envelope?.digest ?? zero32 };
        return signing.make('Revoke', payload, 'Revoke access to a category', desk.keys);
      });
      publisher.publish(envelope ? [envelope] : [], operations);
    },
  };
}
