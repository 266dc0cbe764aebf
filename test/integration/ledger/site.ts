/** A real embedded ledger, a real store and people who sign: what the tests of ledger, outbox and follower stand on. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Wallet, getBytes, hexlify, randomBytes, zeroPadValue } from 'ethers';
import { vi } from 'vitest';
import { createEmbeddedLedger } from '../../../src-main/core/adapters/ledger/embedded-ledger.ts';
import { createLedger } from '../../../src-main/core/adapters/ledger/ledger.ts';
import { createOperationCodec } from '../../../src-main/core/adapters/ledger/operation-codec.ts';
import { createStore } from '../../../src-main/core/adapters/sqlite/store.ts';
import type { LedgerPort, NetworkConfig, OperationCodecPort, WorkstationStorePort } from '../../../src-main/core/ports.ts';
import { createLedgerSync } from '../../../src-main/core/services/sync/ledger-sync.ts';
import type { LedgerSync } from '../../../src-main/core/services/sync/ledger-sync.ts';
import { accessBits, operationKinds, purposes, roleBits } from '../../../src-shared/operations.ts';
import type { OperationKind, OperationPayload, SignedOperation } from '../../../src-shared/operations.ts';

export const chainId = 770_077;
const codec = createOperationCodec();
export const governor = new Wallet(`0x${'11'.repeat(32)}`);

export const bytes32 = () => hexlify(randomBytes(32));
export const person = () => new Wallet(bytes32());

export function temporaryFolder(): { dir: string; remove(): void } {
  const dir = mkdtempSync(join(tmpdir(), 'anamnesis-ledger-'));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Signs an operation by its actor and further signers, in this order. */
export function signed<K extends OperationKind>(
  config: NetworkConfig,
  kind: K,
  payload: OperationPayload<K>,
  signers: readonly Wallet[],
  change: Partial<SignedOperation> = {},
): SignedOperation {
  const now = Math.floor(Date.now() / 1000);
  const operation = {
    kind: operationKinds[kind].code as number,
    opId: bytes32(),
    actor: signers[0]!.address,
    issuedAt: now,
    deadline: now + 7 * 86_400,
    payload: codec.encodePayload(kind, payload),
    ...change,
  };
  const digest = codec.digest(config, operation);
  return { ...operation, signatures: change.signatures ?? signers.map((signer) => signer.signingKey.sign(digest).serialized) };
}

/** A clinic whose admin is registrar and practitioner too, and a patient of it who shares one compartment. */
export interface Clinic {
  readonly organization: string;
  readonly doctor: Wallet;
  readonly patient: Wallet;
  readonly compartment: string;
  /** Admission, roles, registration and grant, in the order in which they depend on each other. */
  readonly founding: readonly SignedOperation[];
  commit(change?: Partial<SignedOperation>): SignedOperation;
}

export function clinic(config: NetworkConfig): Clinic {
  const organization = bytes32();
  const doctor = person();
  const patient = person();
  const compartment = bytes32();
  const admission = {
    organization,
    admin: doctor.address,
    encryptionKey: bytes32(),
    organizationKey: bytes32(),
    profile: bytes32(),
    adminProfile: bytes32(),
    keyEnvelope: bytes32(),
  };
  const roles = roleBits.admin | roleBits.registrar | roleBits.practitioner;
  const grantee = zeroPadValue(doctor.address, 32).toLowerCase();
  const grant = {
    patient: patient.address,
    compartment,
    grantee,
    access: accessBits.read | accessBits.write,
    purpose: purposes.treatment,
    validFrom: 0,
    validUntil: 0,
    epoch: 0,
    envelope: bytes32(),
  };
  return {
    organization,
    doctor,
    patient,
    compartment,
    founding: [
      signed(config, 'AdmitOrganization', admission, [governor]),
      signed(config, 'ChangeMember', { organization, member: doctor.address, roles }, [doctor]),
      signed(config, 'RegisterPatient', { organization, patient: patient.address, encryptionKey: bytes32() }, [doctor, patient]),
      signed(config, 'Grant', grant, [patient]),
    ],
    commit: (change) =>
      signed(
        config,
        'Commit',
        { patient: patient.address, compartment, epoch: 0, organization: `0x${'00'.repeat(32)}`, commit: bytes32() },
        [doctor],
        change,
      ),
  };
}

export interface Workstation {
  readonly store: WorkstationStorePort;
  readonly sync: LedgerSync;
  enqueue(...operations: readonly SignedOperation[]): void;
  states(operations: readonly SignedOperation[]): string[];
  close(): Promise<void>;
}

