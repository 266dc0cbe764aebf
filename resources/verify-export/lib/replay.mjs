/**
 * The rules of the contracts, replayed over the operations in ledger order: who was a member with which roles, what the patient allowed, which key epoch
 * a compartment was in. Each operation is tried as the ledger tried it; one that the ledger could not have taken says that the file is not whole.
 */
import { fail } from './bytes.mjs';

const roles = { admin: 1, registrar: 2, practitioner: 4 };
const caring = roles.registrar | roles.practitioner;
const write = 2;
const nobody = `0x${'00'.repeat(32)}`;

export function createReplay() {
  const organizations = new Map();
  const members = new Map();
  const patients = new Set();
  const grants = new Map();
  const epochs = new Map();

  const rolesIn = (organization, account) => {
    const member = members.get(`${organization}/${account}`);
    return member && !member.suspended && organizations.get(organization)?.suspended === false ? member.roles : 0;
  };
  const rolesAnywhere = (account) => [...organizations.keys()].some((organization) => rolesIn(organization, account) !== 0);
  const requireAdmin = ({ organization }, actor) =>
    (rolesIn(organization, actor) & roles.admin) !== 0 || fail(`its signer ${actor} was no admin of the organization then`);
  const requirePatient = ({ patient }, actor) => {
    if (actor !== patient) fail('it is not signed by the patient');
    if (!patients.has(patient)) fail('the patient’s registration is not in the file');
  };
  const epochOf = ({ patient, compartment }) => epochs.get(`${patient}/${compartment}`) ?? 0;
  const requireEpoch = (p) =>
    p.epoch === epochOf(p) ||
    fail(
      `it names epoch ${p.epoch} of its compartment, but by the revocations in the file that was ${epochOf(p)}: one is missing or was changed`,
    );
  const memberOf = ({ organization, member }) =>
    members.get(`${organization}/${member}`) ?? fail('it concerns somebody who was not enrolled');

  const canWrite = (p, author, time) => {
    if (author === p.patient && p.organization === nobody)
      return patients.has(author) || fail('the patient’s registration is not in the file');
    const direct = p.organization === nobody;
    const grantee = direct ? `0x${'00'.repeat(12)}${author.slice(2)}` : p.organization;
    const grant = grants.get(`${p.patient}/${p.compartment}/${grantee}`);
    if (!grant || (grant.access & write) === 0) fail('the patient had not allowed its author to write there');
    if (time < grant.validFrom || (grant.validUntil !== 0 && time >= grant.validUntil))
      fail('the patient’s permission for its author did not hold at that time');
    const active = direct ? rolesAnywhere(author) : (rolesIn(p.organization, author) & caring) !== 0;
    if (!active) fail('its author was not an active member of a clinic then');
    return true;
  };

  const rules = {
    AdmitOrganization(p) {
      if (organizations.has(p.organization)) fail('the organization was admitted before');
      organizations.set(p.organization, { suspended: false });
      members.set(`${p.organization}/${p.admin}`, { roles: roles.admin, suspended: false });
    },
    SuspendOrganization(p) {
      const organization = organizations.get(p.organization) ?? fail('the organization’s admission is not in the file');
      organization.suspended = p.suspended !== 0;
    },
    EnrolMember(p, actor) {
      requireAdmin(p, actor);
      if ((members.get(`${p.organization}/${p.member}`)?.roles ?? 0) !== 0) fail('the member was enrolled before');
      members.set(`${p.organization}/${p.member}`, { roles: p.roles, suspended: false });
    },
    ChangeMember(p, actor) {
      requireAdmin(p, actor);
      memberOf(p).roles = p.roles;
    },
    SuspendMember(p, actor) {
      requireAdmin(p, actor);
      memberOf(p).suspended = p.suspended !== 0;
    },
    RegisterPatient(p, actor) {
      if ((rolesIn(p.organization, actor) & roles.registrar) === 0) fail('its signer was no registrar of the organization then');
      if (patients.has(p.patient)) fail('the patient was registered before');
      patients.add(p.patient);
    },
    Grant(p, actor) {
      requirePatient(p, actor);
      requireEpoch(p);
      grants.set(`${p.patient}/${p.compartment}/${p.grantee}`, p);
    },
    Revoke(p, actor) {
      requirePatient(p, actor);
      grants.delete(`${p.patient}/${p.compartment}/${p.grantee}`);
      epochs.set(`${p.patient}/${p.compartment}`, Math.max(p.epoch, epochOf(p) + 1));
    },
    Commit(p, actor, time) {
      canWrite(p, actor, time);
      requireEpoch(p);
    },
  };

  return {
    /** Applies one operation. `time`: seconds, of its block where that is known. Throws a Fault that says why the ledger would have refused it. */
    apply: ({ kind, actor }, payload, time) => rules[kind](payload, actor.toLowerCase(), time),
    /** Whether an account is an active member of any organization, after what was applied. */
    isMember: (account) => rolesAnywhere(account.toLowerCase()),
  };
}
