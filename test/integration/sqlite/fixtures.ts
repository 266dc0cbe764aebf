/** Folders, operations and rows that the store's tests stand on. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createStore } from '../../../src-main/core/adapters/sqlite/store.ts';
import type { DecodedOperation, LedgerEvent, PatientRow, RecordRow, StorePort } from '../../../src-main/core/ports.ts';
import { operationKinds } from '../../../src-shared/operations.ts';
import type { OperationKind, OperationPayload, SignedOperation } from '../../../src-shared/operations.ts';

export const machineKey = new Uint8Array(32).fill(7);
export const alice = '0x52908400098527886E0F7030069857D2E4169EE7';
export const bob = '0x8617E340B3D01FA5F11F306F4090FD50E238070D';
export const accountKey = new Uint8Array(32).fill(9);

/** A bytes32 that tells tests apart by number. */
export const bytes32 = (n: number): string => `0x${n.toString(16).padStart(64, '0')}`;
export const randomBytes32 = (): string => `0x${randomBytes(32).toString('hex')}`;

export function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'anamnesis-store-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
  return dir;
}

export function openStore(dir = temporaryFolder()): StorePort {
  const store = createStore({ dir, machineKey });
  onTestFinished(() => store.close());
  return store;
}

export interface Made {
  readonly operation: SignedOperation;
  readonly decoded: DecodedOperation;
  readonly label: string;
}

/** An operation of any kind; its payload text is not what the fields say, which the store does not look at. */
export function made<K extends OperationKind>(kind: K, payload: OperationPayload<K>, change: Partial<SignedOperation> = {}): Made {
  const operation = {
    kind: operationKinds[kind].code,
    opId: randomBytes32(),
    actor: alice,
    issuedAt: 1_790_000_000,
    deadline: 1_800_000_000,
    payload: randomBytes32(),
    signatures: [`0x${'ab'.repeat(65)}`],
    ...change,
  };
  return { operation, decoded: { kind, payload } as DecodedOperation, label: 'Records of a patient' };
}

export const commit = (digest = randomBytes32(), patient = alice, change: Partial<SignedOperation> = {}): Made =>
  made('Commit', { patient, compartment: bytes32(1), epoch: 0, organization: bytes32(2), commit: digest }, change);

export function applied({ operation, decoded }: Made, block: number, logIndex = 0): { event: LedgerEvent; decoded: DecodedOperation } {
  const { opId } = operation;
  return { event: { type: 'applied', opId, operation, block, blockHash: bytes32(block), logIndex, txHash: bytes32(0xfff) }, decoded };
}

export function rejected({ operation }: Made, block: number, reason: string): { event: LedgerEvent } {
  return {
    event: { type: 'rejected', opId: operation.opId, reason, block, blockHash: bytes32(block), logIndex: 0, txHash: bytes32(0xfff) },
  };
}

export const block = (number: number): { number: number; hash: string } => ({ number, hash: bytes32(number) });

/** An account that tells tests apart by number; no checksum, which the store does not ask for. */
export const account = (n: number): string => `0x${n.toString(16).padStart(40, '0')}`;

export function patientRow(n: number, change: Partial<PatientRow> = {}): PatientRow {
  return {
    patient: account(n),
    family: 'Chalmers',
    given: 'Peter',
    prefix: '',
    birthDate: '1974-12-25',
    birthDateEstimated: false,
    deceased: '',
    gender: 'male',
    phone: '',
    address: '',
    identifiers: [],
    updatedAt: 1_790_000_000_000,
    ...change,
  };
}

export function recordRow(versionId: string, change: Partial<RecordRow> = {}): RecordRow {
  return {
    recordId: 'r1',
    versionId,
    previous: [],
    patient: alice,
    category: 'problems-and-encounters',
    resourceType: 'Condition',
    author: bob,
    commit: bytes32(1),
    opId: bytes32(2),
    position: 0,
    date: '2026-01-01',
    status: 'active',
    title: 'Essential hypertension',
    detail: '',
    codeSystem: 'http://snomed.info/sct',
    code: '59621000',
    encounter: '',
    extract: '{}',
    ...change,
  };
}
