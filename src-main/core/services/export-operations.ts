/**
 * The signed operations that a verifiable export needs, and no more: whoever gets a patient's records should not get the clinic's staff list and the
 * patient's other readers with them. Kept are the commits, what allowed their authors to write, and who made those authors members.
 */
import type { DecodedOperation, OperationCodecPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import { granteeOfAccount } from './bytes.ts';
import { precedes } from './directory.ts';

/** Those of the directory that resources/verify-export judges. */
const directoryKinds = ['AdmitOrganization', 'SuspendOrganization', 'EnrolMember', 'ChangeMember', 'SuspendMember'] as const;

export interface ExportScope {
  readonly patient: string;
  readonly sealedBy: string;
  readonly commits: readonly StoredOperation[];
  readonly compartments: ReadonlySet<string>;
}

interface Known {
  readonly stored: StoredOperation;
  readonly decoded: DecodedOperation;
}

/** In ledger order, with the digests of the profiles that they name. */
export function exportedOperations(
  store: WorkstationStorePort,
  codec: OperationCodecPort,
  scope: ExportScope,
): { operations: StoredOperation[]; profiles: string[] } {
  const known = (operations: readonly StoredOperation[]): Known[] =>
    operations.filter(({ state }) => state !== 'rejected').map((stored) => ({ stored, decoded: codec.decodePayload(stored.operation) }));
  const registration = known(store.operations({ kinds: ['RegisterPatient'], patient: scope.patient }));
  const authors = new Set([...scope.commits, ...registration.map(({ stored }) => stored)].map(({ operation }) => operation.actor));
  authors.add(scope.sealedBy);
  authors.delete(scope.patient);

  const directory = known(store.operations({ kinds: directoryKinds }));
  const organizations = new Set(
    directory.flatMap(({ decoded }) => {
      if (decoded.kind === 'AdmitOrganization') return authors.has(decoded.payload.admin) ? [decoded.payload.organization] : [];
      return decoded.kind === 'EnrolMember' && authors.has(decoded.payload.member) ? [decoded.payload.organization] : [];
    }),
  );
  const membership = membershipsOf(directory, organizations, new Set(authors));

  const grantees = new Set([...[...authors].map(granteeOfAccount), ...organizations]);
  const consents = known(store.operations({ kinds: ['Grant', 'Revoke'], patient: scope.patient })).filter(({ decoded }) => {
    if (decoded.kind === 'Grant') return scope.compartments.has(decoded.payload.compartment) && grantees.has(decoded.payload.grantee);
    // Each revocation moves the epoch on, also somebody else's: with one left out, the epochs would not fit.
    return decoded.kind === 'Revoke' && scope.compartments.has(decoded.payload.compartment);
  });
  const operations = [...membership, ...registration, ...consents].map(({ stored }) => stored);
  const profiles = membership.flatMap(({ decoded }) => {
    if (decoded.kind === 'AdmitOrganization') return [decoded.payload.profile, decoded.payload.adminProfile];
    return decoded.kind === 'EnrolMember' ? [decoded.payload.profile] : [];
  });
  return { operations: [...operations, ...scope.commits].sort((a, b) => (precedes(a, b) ? -1 : 1)), profiles: [...new Set(profiles)] };
}

/** What made these people members, and what made those members who signed that. */
function membershipsOf(directory: readonly Known[], organizations: ReadonlySet<string>, people: Set<string>): Known[] {
  const concerns = ({ decoded }: Known): boolean => {
    if (!('organization' in decoded.payload) || !organizations.has(decoded.payload.organization)) return false;
    if (decoded.kind === 'AdmitOrganization' || decoded.kind === 'SuspendOrganization') return true;
    return 'member' in decoded.payload && people.has(decoded.payload.member);
  };
  for (;;) {
    const kept = directory.filter(concerns);
    const before = people.size;
    for (const { stored, decoded } of kept)
      if (decoded.kind !== 'AdmitOrganization' && decoded.kind !== 'SuspendOrganization') people.add(stored.operation.actor);
    if (people.size === before) return kept;
  }
}