/** One workstation's store, outbox and follower over the real adapter. */
export function workstation(options: {
  dir: string;
  url: string;
  config: NetworkConfig;
  confirmations?: number | null;
  relayerKey?: Uint8Array;
  onMissingGateway?: () => Promise<void>;
  clock?: () => number;
  /** What stands between the workstation and its ledger. */
  between?: (ledger: LedgerPort) => LedgerPort;
  codec?: OperationCodecPort;
  /** Compartments that whoever is logged in may read. */
  wanted?: () => readonly string[];
  mostUnchecked?: number;
}): Workstation {
  const opened = createStore({ dir: options.dir, machineKey: new Uint8Array(32).fill(7) });
  const store = opened.workstation;
  const ledger = createLedger();
  ledger.connect(options.url, options.config);
  const sync = createLedgerSync({
    store,
    ledger: options.between?.(ledger) ?? ledger,
    codec: options.codec ?? codec,
    wanted: options.wanted ?? (() => []),
    ...(options.mostUnchecked === undefined ? {} : { mostUnchecked: options.mostUnchecked }),
    confirmations: options.confirmations === undefined ? 0 : options.confirmations,
    relayerKey: options.relayerKey ?? getBytes(bytes32()),
    clock: options.clock ?? Date.now,
    onChange: () => undefined,
    ...(options.onMissingGateway ? { onMissingGateway: options.onMissingGateway } : {}),
  });
  return {
    store,
    sync,
    enqueue(...operations) {
      store.enqueue(operations.map((operation) => ({ operation, decoded: codec.decodePayload(operation), label: 'test' })));
      sync.poke();
    },
    states: (operations) => operations.map(({ opId }) => store.operation(opId)?.state ?? 'unknown'),
    async close() {
      ledger.close();
      await sync.stop();
      opened.close();
    },
  };
}

export interface Site {
  readonly dir: string;
  readonly embedded: ReturnType<typeof createEmbeddedLedger>;
  readonly url: string;
  readonly port: number;
  readonly config: NetworkConfig;
  close(): Promise<void>;
}

/** An embedded ledger with the contracts on it. */
export async function site(): Promise<Site> {
  const { dir, remove } = temporaryFolder();
  const embedded = createEmbeddedLedger();
  const { url, port } = await embedded.start({ dir: join(dir, 'ledger'), chainId, port: 0 });
  const config = await embedded.deploy(url, chainId, [governor.address], 1);
  return {
    dir,
    embedded,
    url,
    port,
    config,
    async close() {
      await embedded.stop();
      remove();
    },
  };
}

export const eventually = <T>(assertion: () => T | Promise<T>) => vi.waitFor(assertion, { timeout: 20_000, interval: 25 });

/** One JSON-RPC call, for what only a test asks of a ledger. */
export async function rpc(url: string, method: string, ...params: unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const { result, error } = (await response.json()) as { result?: unknown; error?: { message: string } };
  if (error) throw new Error(error.message);
  return result;
}

/** Applied events on the ledger itself, by opId: the truth about "exactly once". */
export async function appliedOnLedger(url: string, config: NetworkConfig): Promise<Map<string, number>> {
  const ledger = createLedger();
  ledger.connect(url, config);
  try {
    const { number } = await ledger.head();
    const counts = new Map<string, number>();
    for (const event of await ledger.events(0, number)) {
      if (event.type === 'applied') counts.set(event.opId, (counts.get(event.opId) ?? 0) + 1);
    }
    return counts;
  } finally {
    ledger.close();
  }
}

/** An HTTP proxy in front of an endpoint, that can lose answers, be down, or answer something else. */
export async function proxy(target: string): Promise<{
  url: string;
  /** Loses the answer (not the request) of requests whose body this matches. */
  loseAnswersTo: RegExp | null;
  down: boolean;
  lost: number;
  requests: number;
  close(): Promise<void>;
}> {
  const server = createServer((request, response) => {
    state.requests += 1;
    if (state.down) return void request.socket.destroy();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const lose = state.loseAnswersTo?.test(body.toString()) ?? false;
      const onward = httpRequest(
        target,
        { method: 'POST', headers: { 'content-type': 'application/json', 'content-length': body.length } },
        (answer) => {
          const answers: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => answers.push(chunk));
          answer.on('end', () => {
            if (lose) {
              state.lost += 1;
              request.socket.destroy();
            } else {
              response.writeHead(answer.statusCode ?? 502, { 'content-type': 'application/json' }).end(Buffer.concat(answers));
            }
          });
        },
      );
      onward.on('error', () => request.socket.destroy());
      onward.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const state = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    loseAnswersTo: null as RegExp | null,
    down: false,
    lost: 0,
    requests: 0,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return state;
}

/** An HTTP server that answers everything alike. */
export async function answering(status: number, type: string, body: string): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, { 'content-type': type, location: 'http://127.0.0.1:1/' }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-key`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
