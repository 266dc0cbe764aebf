/** What a file alone cannot show: that the ledger holds nothing that it should have, and that those who admitted its clinics govern the consortium. */
import { short } from './bytes.mjs';
import { granteeOf } from './consents.mjs';
import { cosigning, kinds, named } from './operations.mjs';

const nobody = `0x${'00'.repeat(32)}`;
const lower = (account) => account.toLowerCase();

/** Says what the ledger holds and the file leaves out. `operations`: those of the file, decoded. */
export async function checkCompleteness(ledger, content, operations, say) {
  const last = content.asOf?.block ?? 0;
  const mine = new Set(operations.map(({ opId }) => opId));
  const concerns = scopeOf(content, operations);
  const governors = new Set(await ledger.governors());
  const requests = new Map();
  let newer = 0;
  for await (const operation of ledger.applied(await ledger.head())) {
    const { opId, kind, actor, block, payload } = operation;
    if (kind === 'RequestAccess') requests.set(opId, payload.organization === nobody ? granteeOf(actor) : payload.organization);
    // One who was removed since may have governed when it counted: the ledger took what they signed.
    if (kind === 'ChangeGovernor' && payload.governing === 0) governors.add(payload.governor);
    if (mine.has(opId) || !concerns(operation, requests)) continue;
    if (block > last) newer += 1;
    else say('missing', `The ledger holds a ${kind} in block ${block} (${short(opId)}) that was left out of the file.`);
  }
  for (const operation of operations) {
    if (kinds[operation.kind][2] === cosigning.governors && !governors.has(lower(operation.actor)))
      say('fails', `${named(operation)}: its signer does not govern this consortium.`);
  }
  say('holds', `The ledger was searched for operations that the file leaves out${newer > 0 ? `; ${newer} came after it was made` : ''}.`);
}

/** Which operations of the ledger could change the judgement of this file. */
function scopeOf(content, operations) {
  const patient = lower(content.patient);
  const places = (...names) => new Set(operations.flatMap(({ payload }) => names.map((name) => payload[name] ?? '')));
  const compartments = places('compartment');
  const organizations = places('organization');
  const people = places('member', 'admin');
  const written = operations.filter(({ kind }) => kind === 'Commit');
  const authors = new Set(written.map(({ actor }) => lower(actor)));
  // A grant that is left out matters where it took the place of one to an author, or to the clinic an author wrote through.
  const grantees = new Set(written.flatMap(({ actor, payload }) => [granteeOf(lower(actor)), payload.organization]));
  const actors = new Set([patient, ...operations.map(({ actor }) => lower(actor))]);
  const emergency = operations.some(({ kind }) => kind === 'OpenEmergency');
  const ofRecord = (p) => p.patient === patient && compartments.has(p.compartment);
  const ofMember = (p) => organizations.has(p.organization) && people.has(p.member);
  const tests = {
    SuspendOrganization: (p) => organizations.has(p.organization),
    EnrolMember: ofMember,
    ChangeMember: ofMember,
    SuspendMember: ofMember,
    RegisterPatient: (p) => p.patient === patient,
    RotateKeys: (p, actor) => actors.has(actor),
    CompleteRecovery: (p) => actors.has(p.account),
    LinkPatients: (p) => p.duplicate === patient || p.survivor === patient,
    UnlinkPatients: (p) => p.duplicate === patient,
    Grant: (p) => ofRecord(p) && grantees.has(p.grantee),
    ChangeGrant: (p) => ofRecord(p) && grantees.has(p.grantee),
    ApproveRequest: (p, actor, requests) => ofRecord(p) && grantees.has(requests.get(p.request)),
    Revoke: ofRecord,
    AppointDelegate: (p) => p.patient === patient && actors.has(p.delegate),
    DismissDelegate: (p) => p.patient === patient && actors.has(p.delegate),
    SwitchEmergency: (p) => emergency && p.patient === patient,
    OpenEmergency: (p, actor) => p.patient === patient && authors.has(actor),
    Commit: ofRecord,
  };
  return ({ kind, actor, payload }, requests) => tests[kind]?.(payload, actor, requests) ?? false;
}
