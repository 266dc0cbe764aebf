/**
 * Staff: making one's own key at this workstation, the enrolment code that carries its public part to an admin, and the admin's signed approval.
 */
import { z } from 'zod';
import { AppError } from '../../../src-shared/errors.ts';
import { name } from '../../../src-shared/ipc-schema.ts';
import { bitsOf, rolesOf, type Role } from '../../../src-shared/operations.ts';
import type { LocalPerson, StaffMember } from '../../../src-shared/view-types.ts';
import type { KeyPort, OperationCodecPort, PersonKeys, RecordCryptoPort, StorePort } from '../ports.ts';
import { granteeOfAccount, utf8 } from './bytes.ts';
import type { Directory } from './directory.ts';
import type { Profiles } from './profiles.ts';
import type { OrganizationKeys } from './organization-keys.ts';
import { sealContext, type Sessions } from './sessions.ts';
import type { Publisher } from './publisher.ts';
import type { Signing } from './signing.ts';
import type { NetworkService } from './network.ts';

const enrolmentPrefix = 'ANAM-KEY';
const enrolment = z.strictObject({
  v: z.literal(1),
  name,
  account: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
  encryptionKey: z.string().regex(/^0x[0-9a-f]{64}$/),
  signature: z.string().max(200),
});

export interface PeopleDeps {
  readonly store: StorePort;
  readonly keys: KeyPort;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly directory: Directory;
  readonly profiles: Profiles;
  readonly sessions: Sessions;
  readonly signing: Signing;
  readonly publisher: Publisher;
  readonly network: NetworkService;
  readonly organizationKeys: OrganizationKeys;
  readonly report: (error: unknown) => void;
  readonly clock: () => number;
  /** Id of this workstation's organization; throws NOT_SET_UP. */
  readonly organization: () => string;
}

export interface People {
  /** Seals the key under the passphrase and keeps it here with its enrolment code. Throws ALREADY_EXISTS; then the key is destroyed. */
  addLocal(name: string, passphrase: string, unlocked: PersonKeys): Promise<PersonKeys>;
  /** The same for a colleague, with the code that an admin reads. The key is destroyed in any case. */
  createKey(name: string, passphrase: string, unlocked: PersonKeys): Promise<{ account: string; enrolmentCode: string }>;
  enrolmentCode(account: string): string;
  readCode(code: string): { account: string; personName: string; alreadyEnrolled: boolean };
  approve(code: string, roles: readonly Role[]): Promise<void>;
  changeRoles(account: string, roles: readonly Role[]): Promise<void>;
  setSuspended(account: string, suspended: boolean): Promise<void>;
  /** Takes all roles away: the person has left, and can come back only by being enrolled again. */
  leave(account: string): Promise<void>;
  local(): LocalPerson[];
  staff(): StaffMember[];
}

