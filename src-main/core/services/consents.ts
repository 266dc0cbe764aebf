/**
 * Who may read and write what: the grants of one patient, replayed from the operations known here in ledger order by the rules of the contract
 * `Consents`. Used for what screens show, for what may be written, and for checking that an author held consent when a commit was anchored.
 */
import { accessBits, purposes, type OperationKind, type Purpose } from '../../../src-shared/operations.ts';
import type { OperationCodecPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import { granteeOfAccount } from './bytes.ts';
import { precedes, type Directory } from './directory.ts';

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

export interface CompartmentState {
  readonly epoch: number;
  readonly grants: ReadonlyMap<string, Grant>;
}

export interface Consents {
  /** State of each compartment that a patient's operations speak of. */
  of(patient: string): Map<string, CompartmentState>;
  epoch(patient: string, compartment: string): number;
  /**
   * Through what an author may write a compartment: '' directly or as the patient, otherwise the organization's id; null where there is no
   * consent. `organization` asks about one in particular.
   */
  writesThrough(patient: string, compartment: string, author: string, at: number): string | null;
  /** Whether the author of a commit held write consent where the commit stands in the ledger's order. */
  heldWrite(commit: StoredOperation, patient: string, compartment: string, organization: string): boolean;
}

const kinds = ['Grant', 'Revoke'] as const satisfies readonly OperationKind[];
/** Operations after which a consent may be another. */
export const consentKinds: ReadonlySet<OperationKind> = new Set(kinds);

/** Patients whose replayed state is kept; any grant or revocation drops all of them. */
const cachedPatients = 200;

const purposeNames = new Map(Object.entries(purposes).map(([name, code]) => [code as number, name as Purpose]));

export function isCurrent(grant: Grant, at: number): boolean {
  return grant.from <= at && (grant.until === 0 || at < grant.until);
}

export function createConsents(
  store: WorkstationStorePort,
  codec: OperationCodecPort,
  directory: Directory,
): Consents & { invalidate(): void } {
  const cache = new Map<string, Map<string, CompartmentState>>();

  const of = (patient: string): Map<string, CompartmentState> => {
    const known = cache.get(patient) ?? replay(patient);
    if (cache.size >= cachedPatients) cache.clear();
    cache.set(patient, known);
    return known;
  };

  const replay = (patient: string, before?: StoredOperation): Map<string, CompartmentState> => {
    const states = new Map<string, { epoch: number; grants: Map<string, Grant> }>();
    const at = (compartment: string) => {
      const known = states.get(compartment) ?? { epoch: 0, grants: new Map<string, Grant>() };
      states.set(compartment, known);
      return known;
    };
    for (const stored of store.operations({ kinds, patient })) {
      if (stored.state === 'rejected' || (before && !precedes(stored, before))) continue;
      const decoded = codec.decodePayload(stored.operation);
      if (decoded.kind === 'Grant') {
        const p = decoded.payload;
        at(p.compartment).grants.set(p.grantee, {
          compartment: p.compartment,
          grantee: p.grantee,
          read: (p.access & accessBits.read) !== 0,
          write: (p.access & accessBits.write) !== 0,
          purpose: purposeNames.get(p.purpose) ?? 'treatment',
          from: p.validFrom,
          until: p.validUntil,
          issuedAt: stored.operation.issuedAt,
          anchored: stored.block !== null,
        });
      } else if (decoded.kind === 'Revoke') {
        const state = at(decoded.payload.compartment);
        state.grants.delete(decoded.payload.grantee);
        state.epoch = Math.max(decoded.payload.epoch, state.epoch + 1);
      }
    }
    return states;
  };

  return {
    invalidate: () => cache.clear(),
    of,
    epoch: (patient, compartment) => of(patient).get(compartment)?.epoch ?? 0,
    writesThrough(patient, compartment, author, at) {
      if (author === patient) return '';
      const memberships = directory.memberships(author);
      if (memberships.length === 0) return null;
      const grants = of(patient).get(compartment)?.grants;
      const direct = grants?.get(granteeOfAccount(author));
      if (direct?.write && isCurrent(direct, at)) return '';
      for (const member of memberships) {
        const grant = grants?.get(member.organization);
        if (grant?.write && isCurrent(grant, at)) return member.organization;
      }
      return null;
    },
    heldWrite(commit, patient, compartment, organization) {
      const author = commit.operation.actor;
      if (author === patient) return true;
      const through = /^0x0{64}$/.test(organization) ? null : organization;
      const grant = replay(patient, commit)
        .get(compartment)
        ?.grants.get(through ?? granteeOfAccount(author));
      if (!grant?.write || !isCurrent(grant, commit.operation.issuedAt)) return false;
      if (through) return directory.memberAt(through, author, commit) !== undefined;
      return directory.organizations().some((o) => directory.memberAt(o.id, author, commit) !== undefined);
    },
  };
}
