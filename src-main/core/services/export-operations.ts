/**
 * The signed operations that a verifiable export needs, and no more: whoever gets a patient's records should not get the clinic's staff list and the
 * patient's other readers with them. Kept are the commits, what allowed their authors to write, who made those authors members, and the keys of all who signed
 * any of it.
 */
import type { OperationKind, OperationPayload } from '../../../src-shared/operations.ts';
import type { DecodedOperation, OperationCodecPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import { granteeOfAccount, zero32 } from './bytes.ts';
import { precedes } from './ledger-order.ts';

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
  const { patient } = scope;
  const known = (filter: Parameters<WorkstationStorePort['operations']>[0]): Known[] =>
    store
      .operations(filter)
      .filter(({ state }) => state !== 'rejected')
      .map((stored) => ({ stored, decoded: codec.decodePayload(stored.operation) }));
  const linked = linksOf(known({ kinds: ['LinkPatients', 'UnlinkPatients'] }), patient);
  const registrationsOf = (accounts: readonly string[]) =>
    accounts.flatMap((account) => known({ kinds: ['RegisterPatient'], patient: account }));
  const registrations = registrationsOf([patient, ...linked.patients]);
  const authors = new Set(scope.commits.map(({ operation }) => operation.actor));
  const signed = [...scope.commits, ...[...registrations, ...linked.operations].map(({ stored }) => stored)];
  const people = new Set([...signed.map(({ operation }) => operation.actor), scope.sealedBy]);

  const directory = known({ kinds: directoryKinds });
  const consents = consentsOf(known({ kinds: consentKinds, patient }), scope.compartments, authors, organizationsOf(directory, people));
  const hasNewKey = (account: string) =>
    known({ kinds: ['RotateKeys'], actor: account }).length > 0 || known({ kinds: ['CompleteRecovery'], patient: account }).length > 0;
  const signers = new Set(consents.map(({ stored }) => stored.operation.actor).filter((account) => account !== patient));
  // A delegate may be a patient, too; that counts where they were given a new key, which only who takes part may have.
  registrations.push(...registrationsOf([...signers].filter((account) => hasNewKey(account))));
  for (const account of [...signers, ...registrations.map(({ stored }) => stored.operation.actor)]) people.add(account);
  people.delete(patient);

  const membership = membershipsOf(directory, people);
  const accounts = new Set([patient, ...linked.patients, ...people, ...membership.map(({ stored }) => stored.operation.actor)]);
  const keys = keyChangesOf(known({ kinds: keyKinds }), accounts);
  const operations = [...membership, ...registrations, ...linked.operations, ...consents, ...keys].map(({ stored }) => stored);
  const profiles = membership.flatMap(({ decoded }) => {
    if (decoded.kind === 'AdmitOrganization') return [decoded.payload.profile, decoded.payload.adminProfile];
    return decoded.kind === 'EnrolMember' ? [decoded.payload.profile] : [];
  });
  const needed = [...operations, ...scope.commits];
  // What was signed in a clinic's former network counts because the governors recognized that network.
  const domains = new Set(needed.map(({ predecessor }) => predecessor));
  for (const { stored, decoded } of known({ kinds: ['RecognizePredecessor'] }))
    if (decoded.kind === 'RecognizePredecessor' && domains.has(decoded.payload.domain)) needed.push(stored);
  return { operations: needed.sort((a, b) => (precedes(a, b) ? -1 : 1)), profiles: [...new Set(profiles)] };
}

const directoryKinds = [
  'AdmitOrganization',
  'SuspendOrganization',
  'EnrolMember',
  'ChangeMember',
  'SuspendMember',
] as const satisfies readonly OperationKind[];

const keyKinds = [
  'RotateKeys',
  'SetRecovery',
  'ProposeRecovery',
  'ApproveRecovery',
  'VetoRecovery',
  'CompleteRecovery',
] as const satisfies readonly OperationKind[];

const consentKinds = [
  'Grant',
  'ChangeGrant',
  'Revoke',
  'RequestAccess',
  'ApproveRequest',
  'DeclineRequest',
  'AppointDelegate',
  'DismissDelegate',
  'SwitchEmergency',
  'OpenEmergency',
] as const satisfies readonly OperationKind[];

/** Organizations that one of these people ever was a member of. */
function organizationsOf(directory: readonly Known[], people: ReadonlySet<string>): Set<string> {
  return new Set(
    directory.flatMap(({ decoded }) => {
      if (decoded.kind === 'AdmitOrganization') return people.has(decoded.payload.admin) ? [decoded.payload.organization] : [];
      return decoded.kind === 'EnrolMember' && people.has(decoded.payload.member) ? [decoded.payload.organization] : [];
    }),
  );
}

