/**
 * The rules that the stand-alone verifier of exports replays, and what the workstation says of who held write consent and who signs for an account, against the
 * contracts themselves: every operation is submitted to a real ledger and to the replay, and all must say the same. The scenes are in the files beside.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { getBytes, zeroPadValue, type Wallet } from 'ethers';
import { afterAll, beforeAll, expect } from 'vitest';
import { createLedger } from '../../../src-main/core/adapters/ledger/ledger.ts';
import { createRecordCrypto } from '../../../src-main/core/adapters/crypto/record-crypto.ts';
import { createOperationCodec } from '../../../src-main/core/adapters/ledger/operation-codec.ts';
import type { DecodedOperation, LedgerPort, OperationFilter, StoredOperation, WorkstationStorePort } from '../../../src-main/core/ports.ts';
import { createConsents } from '../../../src-main/core/services/consents.ts';
import { exportedOperations } from '../../../src-main/core/services/export-operations.ts';
import { createDirectory } from '../../../src-main/core/services/directory.ts';
import { kindOf, type OperationKind, type OperationPayload, type SignedOperation } from '../../../src-shared/operations.ts';
import { bytes32, eventually, governor, person, rpc, signed, site, type Site } from './site.ts';

export interface Operation extends Omit<SignedOperation, 'kind'> {
  kind: string;
}
export interface Anchored extends Operation {
  /** Domain of the former network in which it was signed. */
  predecessor: string | null;
  anchor: { block: number; blockHash: string | null; transaction: string; logIndex: number } | null;
}
interface Replay {
  checkSignatures(operation: Operation, payload: unknown, digest: Uint8Array): { account?: string; ordinary: boolean; text: string }[];
  apply(operation: Operation, payload: unknown, time: number): void;
}
const load = <T>(file: string) => import(pathToFileURL(join(process.cwd(), 'resources/verify-export', file)).href) as Promise<T>;
const { createReplay } = await load<{ createReplay(operations: { kind: string; actor: string }[], domain: string): Replay }>(
  'lib/replay.mjs',
);
const { decodePayload } = await load<{ decodePayload(kind: string, payload: string): unknown }>('lib/operations.mjs');
const { Fault } = await load<{ Fault: new (text: string) => Error }>('lib/bytes.mjs');
export const { verifyExport, sealText } = await load<{
  verifyExport(source: string, options?: { rpc?: string }): Promise<{ ok: boolean; findings: { level: string; text: string }[] }>;
  sealText(content: unknown): string;
}>('verify.mjs');

export const zero = `0x${'00'.repeat(32)}`;
export const nobody = `0x${'00'.repeat(20)}`;
export const far = 2 ** 39;
export const day = 86_400;
const codec = createOperationCodec();
const relayerKey = getBytes(bytes32());
export const grantee = (account: string) => zeroPadValue(account, 32).toLowerCase();

export let at: Site;
export let ledger: LedgerPort;
let replay: Replay;
export let log: Anchored[];

/** A ledger for the tests of the file that calls this. */
export function useLedger(): void {
  beforeAll(async () => {
    at = await site();
    ledger = createLedger();
    ledger.connect(at.url, at.config);
  });
  afterAll(async () => {
    ledger.close();
    await at.close();
  });
}

/** Seconds that the ledger's clock was moved on. */
let ahead = 0;

export const sign = <K extends OperationKind>(
  kind: K,
  payload: OperationPayload<K>,
  signers: readonly Wallet[],
  change: Partial<SignedOperation> = {},
) => signed(at.config, kind, payload, signers, { deadline: far, issuedAt: Math.floor(Date.now() / 1000) + ahead, ...change });

/**
 * What the ledger says of operations in one batch: for each, null where it was applied, or the reason why not. `predecessor`: domain of the network in which
 * they were signed.
 */
export async function submit(operations: readonly SignedOperation[], predecessor: string | null = null) {
  const nonce = await ledger.nonce(ledger.relayerAddress(relayerKey));
  const { hash, raw } = await ledger.signBatch(operations, relayerKey, nonce, { predecessor });
  await ledger.broadcast(raw);
  const receipt = await eventually(async () => (await ledger.receipt(hash)) ?? expect.fail('not mined yet'));
  const events = await ledger.events(receipt.block, receipt.block);
  const { timestamp } = (await rpc(at.url, 'eth_getBlockByNumber', `0x${receipt.block.toString(16)}`, false)) as { timestamp: string };
  return operations.map((operation) => {
    const event = events.find(({ opId }) => opId === operation.opId) ?? expect.fail('no event');
    const { kind: code, ...rest } = operation;
    const { block, blockHash, txHash: transaction, logIndex } = event;
    const anchored: Anchored = { ...rest, kind: kindOf(code) ?? '', predecessor, anchor: { block, blockHash, transaction, logIndex } };
    return { anchored, time: Number(timestamp), reason: event.type === 'applied' ? null : (event.reason ?? '') };
  });
}

/** What the replay says: null where it takes the operation, or why not, in words. */
export function tried(operation: Anchored, time: number): string | null {
  const { anchor: _, ...plain } = operation;
  const { predecessor, ...code } = { ...plain, kind: codeOf(plain.kind) };
  try {
    const payload = decodePayload(operation.kind, operation.payload);
    const [wrong] = replay.checkSignatures(plain, payload, codec.digest(predecessor ?? at.config, code));
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

export async function both(operation: SignedOperation, predecessor: string | null = null): Promise<string | null> {
  const [result] = await submit([operation], predecessor);
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
  const { anchor, kind, predecessor, ...rest } = one;
  const place = { block: anchor?.block ?? null, logIndex: anchor?.logIndex ?? null, txHash: anchor?.transaction ?? null };
  return {
    ...place,
    ...{ seq, kind, predecessor },
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
export async function carried(w: ReturnType<typeof people>, sealer = w.patient, sealedBy = w.patient.address): Promise<string[]> {
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
export function compareConsent(operation: Anchored, reason: string | null): void {
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
export const taken = async (operation: SignedOperation, predecessor: string | null = null) => {
  expect(await both(operation, predecessor)).toBeNull();
  return operation.opId;
};
export const refused = async (operation: SignedOperation, words: string, predecessor: string | null = null) =>
  expect(await both(operation, predecessor)).toContain(words);
export const pass = (seconds: number) => {
  ahead += seconds;
  return rpc(at.url, 'evm_increaseTime', seconds);
};

/** A clinic with an admin, a registrar and a doctor, and a patient of it. */
export function people() {
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
    replay = createReplay([{ kind: 'AdmitOrganization', actor: governor.address }], codec.network(at.config));
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
export function file(patient: Wallet, operations: readonly Anchored[] = log, sealer = patient) {
  const content = {
    format: 'anamnesis-verifiable-export',
    version: 2,
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
export async function problems(text: string, withLedger = false): Promise<string> {
  const { findings } = await verifyExport(text, withLedger ? { rpc: at.url } : {});
  return findings
    .filter((finding) => finding.level !== 'holds' && !finding.text.includes('no content in this test'))
    .map((finding) => `${finding.level}: ${finding.text}`)
    .join('\n');
}
export const without = (...kinds: string[]) => log.filter(({ kind }) => !kinds.includes(kind));
