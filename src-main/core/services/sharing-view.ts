/**
 * What a patient sees at the desk: who has access to what, what happened about it, and with whom it could be shared. Acts are in sharing.ts.
 */
import { categories, type Category } from '../../../src-shared/categories.ts';
import { AppError } from '../../../src-shared/errors.ts';
import { capacities, type Capacity, type OperationKind } from '../../../src-shared/operations.ts';
import type { AccessHolder, PatientSummary, SharingEvent, SharingView } from '../../../src-shared/view-types.ts';
import type { OperationCodecPort, WorkstationStorePort } from '../ports.ts';
import { granteeOfAccount, isPersonGrantee, zero32 } from './bytes.ts';
import type { CommitReader } from './commit-reader.ts';
import type { Consents } from './consents.ts';
import type { Delegates } from './delegates.ts';
import type { DeskRights } from './desk-rights.ts';
import type { Directory } from './directory.ts';
import { precedes } from './ledger-order.ts';
import type { EmergencySeals } from './emergency-seals.ts';
import { keysOfRecord } from './held-keys.ts';
import type { Keyring, RecordKeys } from './keyring.ts';
import type { Notes } from './notes.ts';
import type { Profiles } from './profiles.ts';
import type { DeskSession } from './sessions.ts';
import { explainRefusal } from './sync/refusals.ts';

export interface SharingViews {
  /** `renewed`: ids of the clinics to whose new keys something was sealed just now. */
  read(desk: DeskSession, patient: PatientSummary, renewed: readonly string[]): Promise<SharingView>;
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
  'AppointDelegate',
  'DismissDelegate',
  'ProposeRecovery',
  'VetoRecovery',
  'CompleteRecovery',
] as const;

/** What a delegate may decide in the patient's stead. */
const decided: ReadonlySet<OperationKind> = new Set<OperationKind>([
  ...(['Grant', 'Revoke', 'ApproveRequest', 'DeclineRequest', 'SwitchEmergency', 'DismissDelegate'] as const),
]);

