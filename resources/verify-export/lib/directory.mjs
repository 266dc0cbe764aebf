/** Who takes part (contracts `Directory`, `Duplicates`): organizations, their members with roles, patients, and which patients were found to be one person. */
import { fail } from './bytes.mjs';
import { createKeys } from './keys.mjs';

export const roles = { admin: 1, registrar: 2, practitioner: 4 };
const allRoles = 15;
const none = `0x${'00'.repeat(32)}`;

/** `governors`: accounts that act as such somewhere in the file; which accounts do govern, only a ledger can tell. */
export function createDirectory(governors) {
  const organizations = new Map();
  const members = new Map();
  const patients = new Set();
  /** Survivor by duplicate. */
  const links = new Map();

  const rolesIn = (organization, account) => {
    const member = members.get(`${organization}/${account}`);
    return member && !member.suspended && organizations.get(organization)?.suspended === false ? member.roles : 0;
  };
  const rolesAnywhere = (account) => [...organizations.keys()].reduce((bits, organization) => bits | rolesIn(organization, account), 0);
  const keys = createKeys((account) => patients.has(account) || rolesAnywhere(account) !== 0 || governors.has(account));

  const requireAdmin = ({ organization }, actor) =>
    (rolesIn(organization, actor) & roles.admin) !== 0 || fail(`its signer ${actor} was no admin of the organization then`);
  const requireRegistrar = ({ organization }, actor) =>
    (rolesIn(organization, actor) & roles.registrar) !== 0 || fail('its signer was no registrar of the organization then');
  const requireFlag = (flag) => flag > 1 && fail('it is neither a yes nor a no');
  const requireRoles = (bits, least) => (bits < least || bits > allRoles) && fail('it names roles that do not exist, or none');
  const memberOf = ({ organization, member }) =>
    members.get(`${organization}/${member}`) ?? fail('it concerns somebody who was not enrolled');
  const duplicatesOf = (patient) => [...links.values()].filter((survivor) => survivor === patient).length;
  const enrol = (organization, account, bits, encryptionKey) => {
    if (encryptionKey === none || /^0x0+$/.test(account)) fail('it names nobody, or no encryption key');
    keys.requireOwn(account);
    members.set(`${organization}/${account}`, { roles: bits, suspended: false });
  };

  const rules = {
    ...keys.rules,
    AdmitOrganization(p) {
      if (/^0x0{24}/.test(p.organization)) fail('the organization’s id is that of an account');
      if (organizations.has(p.organization)) fail('the organization was admitted before');
      enrol(p.organization, p.admin, roles.admin, p.encryptionKey);
      organizations.set(p.organization, { suspended: false });
    },
    SuspendOrganization(p) {
      const organization = organizations.get(p.organization) ?? fail('the organization’s admission is not in the file');
      requireFlag(p.suspended);
      organization.suspended = p.suspended !== 0;
    },
    ChangeGovernor() {
      // Who governs, a file cannot show.
    },
    EnrolMember(p, actor) {
      requireAdmin(p, actor);
      requireRoles(p.roles, 1);
      if ((members.get(`${p.organization}/${p.member}`)?.roles ?? 0) !== 0) fail('the member was enrolled before');
      enrol(p.organization, p.member, p.roles, p.encryptionKey);
    },
    ChangeMember(p, actor) {
      requireAdmin(p, actor);
      requireRoles(p.roles, 0);
      memberOf(p).roles = p.roles;
    },
    SuspendMember(p, actor) {
      requireAdmin(p, actor);
      requireFlag(p.suspended);
      memberOf(p).suspended = p.suspended !== 0;
    },
    RotateOrganizationKey(p, actor) {
      requireAdmin(p, actor);
      if (p.publicKey === none || (p.purpose !== 1 && p.purpose !== 2)) fail('it names no key, or a purpose that does not exist');
    },
    RegisterPatient(p, actor) {
      requireRegistrar(p, actor);
      if (p.encryptionKey === none) fail('it names no encryption key');
      if (patients.has(p.patient)) fail('the patient was registered before');
      keys.requireOwn(p.patient);
      patients.add(p.patient);
    },
    LinkPatients(p, actor) {
      requireRegistrar(p, actor);
      if (!patients.has(p.duplicate) || !patients.has(p.survivor)) fail('the registration of one of its two patients is not in the file');
      if (p.duplicate === p.survivor || links.has(p.duplicate) || links.has(p.survivor) || duplicatesOf(p.duplicate) > 0)
        fail('one of its two patients was linked before');
      links.set(p.duplicate, p.survivor);
    },
    UnlinkPatients(p, actor) {
      requireRegistrar(p, actor);
      if (!links.delete(p.duplicate)) fail('the patient was not linked');
    },
  };

  return {
    rules,
    keys,
    rolesIn,
    rolesAnywhere,
    isPatient: (account) => patients.has(account),
    /** Patients who are the same person by what registrars signed. */
    linkedWith(patient) {
      const survivor = links.get(patient);
      return [...(survivor === undefined ? [] : [survivor]), ...[...links].filter(([, to]) => to === patient).map(([from]) => from)];
    },
  };
}
