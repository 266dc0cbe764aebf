/**
 * Who may read and write what: the grants of one patient, replayed from the operations known here in ledger order by the rules of the contract
 * `Consents`. Used for what screens show, for what may be written, and for checking that an author held consent when a commit was anchored.
 */
import { accessBits, purposes, roleBits, type OperationKind, type Purpose } from '../../../src-shared/operations.ts';
import type { OperationCodecPort, RecordCryptoPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import { granteeOfAccount, zero32 } from './bytes.ts';
import { createDelegations, type Delegations } from './delegations.ts';
import type { Directory } from './directory.ts';
import { historyAfter, isMadeAfter, noRevocations } from './epoch-keys.ts';
import { precedes } from './ledger-order.ts';
import { createPastStates, type PastStates } from './past-states.ts';

export interface Grant {
  readonly compartment: string;
  readonly grantee: string;
  readonly read: boolean;
  readonly write: boolean;
  readonly purpose: Purpose;
  /** Seconds; `until` 0 = open end. */
  readonly from: number;
  readonly until: number;
  readonly issuedAt: number;
  readonly anchored: boolean;
}

/** What somebody asked a patient for. Opens nothing; which categories it is about is in the sealed reason. */
export interface AccessRequest {
  /** opId of the request. */
  readonly id: string;
  readonly patient: string;
  /** Who signed it. */
  readonly asker: string;
  readonly grantee: string;
  /** What it names on the ledger; zero as a rule. */
  readonly compartment: string;
  readonly write: boolean;
  readonly purpose: Purpose;
  /** Seconds; 0 = open end. */
  readonly until: number;
  /** Digest of the sealed reason. */
  readonly reason: string;
  readonly issuedAt: number;
  readonly anchored: boolean;
  readonly state: 'open' | 'approved' | 'declined';
  /** Seconds; 0 while it is open. */
  readonly answeredAt: number;
}

/** A record opened without consent, in an emergency. */
export interface Opening {
  readonly opId: string;
  readonly practitioner: string;
  readonly organization: string;
  /** Digest of the sealed reason. */
  readonly reason: string;
  /** Seconds; the first in which it no longer counts is `endsAt`. */
  readonly openedAt: number;
  readonly endsAt: number;
}

export interface EmergencyState {
  /** False once the patient switched it off, which also ends what is open. */
  readonly allowed: boolean;
  /** Number of the last change, for the next. */
  readonly sequence: number;
  readonly openings: readonly Opening[];
}

/** An epoch of a compartment's keys, after the first. */
export interface Epoch {
  readonly number: number;
  /** The revocation that began it. */
  readonly begunBy: StoredOperation;
  /**
   * Whether that revocation was made where all those before it were known; if not, the keys that it sealed are not this epoch's, which has none (see
   * epoch-keys.ts).
   */
  readonly asMade: boolean;
}

export interface CompartmentState {
  readonly epoch: number;
  /** In order; without the first, and without numbers that were passed over. */
  readonly epochs: readonly Epoch[];
  /** Of its revocations (see epoch-keys.ts). */
  readonly history: string;
  readonly grants: ReadonlyMap<string, Grant>;
}

export interface Consents {
  /** State of each compartment that a patient's operations speak of. */
  of(patient: string): Map<string, CompartmentState>;
  epoch(patient: string, compartment: string): number;
  /** Whether a grantee might read a compartment where an operation of the patient's stands in the ledger's order, at the time that it names. */
  heldRead(place: StoredOperation, patient: string, compartment: string, grantee: string): boolean;
  emergency(patient: string): EmergencyState;
  /** Who else may decide for the patient, and within which limits. */
  delegations(patient: string): Pick<Delegations, 'limit' | 'appointments'>;
  /** What was asked of a patient, in ledger order. */
  requests(patient: string): AccessRequest[];
  /**
   * Through what an author may write a compartment: '' directly or as the patient, otherwise the organization's id; null where there is no
   * consent. `organization` asks about one in particular.
   */
  writesThrough(patient: string, compartment: string, author: string, at: number): string | null;
  /**
   * Whether the author of a commit held write consent where the commit stands in the ledger's order, or was a practitioner who had opened the record in an
   * emergency: the ledger takes that too, though screens do not offer it.
   */
  heldWrite(commit: StoredOperation, patient: string, compartment: string, organization: string): boolean;
}

const kinds = [
  'Grant',
  'ChangeGrant',
  'Revoke',
  'RequestAccess',
  'ApproveRequest',
  'DeclineRequest',
  'SwitchEmergency',
  'OpenEmergency',
  'AppointDelegate',
  'DismissDelegate',
] as const satisfies readonly OperationKind[];
/** Operations after which a consent may be another. */
export const consentKinds: ReadonlySet<OperationKind> = new Set(kinds);

const lastEpoch = 0xffff_ffff;

/** Patients whose replayed state is kept; any grant or revocation drops all of them. */
const cachedPatients = 200;

const purposeNames = new Map(Object.entries(purposes).map(([name, code]) => [code as number, name as Purpose]));

/** What somebody had of a compartment from an operation on; null: nothing. */
interface GrantChange {
  readonly by: StoredOperation;
  readonly grant: Grant | null;
}

interface PatientState {
  readonly emergency: EmergencyState;
  readonly compartments: Map<string, CompartmentState>;
  /** By compartment and grantee, in order. */
  readonly changes: ReadonlyMap<string, readonly GrantChange[]>;
  readonly requests: ReadonlyMap<string, AccessRequest>;
  readonly delegations: Delegations;
}

const changeKey = (compartment: string, grantee: string) => `${compartment}/${grantee}`;

interface Terms {
  readonly access: number;
  readonly purpose: number;
  readonly validFrom: number;
  readonly validUntil: number;
}

function termsOf({ access, purpose, validFrom, validUntil }: Terms): Pick<Grant, 'read' | 'write' | 'purpose' | 'from' | 'until'> {
  return {
    read: (access & accessBits.read) !== 0,
    write: (access & accessBits.write) !== 0,
    purpose: purposeNames.get(purpose) ?? 'treatment',
    from: validFrom,
    until: validUntil,
  };
}

export function isCurrent(grant: Grant, at: number): boolean {
  return grant.from <= at && (grant.until === 0 || at < grant.until);
}

/** Roles through which a clinic's permission lets somebody write (contract `AccessRequests`, CARING_ROLES). */
const caringRoles = roleBits.registrar | roleBits.practitioner;

/** Whether the author's latest opening in the name of a clinic is open (contract `Emergencies`): only that one counts. */
function isOpenFor({ allowed, openings }: EmergencyState, author: string, organization: string, at: number): boolean {
  const latest = openings.findLast((opening) => opening.practitioner === author && opening.organization === organization);
  return allowed && latest !== undefined && latest.openedAt <= at && at < latest.endsAt;
}

export function createConsents(
  store: WorkstationStorePort,
  codec: OperationCodecPort,
  directory: Directory,
  crypto: Pick<RecordCryptoPort, 'sha256'>,
): Consents & { invalidate(): void } {
  const cache = new Map<string, PatientState>();
  const pastOf = new Map<string, PastStates<PatientState>>();

  const historyOf = (patient: string) => store.operations({ kinds, patient }).filter(({ state }) => state !== 'rejected');

  const past = (patient: string): PastStates<PatientState> => {
    const known = pastOf.get(patient) ?? createPastStates(historyOf(patient), (part) => replay(patient, part));
    if (pastOf.size >= cachedPatients) pastOf.clear();
    pastOf.set(patient, known);
    return known;
  };

  const stateOf = (patient: string): PatientState => {
    const known = cache.get(patient) ?? replay(patient, historyOf(patient));
    if (cache.size >= cachedPatients) cache.clear();
    cache.set(patient, known);
    return known;
  };
  const of = (patient: string) => stateOf(patient).compartments;

  const replay = (patient: string, history: readonly StoredOperation[]): PatientState => {
    const compartments = new Map<string, { epoch: number; epochs: Epoch[]; history: string; grants: Map<string, Grant> }>();
    const requests = new Map<string, AccessRequest>();
    const delegations = createDelegations(patient);
    const changes = new Map<string, GrantChange[]>();
    let emergency: EmergencyState = { allowed: true, sequence: 0, openings: [] };
    const at = (compartment: string) => {
      const known = compartments.get(compartment) ?? { epoch: 0, epochs: [], history: noRevocations, grants: new Map<string, Grant>() };
      compartments.set(compartment, known);
      return known;
    };
    const change = (by: StoredOperation, compartment: string, grantee: string, grant: Grant | null) => {
      const { grants } = at(compartment);
      if (grant === null) grants.delete(grantee);
      else grants.set(grantee, grant);
      const key = changeKey(compartment, grantee);
      changes.set(key, changes.get(key) ?? []);
      changes.get(key)?.push({ by, grant });
    };
    const answer = (id: string, state: AccessRequest['state'], answeredAt: number): AccessRequest | null => {
      const request = requests.get(id);
      if (request?.state !== 'open') return null;
      requests.set(id, { ...request, state, answeredAt });
      return request;
    };
    for (const stored of history) {
      const { issuedAt, opId, actor } = stored.operation;
      const anchored = stored.block !== null;
      const decoded = codec.decodePayload(stored.operation);
      const judged = { actor, decoded, at: stored.blockTime ?? issuedAt, issuedAt, anchored };
      // What somebody decided who was not to decide it counts for nothing, wherever it came from.
      if (!delegations.allows(judged, (id) => requests.get(id)?.compartment)) continue;
      delegations.apply(judged);
      if (decoded.kind === 'Grant') {
        const p = decoded.payload;
        change(stored, p.compartment, p.grantee, { ...termsOf(p), compartment: p.compartment, grantee: p.grantee, issuedAt, anchored });
      } else if (decoded.kind === 'ChangeGrant') {
        const p = decoded.payload;
        const grant = at(p.compartment).grants.get(p.grantee);
        if (grant) change(stored, p.compartment, p.grantee, { ...grant, ...termsOf(p), anchored });
      } else if (decoded.kind === 'Revoke') {
        const state = at(decoded.payload.compartment);
        change(stored, decoded.payload.compartment, decoded.payload.grantee, null);
        // The last epoch stays the last, as in the contract.
        const number = Math.max(decoded.payload.epoch, Math.min(state.epoch + 1, lastEpoch));
        const asMade = number === decoded.payload.epoch && isMadeAfter(opId, state.history);
        if (number > state.epoch) state.epochs.push({ number, begunBy: stored, asMade });
        state.epoch = number;
        state.history = historyAfter(crypto, state.history, opId);
      } else if (decoded.kind === 'RequestAccess') {
        const p = decoded.payload;
        const { write, purpose } = termsOf({ ...p, validFrom: 0 });
        requests.set(opId, {
          ...{ id: opId, patient, asker: actor, write, purpose, until: p.validUntil, reason: p.reason, issuedAt, anchored },
          compartment: p.compartment,
          grantee: p.organization === zero32 ? granteeOfAccount(actor) : p.organization,
          state: 'open',
          answeredAt: 0,
        });
      } else if (decoded.kind === 'ApproveRequest') {
        const p = decoded.payload;
        const request = answer(p.request, 'approved', issuedAt);
        if (!request) continue;
        const { grantee } = request;
        change(stored, p.compartment, grantee, { ...termsOf(p), compartment: p.compartment, grantee, issuedAt, anchored });
      } else if (decoded.kind === 'DeclineRequest') {
        answer(decoded.payload.request, 'declined', issuedAt);
      } else if (decoded.kind === 'SwitchEmergency') {
        const { allowed, sequence } = decoded.payload;
        if (allowed === 1 && sequence <= emergency.sequence) continue;
        emergency = { ...emergency, allowed: allowed === 1, sequence: Math.max(sequence, emergency.sequence) };
      } else if (decoded.kind === 'OpenEmergency') {
        const { organization, reason, duration } = decoded.payload;
        const opening = { opId, practitioner: actor, organization, reason, openedAt: issuedAt, endsAt: issuedAt + duration };
        emergency = { ...emergency, openings: [...emergency.openings, opening] };
      }
    }
    return { compartments, changes, requests, emergency, delegations };
  };

  return {
    invalidate() {
      cache.clear();
      pastOf.clear();
    },
    of,
    emergency: (patient) => stateOf(patient).emergency,
    delegations: (patient) => stateOf(patient).delegations,
    requests: (patient) => [...stateOf(patient).requests.values()],
    epoch: (patient, compartment) => of(patient).get(compartment)?.epoch ?? 0,
    heldRead(place, patient, compartment, grantee) {
      const changes = stateOf(patient).changes.get(changeKey(compartment, grantee));
      const grant = changes?.findLast(({ by }) => precedes(by, place))?.grant;
      return grant ? isCurrent(grant, place.operation.issuedAt) : false;
    },
    writesThrough(patient, compartment, author, at) {
      if (author === patient) return '';
      const memberships = directory.memberships(author);
      if (memberships.length === 0) return null;
      const grants = of(patient).get(compartment)?.grants;
      const direct = grants?.get(granteeOfAccount(author));
      if (direct?.write && isCurrent(direct, at)) return '';
      const through = memberships.find(({ organization, roles }) => {
        const grant = grants?.get(organization);
        return grant?.write && isCurrent(grant, at) && (roles & caringRoles) !== 0;
      });
      return through?.organization ?? null;
    },
    heldWrite(commit, patient, compartment, organization) {
      const author = commit.operation.actor;
      const at = commit.operation.issuedAt;
      const direct = organization === zero32;
      if (author === patient && direct) return true;
      const { compartments, emergency } = past(patient).before(commit);
      const grant = compartments.get(compartment)?.grants.get(direct ? granteeOfAccount(author) : organization);
      const allowed = grant?.write === true && isCurrent(grant, at);
      if (direct) return allowed && directory.organizations().some((o) => directory.memberAt(o.id, author, commit) !== undefined);
      const roles = directory.memberAt(organization, author, commit)?.roles ?? 0;
      if (allowed) return (roles & caringRoles) !== 0;
      return isOpenFor(emergency, author, organization, at) && (roles & roleBits.practitioner) !== 0;
    },
  };
}
