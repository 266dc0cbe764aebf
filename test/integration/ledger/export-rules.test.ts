/**
 * The rules that the stand-alone verifier of exports replays, and what the workstation says of who held write consent, against the contracts themselves: every
 * operation is submitted to a real ledger and to the replay, and all must say the same. First one scene a rule, then random sequences.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { getBytes, zeroPadValue, type Wallet } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLedger } from '../../../src-main/core/adapters/ledger/ledger.ts';
import { createRecordCrypto } from '../../../src-main/core/adapters/crypto/record-crypto.ts';
import { createOperationCodec } from '../../../src-main/core/adapters/ledger/operation-codec.ts';
import type { DecodedOperation, LedgerPort, OperationFilter, StoredOperation, WorkstationStorePort } from '../../../src-main/core/ports.ts';
import { createConsents } from '../../../src-main/core/services/consents.ts';
import { exportedOperations } from '../../../src-main/core/services/export-operations.ts';
import { createDirectory } from '../../../src-main/core/services/directory.ts';
import { kindOf, type OperationKind, type OperationPayload, type SignedOperation } from '../../../src-shared/operations.ts';
import { bytes32, eventually, governor, person, rpc, signed, site, type Site } from './site.ts';

interface Operation extends Omit<SignedOperation, 'kind'> {
  kind: string;
}
interface Anchored extends Operation {
  anchor: { block: number; blockHash: string | null; transaction: string; logIndex: number } | null;
}
interface Replay {
  checkSignatures(operation: Operation, payload: unknown, digest: Uint8Array): { account?: string; ordinary: boolean; text: string }[];
  apply(operation: Operation, payload: unknown, time: number): void;
}
const load = <T>(file: string) => import(pathToFileURL(join(process.cwd(), 'resources/verify-export', file)).href) as Promise<T>;
const { createReplay } = await load<{ createReplay(operations: { kind: string; actor: string }[]): Replay }>('lib/replay.mjs');
const { decodePayload } = await load<{ decodePayload(kind: string, payload: string): unknown }>('lib/operations.mjs');
const { Fault } = await load<{ Fault: new (text: string) => Error }>('lib/bytes.mjs');
const { verifyExport, sealText } = await load<{
  verifyExport(source: string, options?: { rpc?: string }): Promise<{ ok: boolean; findings: { level: string; text: string }[] }>;
  sealText(content: unknown): string;
}>('verify.mjs');

const zero = `0x${'00'.repeat(32)}`;
const nobody = `0x${'00'.repeat(20)}`;
const far = 2 ** 39;
const day = 86_400;
const codec = createOperationCodec();
const relayerKey = getBytes(bytes32());
const grantee = (account: string) => zeroPadValue(account, 32).toLowerCase();

let at: Site;
let ledger: LedgerPort;
let replay: Replay;
let log: Anchored[];

beforeAll(async () => {
  at = await site();
  ledger = createLedger();
  ledger.connect(at.url, at.config);
});
afterAll(async () => {
  ledger.close();
  await at.close();
});

/** Seconds that the ledger's clock was moved on. */
let ahead = 0;

const sign = <K extends OperationKind>(
  kind: K,
  payload: OperationPayload<K>,
  signers: readonly Wallet[],
  change: Partial<SignedOperation> = {},
) => signed(at.config, kind, payload, signers, { deadline: far, issuedAt: Math.floor(Date.now() / 1000) + ahead, ...change });

/** What the ledger says of operations in one batch: for each, null where it was applied, or the reason why not. */
async function submit(operations: readonly SignedOperation[]) {
  const { hash, raw } = await ledger.signBatch(operations, relayerKey, await ledger.nonce(ledger.relayerAddress(relayerKey)));
  await ledger.broadcast(raw);
  const receipt = await eventually(async () => (await ledger.receipt(hash)) ?? expect.fail('not mined yet'));
  const events = await ledger.events(receipt.block, receipt.block);
  const { timestamp } = (await rpc(at.url, 'eth_getBlockByNumber', `0x${receipt.block.toString(16)}`, false)) as { timestamp: string };
  return operations.map((operation) => {
    const event = events.find(({ opId }) => opId === operation.opId) ?? expect.fail('no event');
    const { kind: code, ...rest } = operation;
    const { block, blockHash, txHash: transaction, logIndex } = event;
    const anchored: Anchored = { ...rest, kind: kindOf(code) ?? '', anchor: { block, blockHash, transaction, logIndex } };
    return { anchored, time: Number(timestamp), reason: event.type === 'applied' ? null : (event.reason ?? '') };
  });
}

