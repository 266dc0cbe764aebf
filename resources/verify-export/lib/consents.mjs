/**
 * What the patient allows (contracts `Consents`, `Delegations`, `AccessRequests`, `Emergencies`, `Records`): grants by the patient or within the limits of a
 * delegate, answered requests, revocations with their epochs, emergencies; and by these, who could write a commit.
 */
import { fail } from './bytes.mjs';
import { roles } from './directory.mjs';

const caring = roles.registrar | roles.practitioner;
const write = 2;
const powers = { grant: 1, revoke: 2, emergency: 4 };
const allPowers = 7;
const lastPurpose = 6;
const longestEmergency = 86_400;
const farthest = 2 ** 40 - 1;
const lastEpoch = 2 ** 32 - 1;
const nobody = `0x${'00'.repeat(32)}`;
const everywhere = nobody;

export const granteeOf = (account) => `0x${'00'.repeat(12)}${account.slice(2)}`;

export function createConsents(directory) {
  const grants = new Map();
  const epochs = new Map();
  const delegations = new Map();
  const requests = new Map();
  const switches = new Map();
  const windows = new Map();
  const commits = new Set();

  const place = ({ patient, compartment }) => `${patient}/${compartment}`;
  const epochOf = (p) => epochs.get(place(p)) ?? 0;
  const requireEpoch = (p) =>
    p.epoch === epochOf(p) ||
    fail(
      `it names epoch ${p.epoch} of its compartment, but by the revocations in the file that was ${epochOf(p)}: one is missing or was changed`,
    );
  const requireRegistered = (patient) => directory.isPatient(patient) || fail('the patient’s registration is not in the file');
  const requirePatient = ({ patient }, actor) => {
    if (actor !== patient) fail('it is not signed by the patient');
    requireRegistered(patient);
  };

  /** Until when what an account decides for a patient may count, 0 for ever. */
  const requirePower = ({ patient, compartment }, actor, power, time) => {
    requireRegistered(patient);
    if (actor === patient) return 0;
    const appointments = [everywhere, compartment].flatMap((at) => delegations.get(`${patient}/${actor}/${at}`) ?? []);
    if (appointments.length === 0) fail('it is not signed by the patient, nor by somebody whom the patient appointed');
    const standing = appointments.filter((d) => (d.powers & power) === power && (d.validUntil === 0 || time < d.validUntil));
    if (standing.length === 0) fail('its signer’s appointment by the patient did not include this, or had ended');
    const ends = standing.map(({ validUntil }) => validUntil);
    return ends.includes(0) ? 0 : Math.max(...ends);
  };
  const requireWithin = (limit, { validUntil }) => {
    if (limit !== 0 && (validUntil === 0 || validUntil > limit)) fail('it lasts longer than the appointment of the delegate who signed it');
  };
  const requireTerms = ({ access, purpose, validFrom, validUntil }) => {
    const empty = validUntil !== 0 && validUntil <= validFrom;
    if (access < 1 || access > 3 || purpose < 1 || purpose > lastPurpose || empty || validFrom > farthest || validUntil > farthest)
      fail('its terms do not exist');
  };
  const grant = (p, actor, time, grantee) => {
    const limit = requirePower(p, actor, powers.grant, time);
    if (grantee === nobody) fail('it is for nobody');
    requireTerms(p);
    requireWithin(limit, p);
    requireEpoch(p);
    grants.set(`${place(p)}/${grantee}`, p);
  };
  const openRequest = ({ patient, request }) => {
    const open = requests.get(request);
    if (open?.patient !== patient) fail('the request that it answers is not in the file');
    if (open.answered) fail('the request had been answered before');
    return open;
  };

  const isEmergency = ({ patient, organization }, author, time) => {
    const window = windows.get(`${patient}/${organization}/${author}`);
    return window !== undefined && time >= window.openedAt && time < window.endsAt && switches.get(patient)?.off !== true;
  };

  const requireWrite = (p, author, time) => {
    const direct = p.organization === nobody;
    if (author === p.patient && direct) return requireRegistered(p.patient);
    const given = grants.get(`${place(p)}/${direct ? granteeOf(author) : p.organization}`);
    const allowed = given !== undefined && (given.access & write) !== 0;
    if (allowed && time >= given.validFrom && (given.validUntil === 0 || time < given.validUntil)) {
      const active = direct ? directory.rolesAnywhere(author) : directory.rolesIn(p.organization, author) & caring;
      return active !== 0 || fail('its author was not an active member of a clinic then, with a role that may write');
    }
    if (!direct && isEmergency(p, author, time))
      return (
        (directory.rolesIn(p.organization, author) & roles.practitioner) !== 0 ||
        fail('its author had opened the record in an emergency, but was no active practitioner of the clinic any more')
      );
    if (!direct && windows.has(`${p.patient}/${p.organization}/${author}`))
      fail('the patient had not allowed its author to write there, and the emergency that its author had opened was over or switched off');
    return fail(
      allowed
        ? 'the patient’s permission for its author did not hold at that time'
        : 'the patient had not allowed its author to write there',
    );
  };

  const rules = {
    Grant: (p, actor, time) => grant(p, actor, time, p.grantee),
    ChangeGrant(p, actor, time) {
      const limit = requirePower(p, actor, powers.grant | powers.revoke, time);
      requireTerms(p);
      requireWithin(limit, p);
      requireEpoch(p);
      const key = `${place(p)}/${p.grantee}`;
      if (!grants.has(key)) fail('the permission that it changes is not in the file');
      grants.set(key, p);
    },
    Revoke(p, actor, time) {
      requirePower(p, actor, powers.revoke, time);
      grants.delete(`${place(p)}/${p.grantee}`);
      epochs.set(place(p), Math.max(p.epoch, Math.min(epochOf(p) + 1, lastEpoch)));
    },
    RequestAccess(p, actor, time, opId) {
      requireTerms({ ...p, validFrom: 0 });
      const asker = p.organization === nobody ? directory.rolesAnywhere(actor) : directory.rolesIn(p.organization, actor);
      if ((asker & caring) === 0) fail('who asked had no role in a clinic then that may ask');
      requireRegistered(p.patient);
      const grantee = p.organization === nobody ? granteeOf(actor) : p.organization;
      requests.set(opId, { patient: p.patient, compartment: p.compartment, grantee, answered: false });
    },
    ApproveRequest(p, actor, time) {
      const request = openRequest(p);
      grant(p, actor, time, request.grantee);
      request.answered = true;
    },
    DeclineRequest(p, actor, time) {
      const request = openRequest(p);
      requirePower(request, actor, powers.grant, time);
      request.answered = true;
    },
    AppointDelegate(p, actor) {
      requirePatient(p, actor);
      const exists = p.capacity >= 1 && p.capacity <= 2 && p.powers >= 1 && p.powers <= allPowers;
      if (!exists || /^0x0+$/.test(p.delegate) || p.delegate === p.patient) fail('it appoints nobody, or to powers that do not exist');
      const key = `${p.patient}/${p.delegate}/${p.compartment}`;
      if (p.sequence <= (delegations.get(key)?.sequence ?? 0)) fail('a later decision of the patient about this delegate came before it');
      delegations.set(key, { powers: p.powers, validUntil: p.validUntil, sequence: p.sequence });
    },
    DismissDelegate(p, actor) {
      if (actor !== p.delegate) requirePatient(p, actor);
      const key = `${p.patient}/${p.delegate}/${p.compartment}`;
      const known = delegations.get(key);
      const sequence = actor === p.patient ? Math.max(p.sequence, known?.sequence ?? 0) : (known?.sequence ?? 0);
      if (known || sequence > 0) delegations.set(key, { powers: 0, validUntil: known?.validUntil ?? 0, sequence });
    },
    SwitchEmergency(p, actor, time) {
      requirePower({ patient: p.patient, compartment: everywhere }, actor, powers.emergency, time);
      const { sequence } = switches.get(p.patient) ?? { sequence: 0 };
      if (p.allowed > 1) fail('it is neither a yes nor a no');
      if (p.allowed === 1 && p.sequence <= sequence) fail('a later decision of the patient about emergencies came before it');
      switches.set(p.patient, { off: p.allowed === 0, sequence: Math.max(sequence, p.sequence) });
    },
    OpenEmergency(p, actor, time) {
      if ((directory.rolesIn(p.organization, actor) & roles.practitioner) === 0)
        fail('who opened the record was no active practitioner of the clinic then');
      requireRegistered(p.patient);
      if (switches.get(p.patient)?.off === true) fail('the patient had switched emergency access off');
      if (p.reason === nobody || p.duration < 1 || p.duration > longestEmergency) fail('it gives no reason, or lasts longer than it may');
      windows.set(`${p.patient}/${p.organization}/${actor}`, { openedAt: time, endsAt: time + p.duration });
    },
    Commit(p, actor, time) {
      if (commits.has(`${place(p)}/${p.commit}`)) fail('it was anchored before');
      requireWrite(p, actor, time);
      requireEpoch(p);
      commits.add(`${place(p)}/${p.commit}`);
    },
  };
  return { rules };
}
