/**
 * Who is who: organizations, members and their roles, as the operations known here say. A pure replay in ledger order (anchored operations first,
 * then those made here and still waiting, so that staff can be enrolled with the cable out); small, and replayed again when one comes. Keys are part of
 * it: an account keeps the address of its first signer, and who signs for it changes with each rotation.
 */
import { roleBits, rolesOf, type OperationKind, type Role } from '../../../src-shared/operations.ts';
import type { DecodedOperation, OperationCodecPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import { accountInKeyChange, createAccountKeys, type AccountKeys } from './account-keys.ts';
import { precedes } from './ledger-order.ts';
import { createPastStates, type PastStates } from './past-states.ts';

export interface Organization {
  readonly id: string;
  /** The key that envelopes to its members are sealed to now. */
  readonly organizationKey: string;
  /** All of them, in order, with that key last. */
  readonly organizationKeys: readonly OrganizationKey[];
  readonly profile: string;
  readonly suspended: boolean;
  readonly anchored: boolean;
}

export interface OrganizationKey {
  readonly publicKey: string;
  /** Digest of the block in which its secret is sealed to members; enrolments have blocks of their own. */
  readonly keyEnvelope: string;
  readonly operation: StoredOperation;
}

export interface Member {
  readonly organization: string;
  readonly account: string;
  readonly roles: number;
  readonly encryptionKey: string;
  readonly profile: string;
  readonly keyEnvelope: string;
  readonly suspended: boolean;
  readonly anchored: boolean;
}

export interface Directory {
  organizations(): Organization[];
  organization(id: string): Organization | undefined;
  members(organization?: string): Member[];
  member(organization: string, account: string): Member | undefined;
  /** Organizations in which an account is an active member. */
  memberships(account: string): Member[];
  /** Roles of an active member of an active organization; none otherwise. */
  roles(organization: string, account: string): Role[];
  /** Address that signs for an account now: its own until it rotates its keys. */
  signer(account: string): string;
  /** Address that signed for an account where an operation stands. */
  signerAt(account: string, operation: StoredOperation): string;
  /** The encryption key that an account rotated to; undefined while it has its first one. */
  rotatedEncryptionKey(account: string): string | undefined;
  /** The last rotation of an account's keys. */
  rotation(account: string): StoredOperation | undefined;
  /** All addresses that signed for an account, the first being its own. */
  signers(account: string): string[];
  /** Those since guardians last gave the account a new key, whose own were lost; all of them where they never did. */
  signersSinceRecovery(account: string): string[];
  /** The operation with which guardians last gave the account a new key. */
  recovery(account: string): StoredOperation | undefined;
  /** Whether what a key signs may count now: the one in force by the ledger, or one that a rotation on its way names. */
  maySign(account: string, signer: string): boolean;
  /** Whether `signer` was the account's where the operation stands; anywhere in its history for one that has no place yet. */
  signedBy(account: string, signer: string, operation: StoredOperation): boolean;
  /** The account that an address is a rotated key of, now or before. */
  accountOf(signer: string): string | undefined;
  /** Membership as it was when an operation was anchored. */
  memberAt(organization: string, account: string, before: StoredOperation): Member | undefined;
}

const kinds: readonly OperationKind[] = [
  'AdmitOrganization',
  'SuspendOrganization',
  'EnrolMember',
  'ChangeMember',
  'SuspendMember',
  'RotateKeys',
  'SetRecovery',
  'ProposeRecovery',
  'ApproveRecovery',
  'VetoRecovery',
  'CompleteRecovery',
  'RotateOrganizationKey',
];
export const directoryKinds: ReadonlySet<OperationKind> = new Set(kinds);

interface State {
  readonly organizations: Map<string, Organization>;
  readonly members: Map<string, Member>;
  /** By account in lower case, in ledger order. */
  readonly rotations: Map<string, Rotation[]>;
  /** Accounts by the addresses that they rotated to. */
  readonly accounts: Map<string, string>;
}

interface Rotation {
  readonly signer: string;
  readonly encryptionKey: string;
  /** Its guardians gave it, not the key before. */
  readonly recovered: boolean;
  readonly operation: StoredOperation;
}

/** `purpose` of RotateOrganizationKey: the key that members share (the other is the emergency key's). */
export const membersKey = 1;

const key = (organization: string, account: string) => `${organization}/${account.toLowerCase()}`;

/** @param ownClinic its id, of a workstation that belongs to one. */
export function createDirectory(
  store: WorkstationStorePort,
  codec: OperationCodecPort,
  ownClinic: () => string | undefined = () => undefined,
): Directory & { invalidate(): void } {
  let state: State | null = null;
  let past: PastStates<State> | null = null;

  const current = (): State => {
    if (state) return state;
    const operations = store.operations({ kinds }).filter((o) => o.state !== 'rejected');
    past = createPastStates(operations, (part) => replay(part, codec));
    state = replay([...admissionBefore(store, ownClinic()), ...operations], codec);
    return state;
  };

  const usable = (member: Member | undefined): member is Member =>
    member !== undefined &&
    !member.suspended &&
    member.roles !== 0 &&
    current().organizations.get(member.organization)?.suspended === false;

  const rotationsOf = (account: string): readonly Rotation[] => current().rotations.get(account.toLowerCase()) ?? [];

  const signerAt = (account: string, operation: StoredOperation): string => {
    return rotationsOf(account).findLast((rotation) => precedes(rotation.operation, operation))?.signer ?? account;
  };

  return {
    invalidate() {
      state = null;
    },
    organizations: () => [...current().organizations.values()],
    organization: (id) => current().organizations.get(id),
    members: (organization) => [...current().members.values()].filter((m) => organization === undefined || m.organization === organization),
    member: (organization, account) => current().members.get(key(organization, account)),
    memberships: (account) => [...current().members.values()].filter((m) => m.account.toLowerCase() === account.toLowerCase() && usable(m)),
    roles(organization, account) {
      const member = current().members.get(key(organization, account));
      return usable(member) ? rolesOf(member.roles) : [];
    },
    signer: (account) => rotationsOf(account).at(-1)?.signer ?? account,
    signerAt,
    rotation: (account) => rotationsOf(account).at(-1)?.operation,
    signers: (account) => [account, ...rotationsOf(account).map(({ signer }) => signer)],
    signersSinceRecovery(account) {
      const rotations = rotationsOf(account);
      const last = rotations.findLastIndex(({ recovered }) => recovered);
      const since = rotations.slice(Math.max(last, 0)).map(({ signer }) => signer);
      return last === -1 ? [account, ...since] : since;
    },
    recovery: (account) => rotationsOf(account).findLast(({ recovered }) => recovered)?.operation,
    maySign(account, signer) {
      const rotations = rotationsOf(account);
      const anchored = rotations.findLast(({ operation }) => operation.block !== null)?.signer ?? account;
      return signer === anchored || rotations.some((rotation) => rotation.operation.block === null && rotation.signer === signer);
    },
    rotatedEncryptionKey: (account) => rotationsOf(account).at(-1)?.encryptionKey,
    signedBy(account, signer, operation) {
      const history = [{ signer: account }, ...rotationsOf(account)];
      if (operation.block === null) return history.some((one) => one.signer === signer);
      return signerAt(account, operation) === signer;
    },
    accountOf: (signer) => current().accounts.get(signer),
    memberAt(organization, account, before) {
      current();
      const then = past?.before(before);
      const member = then?.members.get(key(organization, account));
      return member && member.roles !== 0 && !member.suspended && then?.organizations.get(organization)?.suspended === false
        ? member
        : undefined;
    },
  };
}

/**
 * How this clinic was admitted to the network that it left, until the one that it moved to has told how it was there: its people go on working in between, also
 * when the new ledger is out of reach.
 */
function admissionBefore(store: WorkstationStorePort, organization: string | undefined): StoredOperation[] {
  if (organization === undefined) return [];
  const admissions = store.operations({ kinds: ['AdmitOrganization'], organization });
  if (admissions.some(({ state }) => state !== 'rejected')) return [];
  return admissions.filter(({ predecessor }) => predecessor !== null).slice(0, 1);
}

function replay(operations: readonly StoredOperation[], codec: OperationCodecPort): State {
  const organizations = new Map<string, Organization>();
  const members = new Map<string, Member>();
  const rotations = new Map<string, Rotation[]>();
  const accounts = new Map<string, string>();
  const keys = new Map<string, AccountKeys>();
  const changeKeys = (account: string, stored: StoredOperation, decoded: DecodedOperation): void => {
    const id = account.toLowerCase();
    const own = keys.get(id) ?? createAccountKeys(account);
    keys.set(id, own);
    const { opId, actor, issuedAt } = stored.operation;
    const before = own.keys().length;
    own.apply({ opId, actor, decoded, at: stored.blockTime ?? issuedAt });
    const newest = own.keys().at(-1);
    if (newest === undefined || own.keys().length === before) return;
    const { signer, encryptionKey, recovered } = newest;
    rotations.set(id, [...(rotations.get(id) ?? []), { signer, encryptionKey, recovered, operation: stored }]);
    accounts.set(signer, account);
  };
  const isAdmin = (organization: string, account: string) => {
    const member = members.get(key(organization, account));
    return member !== undefined && !member.suspended && (member.roles & roleBits.admin) !== 0;
  };
  for (const stored of operations) {
    const decoded = codec.decodePayload(stored.operation);
    const anchored = stored.block !== null;
    switch (decoded.kind) {
      case 'AdmitOrganization': {
        const p = decoded.payload;
        organizations.set(p.organization, {
          id: p.organization,
          organizationKey: p.organizationKey,
          organizationKeys: [{ publicKey: p.organizationKey, keyEnvelope: p.keyEnvelope, operation: stored }],
          profile: p.profile,
          suspended: false,
          anchored,
        });
        members.set(key(p.organization, p.admin), {
          organization: p.organization,
          account: p.admin,
          roles: 1,
          encryptionKey: p.encryptionKey,
          profile: p.adminProfile,
          keyEnvelope: p.keyEnvelope,
          suspended: false,
          anchored,
        });
        break;
      }
      case 'SuspendOrganization': {
        const organization = organizations.get(decoded.payload.organization);
        if (organization) organizations.set(organization.id, { ...organization, suspended: decoded.payload.suspended !== 0 });
        break;
      }
      case 'EnrolMember': {
        const { member, ...p } = decoded.payload;
        members.set(key(p.organization, member), { ...p, account: member, suspended: false, anchored });
        break;
      }
      case 'ChangeMember': {
        const k = key(decoded.payload.organization, decoded.payload.member);
        const member = members.get(k);
        if (member) members.set(k, { ...member, roles: decoded.payload.roles, anchored });
        break;
      }
      case 'SuspendMember': {
        const k = key(decoded.payload.organization, decoded.payload.member);
        const member = members.get(k);
        if (member) members.set(k, { ...member, suspended: decoded.payload.suspended !== 0, anchored });
        break;
      }
      case 'RotateOrganizationKey': {
        const { publicKey, keyEnvelope, purpose } = decoded.payload;
        const organization = organizations.get(decoded.payload.organization);
        // Whose key others seal to is not left to a ledger that nobody else watches: only an admin's signature counts.
        if (!organization || purpose !== membersKey || !isAdmin(organization.id, stored.operation.actor)) break;
        const organizationKeys = [...organization.organizationKeys, { publicKey, keyEnvelope, operation: stored }];
        organizations.set(organization.id, { ...organization, organizationKey: publicKey, organizationKeys });
        break;
      }
      case 'RotateKeys':
        changeKeys(stored.operation.actor, stored, decoded);
        break;
      case 'SetRecovery':
      case 'ProposeRecovery':
      case 'ApproveRecovery':
      case 'VetoRecovery':
      case 'CompleteRecovery':
        // Several sign in turn, and there is a waiting time: what the ledger has not taken counts for nothing yet.
        if (anchored) changeKeys(accountInKeyChange(decoded, stored.operation.actor) ?? '', stored, decoded);
        break;
      default:
        break;
    }
  }
  for (const [k, member] of members) {
    const rotated = rotations.get(member.account.toLowerCase())?.at(-1);
    if (rotated) members.set(k, { ...member, encryptionKey: rotated.encryptionKey });
  }
  return { organizations, members, rotations, accounts };
}