export function createPeople(deps: PeopleDeps): People {
  const { store, keys, crypto, codec, directory, sessions, signing, publisher, network, organizationKeys } = deps;
  const statement = (name: string, account: string, encryptionKey: string) =>
    crypto.sha256(utf8(`anamnesis/enrolment/1\n${account.toLowerCase()}\n${encryptionKey}\n${name}`));

  const parse = (code: string) => {
    const parsed = enrolment.safeParse(crypto.decodeCode(enrolmentPrefix, code));
    if (!parsed.success) throw new AppError('CODE_INVALID', 'This is not an enrolment code. Ask the person to show theirs again.');
    const { name, account, encryptionKey, signature } = parsed.data;
    if (codec.recover(statement(name, account, encryptionKey), signature) !== account) {
      throw new AppError(
        'CODE_INVALID',
        'This enrolment code was changed on its way. Ask the person to show theirs again; nobody was enrolled.',
      );
    }
    return parsed.data;
  };

  const addLocal = async (name: string, passphrase: string, unlocked: PersonKeys) => {
    if (store.workstation.people().some((p) => p.account === unlocked.account)) {
      unlocked.destroy();
      throw new AppError('ALREADY_EXISTS', 'This key is already on this workstation. Choose the name on the lock screen.');
    }
    const secret = unlocked.secret();
    const sealed = await keys.seal(secret, passphrase, sealContext.person(unlocked.account));
    secret.fill(0);
    const { account, encryptionKey } = unlocked;
    // Together: somebody who is here without a code could never be enrolled.
    store.workstation.atomically(() => {
      store.workstation.addPerson({ account, name, encryptionKey, sealed, createdAt: deps.clock() });
      store.workstation.setSetting(`enrolment:${account}`, codeOf(name, unlocked));
    });
    return unlocked;
  };

  const codeOf = (name: string, unlocked: PersonKeys) =>
    crypto.encodeCode(enrolmentPrefix, {
      v: 1,
      name,
      account: unlocked.account,
      encryptionKey: unlocked.encryptionKey,
      signature: unlocked.sign(statement(name, unlocked.account, unlocked.encryptionKey)),
    });

  const enrolmentCode = (account: string): string => {
    const code = store.workstation.setting<string>(`enrolment:${account}`);
    if (!code) throw new AppError('NOT_FOUND', 'There is no enrolment code for this person on this workstation.');
    return code;
  };

  /** The change of staff is made and stays; where the clinic's key cannot follow now, it does at an admin's next log-in. */
  const settleKey = () => organizationKeys.settle(sessions.require()).catch(deps.report);

  return {
    addLocal,
    async createKey(name, passphrase, unlocked) {
      try {
        const { account } = await addLocal(name, passphrase, unlocked);
        return { account, enrolmentCode: enrolmentCode(account) };
      } finally {
        unlocked.destroy();
      }
    },
    enrolmentCode,
    readCode(code) {
      const { account, name } = parse(code);
      return { account, personName: name, alreadyEnrolled: (directory.member(deps.organization(), account)?.roles ?? 0) !== 0 };
    },
    async approve(code, roles) {
      const session = sessions.require();
      const person = parse(code);
      const organization = deps.organization();
      const secrets = await organizationKeys.secrets(session);
      const profile = crypto.encodeProfile({ type: 'person', name: person.name });
      // A code from before the person replaced their key names the old one.
      const encryptionKey = directory.rotatedEncryptionKey(person.account) ?? person.encryptionKey;
      const recipient = { id: granteeOfAccount(person.account), encryptionKey };
      const envelope = await crypto.sealOrganizationKeyTo(network.ofOrganization(organization), organization, [recipient], secrets);
      const payload = {
        organization,
        member: person.account,
        roles: bitsOf(roles),
        encryptionKey,
        profile: profile.digest,
        keyEnvelope: envelope.digest,
      };
      publisher.publish([profile, envelope], [signing.make('EnrolMember', payload, 'Enrol a member of staff', session.keys)]);
    },
    async changeRoles(account, roles) {
      const session = sessions.require();
      const others = directory.members(deps.organization()).filter((m) => m.account !== account && !m.suspended);
      if (!roles.includes('admin') && !others.some((m) => rolesOf(m.roles).includes('admin')))
        throw new AppError(
          'NOT_ALLOWED',
          'The clinic would be left without an administrator. Name another one first; nothing was changed.',
        );
      const payload = { organization: deps.organization(), member: account, roles: bitsOf(roles) };
      publisher.publish([], [signing.make('ChangeMember', payload, 'Change the roles of a member of staff', session.keys)]);
    },
    async setSuspended(account, suspended) {
      const session = sessions.require();
      if (suspended && account === session.account) throw new AppError('NOT_ALLOWED', 'Nobody can suspend themselves. Ask another admin.');
      const payload = { organization: deps.organization(), member: account, suspended: suspended ? 1 : 0 };
      const label = suspended ? 'Suspend a member of staff' : 'Reactivate a member of staff';
      publisher.publish([], [signing.make('SuspendMember', payload, label, session.keys)]);
      await settleKey();
    },
    async leave(account) {
      const session = sessions.require();
      if (account === session.account) throw new AppError('NOT_ALLOWED', 'Nobody can let themselves go. Ask another admin.');
      const payload = { organization: deps.organization(), member: account, roles: 0 };
      publisher.publish([], [signing.make('ChangeMember', payload, 'Let a member of staff go', session.keys)]);
      await settleKey();
    },
    local() {
      const organization = deps.organization();
      return store.workstation.people().map((person) => {
        const member = directory.member(organization, person.account);
        return {
          account: person.account,
          name: person.name,
          roles: member ? rolesOf(member.roles) : [],
          status: !member || member.roles === 0 ? 'waiting' : member.suspended ? 'suspended' : 'active',
        };
      });
    },
    staff() {
      const here = new Set(store.workstation.people().map((p) => p.account));
      return directory.members(deps.organization()).map((member) => ({
        account: member.account,
        name: deps.profiles.name(member.profile, member.account),
        roles: rolesOf(member.roles),
        suspended: member.suspended,
        onThisWorkstation: here.has(member.account),
        anchored: member.anchored,
      }));
    },
  };
}