/** What the replay says: null where it takes the operation, or why not, in words. */
function tried(operation: Anchored, time: number): string | null {
  const { anchor: _, ...plain } = operation;
  const code = { ...plain, kind: codeOf(plain.kind) };
  try {
    const payload = decodePayload(operation.kind, operation.payload);
    const [wrong] = replay.checkSignatures(plain, payload, codec.digest(at.config, code));
    if (wrong) return wrong.text;
    replay.apply(plain, payload, time);
    return null;
  } catch (error) {
    if (error instanceof Fault) return error.message;
    throw error;
  }
}
const codes = new Map(Array.from({ length: 100 }, (_, code) => [kindOf(code) as string | undefined, code]));
const codeOf = (kind: string) => codes.get(kind) ?? expect.fail(kind);

async function both(operation: SignedOperation): Promise<string | null> {
  const [result] = await submit([operation]);
  const { anchored, time, reason } = result ?? expect.fail();
  const words = tried(anchored, time);
  expect(`${anchored.kind}: ${words === null ? 'taken' : 'refused'}`, `${reason} / ${words}`).toBe(
    `${anchored.kind}: ${reason === null ? 'taken' : 'refused'}`,
  );
  compareConsent(anchored, reason);
  if (reason === null) log.push(anchored);
  return words;
}

const stored = (one: Anchored, seq: number) => {
  const { anchor, kind, ...rest } = one;
  const place = { block: anchor?.block ?? null, logIndex: anchor?.logIndex ?? null, txHash: anchor?.transaction ?? null };
  return {
    ...place,
    seq,
    kind,
    operation: { ...rest, kind: codeOf(kind) },
    state: 'final',
    origin: 'ledger',
  } as unknown as StoredOperation;
};

/** What a workstation would hold that had followed the ledger so far. */
function storeOf(operations: readonly Anchored[]): WorkstationStorePort {
  const known = operations.map(stored);
  const patientOf = ({ payload }: DecodedOperation) => ('patient' in payload ? payload.patient : undefined);
  return {
    operations: ({ kinds, patient, actor }: OperationFilter) =>
      known.filter(
        ({ kind, operation }) =>
          (kinds?.includes(kind) ?? true) &&
          (actor === undefined || operation.actor === actor) &&
          (patient === undefined || patientOf(codec.decodePayload(operation)) === patient),
      ),
  } as WorkstationStorePort;
}

/** Checks that what a workstation exports of the scene's patient is whole, and tells nothing of the nurse who is in every scene. */
async function carried(w: ReturnType<typeof people>, sealer = w.patient, sealedBy = w.patient.address): Promise<string[]> {
  const { operations } = exportedOperations(storeOf(log), codec, {
    ...{ patient: w.patient.address, sealedBy, compartments: new Set([w.compartment]) },
    commits: log.filter(({ kind }) => kind === 'Commit').map(stored),
  });
  const opIds = new Set(operations.map(({ operation }) => operation.opId));
  const kept = log.filter(({ opId }) => opIds.has(opId));
  const text = file(w.patient, kept, sealer);
  expect(await problems(text)).toBe('');
  expect(await problems(text, true)).toBe('');
  expect(text.toLowerCase()).not.toContain(w.nurse.address.slice(2).toLowerCase());
  return [...new Set(kept.map(({ kind }) => kind))];
}

/** What the workstation's services say of a commit, after what the ledger took before it. */
function compareConsent(operation: Anchored, reason: string | null): void {
  if (operation.kind !== 'Commit' || !(reason === null || /^(WriteNotGranted|EpochPassed)/.test(reason))) return;
  const store = storeOf(log);
  const commit = stored(operation, log.length);
  const decoded = codec.decodePayload(commit.operation);
  if (decoded.kind !== 'Commit') throw new Error('no commit');
  const { patient, compartment, organization } = decoded.payload;
  const held = createConsents(store, codec, createDirectory(store, codec), createRecordCrypto()).heldWrite(
    commit,
    patient,
    compartment,
    organization,
  );
  expect(held, `heldWrite, where the ledger says ${reason}`).toBe(!reason?.startsWith('WriteNotGranted'));
}
const taken = async (operation: SignedOperation) => {
  expect(await both(operation)).toBeNull();
  return operation.opId;
};
const refused = async (operation: SignedOperation, words: string) => expect(await both(operation)).toContain(words);
const pass = (seconds: number) => {
  ahead += seconds;
  return rpc(at.url, 'evm_increaseTime', seconds);
};