/** What made these people members, and what made those members who signed that. */
function membershipsOf(directory: readonly Known[], people: Set<string>): Known[] {
  for (;;) {
    const organizations = organizationsOf(directory, people);
    const kept = directory.filter(({ decoded }) => {
      if (!('organization' in decoded.payload) || !organizations.has(decoded.payload.organization)) return false;
      if (decoded.kind === 'AdmitOrganization' || decoded.kind === 'SuspendOrganization') return true;
      return 'member' in decoded.payload && people.has(decoded.payload.member);
    });
    const before = people.size;
    for (const { stored, decoded } of kept)
      if (decoded.kind !== 'AdmitOrganization' && decoded.kind !== 'SuspendOrganization') people.add(stored.operation.actor);
    if (people.size === before) return kept;
  }
}

/** Links of a patient to others who were found to be the same person, and those others. */
function linksOf(links: readonly Known[], patient: string): { operations: Known[]; patients: string[] } {
  const made = links.filter(
    ({ decoded }) => decoded.kind === 'LinkPatients' && (decoded.payload.duplicate === patient || decoded.payload.survivor === patient),
  );
  const pairs = made.map(({ decoded }) => decoded.payload as OperationPayload<'LinkPatients'>);
  const duplicates = new Set(pairs.map(({ duplicate }) => duplicate));
  // An account may have been linked to another patient before: without that link and its end, this one could not be followed.
  const operations = links.filter(
    ({ decoded }) => (decoded.kind === 'LinkPatients' || decoded.kind === 'UnlinkPatients') && duplicates.has(decoded.payload.duplicate),
  );
  const named = operations.flatMap(({ decoded }) =>
    decoded.kind === 'LinkPatients' ? [decoded.payload.duplicate, decoded.payload.survivor] : [],
  );
  return { operations, patients: [...new Set(named)].filter((account) => account !== patient) };
}

/** What the patient, or those the patient appointed, decided about these authors; and all revocations there. */
function consentsOf(
  consents: readonly Known[],
  compartments: ReadonlySet<string>,
  authors: ReadonlySet<string>,
  organizations: ReadonlySet<string>,
): Known[] {
  const grantees = new Set([...[...authors].map(granteeOfAccount), ...organizations]);
  const asked = new Map<string, string>();
  for (const { stored, decoded } of consents) {
    if (decoded.kind !== 'RequestAccess') continue;
    const { organization } = decoded.payload;
    asked.set(stored.operation.opId, organization === zero32 ? granteeOfAccount(stored.operation.actor) : organization);
  }
  const approved = new Set<string>();
  const granted = consents.filter(({ decoded }) => {
    if (decoded.kind === 'Grant' || decoded.kind === 'ChangeGrant')
      return compartments.has(decoded.payload.compartment) && grantees.has(decoded.payload.grantee);
    // Each revocation moves the epoch on, also somebody else's: with one left out, the epochs would not fit.
    if (decoded.kind === 'Revoke') return compartments.has(decoded.payload.compartment);
    if (decoded.kind !== 'ApproveRequest' || !compartments.has(decoded.payload.compartment)) return false;
    const kept = grantees.has(asked.get(decoded.payload.request) ?? '');
    if (kept) approved.add(decoded.payload.request);
    return kept;
  });
  const opened = consents.filter(({ stored, decoded }) => decoded.kind === 'OpenEmergency' && authors.has(stored.operation.actor));
  const switched = opened.length === 0 ? [] : consents.filter(({ decoded }) => decoded.kind === 'SwitchEmergency');
  const requests = consents.filter(({ stored, decoded }) => {
    if (decoded.kind === 'RequestAccess') return approved.has(stored.operation.opId);
    return decoded.kind === 'DeclineRequest' && approved.has(decoded.payload.request);
  });
  const decided = [...granted, ...requests, ...switched];
  const signers = new Set(decided.map(({ stored }) => stored.operation.actor));
  const appointed = consents.filter(
    ({ decoded }) => (decoded.kind === 'AppointDelegate' || decoded.kind === 'DismissDelegate') && signers.has(decoded.payload.delegate),
  );
  return [...decided, ...opened, ...appointed];
}

/** How these accounts came to their keys; also those of the guardians who gave them one. */
function keyChangesOf(changes: readonly Known[], accounts: Set<string>): Known[] {
  const accountOf = ({ stored, decoded }: Known) => ('account' in decoded.payload ? decoded.payload.account : stored.operation.actor);
  const recovered = new Set(changes.filter(({ decoded }) => decoded.kind === 'CompleteRecovery').map(accountOf));
  for (;;) {
    // Who somebody's guardians are is nobody's business while they were not needed; but each change of keys ends a round, so that a chosen round tells of those.
    const kept = changes.filter((change) => {
      const account = accountOf(change);
      return accounts.has(account) && (change.decoded.kind === 'RotateKeys' || recovered.has(account));
    });
    const before = accounts.size;
    for (const { stored } of kept) accounts.add(stored.operation.actor);
    if (accounts.size === before) return kept;
  }
}