export function createSharingViews(deps: {
  readonly store: WorkstationStorePort;
  readonly codec: OperationCodecPort;
  readonly consents: Consents;
  readonly directory: Directory;
  readonly profiles: Profiles;
  readonly notes: Notes;
  readonly reader: CommitReader;
  readonly keyring: Keyring;
  readonly seals: EmergencySeals;
  readonly delegates: Pick<Delegates, 'list' | 'requirePrincipal'>;
  readonly rights: DeskRights;
  /** What is known here of an account's name. */
  readonly nameOf: (account: string) => string;
}): SharingViews {
  const { store, codec, consents, directory, profiles, reader, seals } = deps;

  const organizationName = (id: string) => {
    const organization = directory.organization(id);
    return organization ? profiles.name(organization.profile, `Clinic ${id.slice(2, 8)}`) : `Clinic ${id.slice(2, 8)}`;
  };

  const describe = (grantee: string): Pick<AccessHolder, 'grantee' | 'granteeType' | 'name' | 'organization' | 'account'> => {
    if (!isPersonGrantee(grantee))
      return { grantee, granteeType: 'organization', name: organizationName(grantee), organization: '', account: grantee };
    const member = directory.members().find((m) => granteeOfAccount(m.account) === grantee);
    const account = member?.account ?? codec.checksummed(`0x${grantee.slice(26)}`);
    return {
      grantee,
      granteeType: 'person',
      name: member ? profiles.name(member.profile, account) : deps.nameOf(account),
      organization: member ? organizationName(member.organization) : '',
      account,
    };
  };

  const holders = (desk: DeskSession, names: ReadonlyMap<string, Category>): AccessHolder[] => {
    const byGrantee = new Map<string, AccessHolder['categories'][number][]>();
    for (const [compartment, state] of consents.of(desk.patient)) {
      const category = names.get(compartment);
      if (!category) continue;
      for (const grant of state.grants.values()) {
        if (seals.isFor(grant.grantee)) continue;
        const { read, write, purpose, issuedAt, until, anchored } = grant;
        const list = byGrantee.get(grant.grantee) ?? [];
        // A recovered patient may have two compartments of a category: said once, with the more that is allowed.
        const same = list.findIndex((one) => one.category === category);
        if (same !== -1 && write === false) continue;
        if (same !== -1) list.splice(same, 1);
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
    const capacity = new Map<string, Capacity>();
    const recovery = directory.recovery(desk.patient);
    const chosen = store.operations({ kinds: ['SetRecovery'], actor: desk.patient });
    const all = [...store.operations({ kinds: historyKinds, patient: desk.patient }), ...chosen];
    for (const stored of all.sort((a, b) => (precedes(a, b) ? -1 : 1))) {
      const decoded = codec.decodePayload(stored.operation);
      const { actor } = stored.operation;
      const common = {
        // Who decided, where it was not the patient.
        ...(decided.has(decoded.kind) &&
          actor !== desk.patient && { by: { name: deps.nameOf(actor), capacity: capacity.get(actor) ?? null } }),
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
      } else if (decoded.kind === 'AppointDelegate' || decoded.kind === 'DismissDelegate') {
        const { delegate, compartment } = decoded.payload;
        const type = decoded.kind === 'AppointDelegate' ? ('appointed' as const) : ('dismissed' as const);
        if (decoded.kind === 'AppointDelegate')
          capacity.set(delegate, decoded.payload.capacity === capacities.guardian ? 'guardian' : 'delegate');
        // One for each named part, signed together.
        const act = `${decoded.kind}/${delegate}/${common.at}/${common.state}`;
        const category = names.get(compartment);
        const before = events.get(act);
        const listed = [...(before?.categories ?? []), ...(category ? [category] : [])];
        const first = { ...common, type, name: deps.nameOf(delegate), capacity: capacity.get(delegate) ?? 'delegate' };
        events.set(act, { ...(before ?? first), categories: listed });
      } else if (decoded.kind === 'SetRecovery') {
        events.set(common.opId, { ...common, type: 'helpers-chosen', name: '', categories: [] });
      } else if (decoded.kind === 'ProposeRecovery') {
        events.set(common.opId, { ...common, type: 'key-asked', name: deps.nameOf(actor), categories: [] });
      } else if (decoded.kind === 'VetoRecovery') {
        events.set(common.opId, { ...common, type: 'key-stopped', name: '', categories: [] });
      } else if (decoded.kind === 'CompleteRecovery') {
        events.set(common.opId, { ...common, type: 'key-given', name: '', categories: [] });
      } else if (decoded.kind === 'Grant' || decoded.kind === 'Revoke') {
        const { grantee, envelope, compartment } = decoded.payload;
        if (seals.isFor(grantee)) continue;
        const rekeyed = decoded.kind === 'Revoke' && grantee === granteeOfAccount(desk.patient);
        const act = `${decoded.kind}/${grantee}/${envelope === zero32 ? common.at : envelope}/${common.state}`;
        const category = names.get(compartment);
        const before = events.get(act);
        const back = rekeyed && recovery !== undefined && precedes(recovery, stored);
        const type = back
          ? ('brought-back' as const)
          : rekeyed
            ? ('new-key' as const)
            : decoded.kind === 'Grant'
              ? ('granted' as const)
              : ('revoked' as const);
        const listed = [...(before?.categories ?? []), ...(category ? [category] : [])];
        events.set(act, { ...(before ?? { ...common, type, name: rekeyed ? '' : describe(grantee).name }), categories: listed });
      }
    }
    return [...events.values()].reverse();
  };

  /** `note` holds the digest of a reason; here its words take the place. */
  const withReasons = (desk: DeskSession, events: readonly SharingEvent[]): Promise<SharingEvent[]> =>
    Promise.all(
      events.map(async (event) => {
        if (!event.note) return event;
        const note = await deps.notes.open(event.note, desk.patient, granteeOfAccount(desk.keys.account), desk.keys);
        return { ...event, note };
      }),
    );

  const counts = async (desk: DeskSession, record: RecordKeys) => {
    const ids = new Map<Category, Set<string>>();
    const unknown = new Set<Category>();
    for (const stored of store.operations({ kinds: ['Commit'], patient: desk.patient })) {
      const decoded = codec.decodePayload(stored.operation);
      const category = decoded.kind === 'Commit' ? record.compartments.get(decoded.payload.compartment) : undefined;
      if (decoded.kind !== 'Commit' || !category || stored.state === 'rejected') continue;
      try {
        const commit = await reader.open(stored, keysOfRecord(record), { offline: true });
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

  return {
    async read(desk, patient, renewed) {
      deps.delegates.requirePrincipal(desk.keys.account, desk.patient);
      const record = deps.keyring.of(desk);
      const names = record.compartments;
      return {
        patient,
        categories: await counts(desk, record),
        holders: holders(desk, names),
        history: await withReasons(desk, history(desk, names)),
        emergencyAllowed: consents.emergency(desk.patient).allowed,
        candidates: candidates(),
        renewed: renewed.map(organizationName),
        delegates: deps.delegates.list(desk, record),
        rights: deps.rights.view(desk, record),
      };
    },
  };
}