/** A clinic with an admin, a registrar and a doctor, and a patient of it. */
function people() {
  const [admin, registrar, doctor, patient, nurse] = [person(), person(), person(), person(), person()];
  const organization = bytes32();
  const compartment = bytes32();
  const p = patient.address;
  const enrol = (member: Wallet, roles: number, by = admin) =>
    sign('EnrolMember', { organization, member: member.address, roles, encryptionKey: bytes32(), profile: bytes32(), keyEnvelope: zero }, [
      by,
    ]);
  const register = (who: Wallet, by = registrar) =>
    sign('RegisterPatient', { organization, patient: who.address, encryptionKey: bytes32() }, [by, who]);
  const terms = { patient: p, compartment, access: 3, purpose: 1, validFrom: 0, validUntil: 0, epoch: 0, envelope: zero };
  const grant = (change: Partial<OperationPayload<'Grant'>> = {}, by: Wallet = patient) =>
    sign('Grant', { ...terms, grantee: grantee(doctor.address), ...change }, [by]);
  const revoke = (change: Partial<OperationPayload<'Revoke'>> = {}, by: Wallet = patient) =>
    sign('Revoke', { patient: p, compartment, grantee: grantee(doctor.address), epoch: 1, envelope: zero, ...change }, [by]);
  const commit = (change: Partial<OperationPayload<'Commit'>> = {}, by: Wallet = doctor, header: Partial<SignedOperation> = {}) =>
    sign('Commit', { patient: p, compartment, epoch: 0, organization: zero, commit: bytes32(), ...change }, [by], header);
  const change = (member: Wallet, roles: number) => sign('ChangeMember', { organization, member: member.address, roles }, [admin]);
  const suspend = (member: Wallet, suspended: number) =>
    sign('SuspendMember', { organization, member: member.address, suspended }, [admin]);
  const admission = {
    organization,
    admin: admin.address,
    encryptionKey: bytes32(),
    organizationKey: bytes32(),
    profile: bytes32(),
    adminProfile: bytes32(),
    keyEnvelope: zero,
  };
  const found = async () => {
    replay = createReplay([{ kind: 'AdmitOrganization', actor: governor.address }]);
    log = [];
    await taken(sign('AdmitOrganization', admission, [governor]));
    await taken(enrol(registrar, 2));
    await taken(enrol(doctor, 4));
    await taken(register(patient));
    await taken(enrol(nurse, 4));
    await taken(grant({ grantee: grantee(nurse.address) }));
  };
  return {
    ...{ admin, registrar, doctor, patient, nurse, organization, compartment, terms },
    ...{ enrol, register, grant, revoke, commit, change, suspend, found },
  };
}

/** A file with what the ledger took, sealed by the patient; no records. */
function file(patient: Wallet, operations: readonly Anchored[] = log, sealer = patient) {
  const content = {
    format: 'anamnesis-verifiable-export',
    version: 1,
    network: { chainId: at.config.chainId, operations: at.config.operations },
    patient: patient.address,
    createdAt: 1_790_000_000,
    asOf: { block: Math.max(0, ...log.map(({ anchor }) => anchor?.block ?? 0)), hash: zero },
    operations,
    commits: [],
    records: [],
    missing: operations
      .filter(({ kind }) => kind === 'Commit')
      .map(({ payload }) => ({ commit: `0x${payload.slice(-64)}`, reason: 'no content in this test' })),
    blocks: {},
  };
  const signature = sealer.signingKey.sign(codec.messageDigest(sealText(content))).serialized;
  return JSON.stringify({ export: content, seal: { account: patient.address, signature } });
}
async function problems(text: string, withLedger = false): Promise<string> {
  const { findings } = await verifyExport(text, withLedger ? { rpc: at.url } : {});
  return findings
    .filter((finding) => finding.level !== 'holds' && !finding.text.includes('no content in this test'))
    .map((finding) => `${finding.level}: ${finding.text}`)
    .join('\n');
}
const without = (...kinds: string[]) => log.filter(({ kind }) => !kinds.includes(kind));

describe('the verifier of exports and the contracts agree', () => {
  it('on members: enrolled, changed, suspended, with roles that may write', async () => {
    const w = people();
    await w.found();
    await refused(w.enrol(person(), 4, w.registrar), 'no admin');
    await refused(w.enrol(w.doctor, 4), 'enrolled before');
    await refused(w.enrol(person(), 16), 'roles that do not exist');
    await taken(w.grant());
    await taken(w.grant({ grantee: w.organization }));
    await taken(w.commit());
    await taken(w.commit({ organization: w.organization }));
    await taken(w.commit({ organization: w.organization }, w.registrar));
    await refused(w.commit({ organization: w.organization }, w.admin), 'a role that may write');
    await refused(w.commit({}, w.registrar), 'had not allowed');
    await taken(w.suspend(w.doctor, 1));
    await refused(w.commit(), 'not an active member');
    await taken(w.suspend(w.doctor, 0));
    await taken(w.change(w.doctor, 0));
    await refused(w.commit(), 'not an active member');
    await taken(w.change(w.doctor, 8));
    await taken(w.commit());
    await refused(w.commit({ organization: w.organization }), 'a role that may write');
    await taken(sign('SuspendOrganization', { organization: w.organization, suspended: 1 }, [governor]));
    await refused(w.commit(), 'not an active member');
    expect(await problems(file(w.patient), true)).toBe('');
    expect(await carried(w)).toEqual(expect.arrayContaining(['ChangeMember', 'SuspendMember', 'SuspendOrganization']));
    expect(await problems(file(w.patient, without('ChangeMember')), true)).toContain('holds a ChangeMember');
    expect(await problems(file(w.patient, without('SuspendMember')), true)).toContain('holds a SuspendMember');
    expect(await problems(file(w.patient, without('SuspendOrganization')), true)).toContain('holds a SuspendOrganization');
  });

  it('on a clinic’s key: an admin’s signature, and a key', async () => {
    const w = people();
    await w.found();
    const rotate = (by: Wallet, purpose = 1, publicKey = bytes32()) =>
      sign('RotateOrganizationKey', { organization: w.organization, purpose, publicKey, keyEnvelope: bytes32() }, [by]);
    await taken(rotate(w.admin));
    await taken(rotate(w.admin, 2));
    await refused(rotate(w.doctor), 'no admin');
    await refused(rotate(w.admin, 3), 'a purpose that does not exist');
    await refused(rotate(w.admin, 1, zero), 'names no key');
  });

  it('on new keys: of a doctor and of a patient, co-signed, each in force from its place on', async () => {
    const w = people();
    await w.found();
    await taken(w.grant());
    await taken(w.commit());
    const [newer, other] = [person(), person()];
    const rotate = (account: Wallet, by: Wallet, to: Wallet, header: Partial<SignedOperation> = {}) =>
      sign('RotateKeys', { signer: to.address, encryptionKey: bytes32() }, [by, to], { actor: account.address, ...header });
    await refused(sign('RotateKeys', { signer: newer.address, encryptionKey: bytes32() }, [w.doctor]), 'a signature is missing');
    await refused(sign('RotateKeys', { signer: newer.address, encryptionKey: bytes32() }, [w.doctor, other]), 'new key’s own signature');
    await refused(rotate(w.doctor, w.doctor, w.registrar), 'an account of its own');
    await refused(rotate(newer, newer, other), 'neither a patient nor an active member');
    await taken(rotate(w.doctor, w.doctor, newer));
    await refused(w.commit(), 'had replaced by then');
    const actor = w.doctor.address;
    await taken(w.commit({}, newer, { actor }));
    await refused(rotate(w.registrar, w.registrar, newer), 'in use before');
    await refused(w.enrol(newer, 4), 'not an account of its own');
    await refused(w.register(newer), 'not an account of its own');
    await taken(rotate(w.doctor, newer, other));
    await refused(w.commit({}, newer, { actor }), 'had replaced by then');
    await taken(w.commit({}, other, { actor }));
    const patientKey = person();
    await taken(rotate(w.patient, w.patient, patientKey));
    await refused(w.revoke(), 'had replaced by then');
    await taken(sign('Revoke', { ...w.terms, grantee: grantee(actor), epoch: 1 }, [patientKey], { actor: w.patient.address }));
    expect(await problems(file(w.patient, log, patientKey), true)).toBe('');
    expect(await carried(w, patientKey)).toContain('RotateKeys');
    expect(await problems(file(w.patient, log, w.patient))).toContain('is not as');
    expect(await problems(file(w.patient, without('RotateKeys'), w.patient))).toContain('the signature is not that of the account');
    const swapped = structuredClone(log);
    const [first, second] = swapped.filter(({ kind }) => kind === 'RotateKeys');
    if (first && second) [first.anchor, second.anchor] = [second.anchor, first.anchor];
    expect(await problems(file(w.patient, swapped, patientKey))).not.toBe('');
    const early = structuredClone(log);
    const moved = early.find(({ kind }) => kind === 'RotateKeys');
    if (moved?.anchor) moved.anchor = { ...moved.anchor, block: 1 };
    expect(await problems(file(w.patient, early, patientKey))).not.toBe('');
    const last = log.filter(({ kind }) => kind === 'RotateKeys').at(-1);
    const shorter = log.filter((operation) => operation !== last && operation.kind !== 'Revoke');
    expect(await problems(file(w.patient, shorter), true)).toContain('holds a RotateKeys');
  });

  it('on recovery by guardians: their number, the waiting time, the veto', async () => {
    const w = people();
    await w.found();
    const [g1, g2, g3] = [person(), person(), person()];
    const [lost, found, again] = [w.doctor, person(), person()];
    const set = (change: Partial<OperationPayload<'SetRecovery'>> = {}) =>
      sign(
        'SetRecovery',
        {
          ...{ guardian1: g1.address, guardian2: g2.address, guardian3: g3.address, guardian4: nobody, guardian5: nobody },
          ...{ threshold: 2, delay: day, round: 0, ...change },
        },
        [lost],
      );
    const propose = (by: Wallet, to: Wallet) =>
      sign('ProposeRecovery', { account: lost.address, signer: to.address, encryptionKey: bytes32() }, [by, to]);
    const approve = (by: Wallet, proposal: string) => sign('ApproveRecovery', { account: lost.address, proposal }, [by]);
    const complete = (by: Wallet, proposal: string) => sign('CompleteRecovery', { account: lost.address, proposal }, [by]);
    await refused(set({ guardian2: g1.address }), 'do not go together');
    await refused(set({ threshold: 4 }), 'do not go together');
    await refused(set({ delay: 60 }), 'do not go together');
    await taken(set());
    await refused(set(), 'another round');
    await refused(propose(w.registrar, found), 'no guardian');
    const vetoed = await taken(propose(g1, again));
    await refused(approve(g1, vetoed), 'agreed before');
    await refused(sign('VetoRecovery', { account: lost.address }, [g1]), 'the account itself');
    await taken(sign('VetoRecovery', { account: lost.address }, [lost]));
    await refused(approve(g2, vetoed), 'lost its force');
    const proposal = await taken(propose(g1, found));
    await refused(complete(g2, proposal), 'had not agreed');
    await taken(approve(g2, proposal));
    await refused(complete(found, proposal), 'waiting time');
    await pass(day + 1);
    await refused(complete(w.registrar, proposal), 'no guardian');
    await taken(w.grant());
    await taken(w.commit());
    await taken(complete(found, proposal));
    await refused(w.commit(), 'had replaced by then');
    await taken(w.commit({}, found, { actor: lost.address }));
    expect(await problems(file(w.patient), true)).toBe('');
    expect(await carried(w)).toEqual(expect.arrayContaining(['SetRecovery', 'ProposeRecovery', 'ApproveRecovery', 'CompleteRecovery']));
    expect(await problems(file(w.patient, without('CompleteRecovery')))).toContain('the signature is not that of the account');
    expect(await problems(file(w.patient, without('ApproveRecovery')), true)).toContain('had not agreed');
  });

  it('on changed grants: by the patient, of what is there, in their epoch and time', async () => {
    const w = people();
    await w.found();
    const change = (terms: Partial<OperationPayload<'ChangeGrant'>>, by = w.patient) => {
      const { envelope: _, ...rest } = w.terms;
      return sign('ChangeGrant', { ...rest, grantee: grantee(w.doctor.address), ...terms }, [by]);
    };
    await refused(change({}), 'the permission that it changes');
    await taken(w.grant());
    await refused(change({}, w.doctor), 'not signed by the patient');
    await refused(change({ access: 0 }), 'terms do not exist');
    await refused(change({ purpose: 7 }), 'terms do not exist');
    await refused(change({ validFrom: 2, validUntil: 1 }), 'terms do not exist');
    await taken(change({ access: 1 }));
    await refused(w.commit(), 'had not allowed');
    await taken(change({ validFrom: far }));
    await refused(w.commit(), 'did not hold at that time');
    const now = (await ledger.head()).timestamp;
    await taken(change({ validUntil: now + 1000 }));
    await taken(w.commit());
    await pass(1001);
    await refused(w.commit(), 'did not hold at that time');
    await refused(change({ epoch: 1 }), 'epoch');
    await taken(w.revoke());
    await refused(w.commit({ epoch: 1 }), 'had not allowed');
    await refused(w.grant(), 'epoch');
    await taken(w.grant({ epoch: 1 }));
    await refused(w.commit(), 'epoch');
    await taken(w.commit({ epoch: 1 }));
    const again = { epoch: 1, commit: bytes32() };
    await taken(w.commit(again));
    await refused(w.commit(again), 'anchored before');
    expect(await problems(file(w.patient), true)).toBe('');
    expect(await carried(w)).toContain('ChangeGrant');
    const last = log.filter(({ kind }) => kind === 'ChangeGrant').at(-1);
    expect(
      await problems(
        file(
          w.patient,
          log.filter((operation) => operation !== last),
        ),
        true,
      ),
    ).toContain('holds a ChangeGrant');
    expect(await problems(file(w.patient, without('Grant')))).toContain('the permission that it changes');
  });

  it('on requests: asked by who may, answered once by the patient', async () => {
    const w = people();
    await w.found();
    const ask = (by: Wallet, organization = zero) =>
      sign(
        'RequestAccess',
        { patient: w.patient.address, compartment: zero, organization, access: 3, purpose: 1, validUntil: 0, reason: bytes32() },
        [by],
      );
    const approve = (request: string, by = w.patient) => sign('ApproveRequest', { ...w.terms, request }, [by]);
    const decline = (request: string, by = w.patient) =>
      sign('DeclineRequest', { patient: w.patient.address, request, reason: zero }, [by]);
    await refused(ask(w.admin), 'no role in a clinic then that may ask');
    await refused(ask(person()), 'no role in a clinic then that may ask');
    const own = await taken(ask(w.doctor));
    const clinics = await taken(ask(w.registrar, w.organization));
    const unwanted = await taken(ask(w.doctor));
    await refused(approve(bytes32()), 'not in the file');
    await refused(approve(own, w.doctor), 'not signed by the patient');
    await taken(approve(own));
    await refused(approve(own), 'answered before');
    await taken(w.commit());
    await refused(w.commit({ organization: w.organization }), 'had not allowed');
    await taken(approve(clinics));
    await taken(w.commit({ organization: w.organization }));
    await refused(decline(unwanted, w.doctor), 'not signed by the patient');
    await taken(decline(unwanted));
    await refused(approve(unwanted), 'answered before');
    expect(await problems(file(w.patient), true)).toBe('');
    expect(await carried(w)).toEqual(expect.arrayContaining(['RequestAccess', 'ApproveRequest']));
    expect(await problems(file(w.patient, without('RequestAccess')))).toContain('request that it answers is not in the file');
    expect(await problems(file(w.patient, without('ApproveRequest', 'RequestAccess', 'DeclineRequest')))).toContain('had not allowed');
    const [first] = log.filter(({ kind }) => kind === 'ApproveRequest');
    expect(
      await problems(
        file(
          w.patient,
          log.filter((operation) => operation !== first),
        ),
        true,
      ),
    ).toContain('holds a ApproveRequest');
  });

  it('on delegates: appointed by the patient, within their powers, place and time', async () => {
    const w = people();
    await w.found();
    const delegate = person();
    const now = (await ledger.head()).timestamp;
    const appoint = (change: Partial<OperationPayload<'AppointDelegate'>> = {}, by = w.patient) =>
      sign(
        'AppointDelegate',
        {
          ...{ patient: w.patient.address, delegate: delegate.address, compartment: w.compartment, capacity: 2, powers: 1 },
          ...{ validUntil: now + 1000, sequence: 1, ...change },
        },
        [by],
      );
    const dismiss = (sequence: number, by: Wallet = w.patient, compartment = w.compartment) =>
      sign('DismissDelegate', { patient: w.patient.address, delegate: delegate.address, compartment, sequence }, [by]);
    await refused(w.grant({}, delegate), 'somebody whom the patient appointed');
    await refused(appoint({}, delegate), 'not signed by the patient');
    await refused(appoint({ powers: 8 }), 'powers that do not exist');
    await refused(appoint({ delegate: w.patient.address }), 'appoints nobody');
    await taken(appoint());
    await refused(appoint(), 'later decision');
    await refused(w.grant({}, delegate), 'lasts longer');
    await taken(w.grant({ validUntil: now + 1000 }, delegate));
    await taken(w.commit());
    await refused(w.revoke({}, delegate), 'did not include this');
    await taken(appoint({ compartment: zero, powers: 3, validUntil: 0 }));
    await taken(w.revoke({}, delegate));
    await taken(w.grant({ epoch: 1 }, delegate));
    await taken(w.commit({ epoch: 1 }));
    await taken(dismiss(5, w.patient, zero));
    await refused(appoint({ compartment: zero, sequence: 4 }), 'later decision');
    await refused(w.revoke({ epoch: 2 }, delegate), 'did not include this');
    await pass(1001);
    await refused(w.grant({ epoch: 1, validUntil: now + 500 }, delegate), 'had ended');
    await taken(appoint({ validUntil: 0, sequence: 2, powers: 7, compartment: w.compartment }));
    await taken(dismiss(0, delegate));
    await refused(w.grant({ epoch: 1 }, delegate), 'had ended');
    await refused(dismiss(1, w.doctor), 'not signed by the patient');
    expect(await problems(file(w.patient), true)).toBe('');
    expect(await carried(w)).toEqual(expect.arrayContaining(['AppointDelegate', 'DismissDelegate']));
    expect(await problems(file(w.patient, without('AppointDelegate', 'DismissDelegate')))).toContain('somebody whom the patient appointed');
    expect(await problems(file(w.patient, without('DismissDelegate')), true)).toContain('holds a DismissDelegate');
  });

  it('on emergencies: opened by practitioners, for a time, until it is switched off', async () => {
    const w = people();
    await w.found();
    const open = (by: Wallet, duration = 3600, reason = bytes32()) =>
      sign('OpenEmergency', { patient: w.patient.address, organization: w.organization, reason, duration }, [by]);
    const change = (allowed: number, sequence: number, by = w.patient) =>
      sign('SwitchEmergency', { patient: w.patient.address, allowed, sequence }, [by]);
    const write = () => w.commit({ organization: w.organization });
    await refused(write(), 'had not allowed');
    await refused(open(w.registrar), 'no active practitioner');
    await refused(open(w.doctor, day + 1), 'lasts longer');
    await refused(open(w.doctor, 0), 'lasts longer');
    await refused(open(w.doctor, 60, zero), 'gives no reason');
    await taken(open(w.doctor));
    await taken(write());
    await refused(w.commit(), 'had not allowed');
    await refused(w.commit({ organization: w.organization }, w.registrar), 'had not allowed');
    await taken(w.suspend(w.doctor, 1));
    await refused(write(), 'no active practitioner of the clinic any more');
    await taken(w.suspend(w.doctor, 0));
    await pass(3601);
    await refused(write(), 'over or switched off');
    await taken(open(w.doctor));
    await taken(write());
    await refused(change(0, 1, w.doctor), 'somebody whom the patient appointed');
    await refused(change(2, 1), 'neither a yes nor a no');
    await taken(change(0, 2));
    await refused(write(), 'over or switched off');
    await refused(open(w.doctor), 'switched emergency access off');
    await refused(change(1, 2), 'later decision');
    await taken(change(1, 3));
    await taken(write());
    expect(await problems(file(w.patient), true)).toBe('');
    expect(await carried(w)).toEqual(expect.arrayContaining(['OpenEmergency', 'SwitchEmergency']));
    expect(await problems(file(w.patient, without('OpenEmergency')))).toContain('had not allowed');
    expect(await problems(file(w.patient, without('SwitchEmergency')), true)).toContain('holds a SwitchEmergency');
    const longer = (payload: string) => payload.replace(/0{60}0e10$/, `${'0'.repeat(59)}15180`);
    const forged = log.map((operation) =>
      operation.kind === 'OpenEmergency' ? { ...operation, payload: longer(operation.payload) } : operation,
    );
    expect(await problems(file(w.patient, forged))).toContain('the signature is not that of the account');
  });

  it('on patients found to be one person: a registrar’s signature, and no chains', async () => {
    const w = people();
    await w.found();
    const [twin, third] = [person(), person()];
    await taken(w.register(twin));
    await taken(w.register(third));
    const link = (duplicate: Wallet, survivor: Wallet, by = w.registrar) =>
      sign('LinkPatients', { organization: w.organization, duplicate: duplicate.address, survivor: survivor.address, reason: zero }, [by]);
    const unlink = (duplicate: Wallet, by = w.registrar) =>
      sign('UnlinkPatients', { organization: w.organization, duplicate: duplicate.address, reason: zero }, [by]);
    await refused(link(twin, w.patient, w.doctor), 'no registrar');
    await refused(link(person(), w.patient), 'registration of one');
    await refused(link(twin, twin), 'linked before');
    await taken(link(twin, w.patient));
    await refused(link(twin, third), 'linked before');
    await refused(link(w.patient, third), 'linked before');
    await refused(link(third, twin), 'linked before');
    await refused(unlink(twin, w.doctor), 'no registrar');
    const { findings } = await verifyExport(file(w.patient), { rpc: at.url });
    expect(findings.map(({ text }) => text).join('\n')).toContain(`${twin.address.toLowerCase()} is the same person`);
    expect(await problems(file(w.patient), true)).toBe('');
    expect(await carried(w)).toContain('LinkPatients');
    expect(await problems(file(w.patient, without('LinkPatients')), true)).toContain('holds a LinkPatients');
    await taken(unlink(twin));
    await refused(unlink(twin), 'was not linked');
    await taken(link(w.patient, third));
  });

  it('on account contracts: not called forged without a ledger, and taken as it took them with one', async () => {
    const w = people();
    await w.found();
    const wallet = person();
    // Answers every question with the value that ERC-1271 asks for.
    await rpc(at.url, 'anvil_setCode', wallet.address, '0x631626ba7e60e01b5f5260205ff3');
    await taken(w.enrol(wallet, 4));
    await taken(w.grant({ grantee: grantee(wallet.address) }));
    for (const signature of ['0x1234', person().signingKey.sign(bytes32()).serialized]) {
      const [result] = await submit([w.commit({}, wallet, { signatures: [signature] })]);
      const { anchored, reason } = result ?? expect.fail();
      expect(reason).toBeNull();
      log.push(anchored);
    }
    const offline = await problems(file(w.patient));
    expect(offline).toContain('missing: Commit');
    expect(offline).toContain('is an account contract (ERC-1271), only a ledger can check it');
    expect(offline).toContain('were that account a contract, only a ledger could tell');
    const { findings } = await verifyExport(file(w.patient), { rpc: at.url });
    expect(findings.map(({ text }) => text).join('\n')).toContain('2 signatures are of account contracts');
    expect(await problems(file(w.patient), true)).toBe('');
    // The same form of signature for an account without code is a forgery, and said to be one where the ledger can be asked.
    const forged = structuredClone(log);
    const last = forged.at(-1);
    const [odd] = await submit([w.commit({}, w.doctor, { signatures: ['0x1234'] })]);
    expect(odd?.reason).toContain('SignatureWrong');
    if (odd && last) forged.push({ ...odd.anchored, anchor: null });
    expect(await problems(file(w.patient, forged), true)).toContain('fails: Commit');
  });

  it('on governors: their signature, and no two of the same', async () => {
    const w = people();
    await w.found();
    const stranger = person();
    const [result] = await submit([sign('SuspendOrganization', { organization: w.organization, suspended: 1 }, [stranger])]);
    expect(result?.reason).toContain('GovernorRequired');
    const forged = [...log, { ...(result ?? expect.fail()).anchored, anchor: null }];
    expect(await problems(file(w.patient, forged), true)).toContain('does not govern this consortium');
    await refused(sign('SuspendOrganization', { organization: w.organization, suspended: 0 }, [governor, governor]), 'signed it twice');
  });

  it('in any order', { timeout: 120_000 }, async () => {
    const seed = Number(process.env['EXPORT_RULES_SEED'] ?? Date.now() % 2 ** 31);
    let state = seed;
    const below = (limit: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    };
    const pick = <T>(list: readonly T[]): T => list[below(list.length)] ?? expect.fail();
    const w = people();
    await w.found();
    const delegate = person();
    const everybody = [w.patient, w.doctor, w.registrar, delegate];
    const keyOf = new Map<Wallet, Wallet>();
    const known: string[] = [];
    const make = (): SignedOperation => {
      const actor = pick(everybody);
      const by = [below(8) === 0 ? actor : (keyOf.get(actor) ?? actor)];
      const header = { actor: actor.address };
      const patient = w.patient.address;
      const common = { ...w.terms, access: 1 + below(3), epoch: below(4), validUntil: below(2) * (far - below(2)) };
      const to = grantee(pick([w.doctor, delegate]).address);
      const organization = pick([zero, w.organization]);
      const subject = { organization: w.organization, member: pick([w.doctor, w.registrar]).address };
      const sequence = below(6);
      const rotated = person();
      const options: (() => SignedOperation)[] = [
        () => sign('Grant', { ...common, grantee: below(2) === 0 ? to : w.organization }, by, header),
        () => sign('ChangeGrant', { ...withoutEnvelope(common), grantee: below(2) === 0 ? to : w.organization }, by, header),
        () => sign('Revoke', { ...common, grantee: to }, by, header),
        () => sign('Commit', { ...common, organization, commit: bytes32() }, by, header),
        () =>
          sign('Commit', { ...common, organization, commit: bytes32() }, [keyOf.get(w.doctor) ?? w.doctor], { actor: w.doctor.address }),
        () => sign('ChangeMember', { ...subject, roles: below(9) }, [w.admin]),
        () => sign('SuspendMember', { ...subject, suspended: below(2) }, [w.admin]),
        () => sign('OpenEmergency', { patient, organization: w.organization, reason: bytes32(), duration: 60 + below(3000) }, by, header),
        () => sign('SwitchEmergency', { patient, allowed: below(2), sequence }, by, header),
        () => sign('AppointDelegate', appointment(patient, delegate, pick([zero, w.compartment]), 1 + below(7), sequence), by, header),
        () =>
          sign('DismissDelegate', { patient, delegate: delegate.address, compartment: pick([zero, w.compartment]), sequence }, by, header),
        () =>
          sign(
            'RequestAccess',
            { patient, compartment: zero, organization, access: 3, purpose: 1, validUntil: 0, reason: bytes32() },
            by,
            header,
          ),
        () => sign('ApproveRequest', { ...common, request: known.length > 0 ? pick(known) : zero }, by, header),
        () => sign('DeclineRequest', { patient, request: known.length > 0 ? pick(known) : zero, reason: zero }, by, header),
        () => sign('RotateKeys', { signer: rotated.address, encryptionKey: bytes32() }, [...by, rotated], header),
      ];
      const operation = pick(options)();
      if (kindOf(operation.kind) === 'RequestAccess') known.push(operation.opId);
      if (kindOf(operation.kind) === 'RotateKeys') rotations.set(operation.opId, { actor, rotated });
      return operation;
    };
    const rotations = new Map<string, { actor: Wallet; rotated: Wallet }>();
    let counted = 0;
    for (let round = 0; round < 40; round++) {
      if (below(3) === 0) await pass(below(2000));
      const batch = Array.from({ length: 8 }, make);
      for (const { anchored, time, reason } of await submit(batch)) {
        const words = tried(anchored, time);
        compareConsent(anchored, reason);
        expect(words === null, `seed ${seed}, round ${round}: ${anchored.kind}: ledger ${reason}, replay ${words}`).toBe(reason === null);
        if (reason !== null) continue;
        log.push(anchored);
        counted += 1;
        const rotation = rotations.get(anchored.opId);
        if (rotation) keyOf.set(rotation.actor, rotation.rotated);
      }
    }
    expect(counted).toBeGreaterThan(50);
  });
});

const withoutEnvelope = <T extends { envelope: string }>({ envelope: _, ...rest }: T) => rest;
const appointment = (patient: string, delegate: Wallet, compartment: string, powers: number, sequence: number) => ({
  ...{ patient, delegate: delegate.address, compartment, capacity: 2, powers, validUntil: 0, sequence },
});
