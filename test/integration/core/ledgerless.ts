/**
 * One workstation with its real services, cryptography and store, but without a ledger and network: operations are applied in the follower's way, in the
 * order in which they wait, and blocks are in memory; keys and indexes are used again (reused.ts). For histories of which a test needs many.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CID } from 'multiformats/cid';
import { createKeyAdapter } from '../../../src-main/core/adapters/crypto/keys.ts';
import { createRecordCrypto } from '../../../src-main/core/adapters/crypto/record-crypto.ts';
import { createShares } from '../../../src-main/core/adapters/crypto/shares.ts';
import { createCar } from '../../../src-main/core/adapters/ipfs/car.ts';
import { fileBlocks, layOutFile, layOutStream, readFileRange } from '../../../src-main/core/adapters/ipfs/files.ts';
import { parseCid } from '../../../src-main/core/adapters/ipfs/cids.ts';
import { createOperationCodec } from '../../../src-main/core/adapters/ledger/operation-codec.ts';
import { createStore } from '../../../src-main/core/adapters/sqlite/store.ts';
import type { EmbeddedLedgerPort, IpfsPort, PeerPort, LedgerPort, PersonKeys, StoredOperation } from '../../../src-main/core/ports.ts';
import { createWorkstation, type Workstation } from '../../../src-main/core/services/workstation.ts';
import { careless } from './careless.ts';
import { createPinningClient } from '../../../src-main/core/adapters/pinning/pinning-client.ts';
import { AppError } from '../../../src-shared/errors.ts';
import { freeOfCost, reusingCodec, reusingCrypto, reusingIndexes, reusingKeys } from './reused.ts';

const away = () => Promise.reject(new AppError('LEDGER_UNREACHABLE', 'There is no ledger in this test.'));
const noLedger: LedgerPort = {
  ...{
    connect: () => undefined,
    config: null,
    check: away,
    governance: away,
    head: away,
    blockHash: away,
    blockTime: away,
    events: away,
    applied: away,
    nonce: away,
    isFinalAtOnce: away,
    recognized: away,
  },
  ...{ signBatch: away, broadcast: away, receipt: away, relayerAddress: () => `0x${'00'.repeat(20)}`, close: () => undefined },
  relay: () => Promise.resolve(null),
};
const noEmbedded: EmbeddedLedgerPort = {
  start: () => Promise.resolve({ url: 'http://127.0.0.1:9', port: 9 }),
  deploy: () => Promise.resolve({ chainId: 7, operations: `0x${'11'.repeat(20)}` }),
  stop: () => Promise.resolve(),
};

/** Blocks in memory; files laid out and read as on IPFS. */
function memoryBlocks(): IpfsPort & PeerPort & { forget(cid: string): void } {
  const blocks = new Map<string, Uint8Array>();
  const get = (cid: string) => {
    const bytes = blocks.get(cid);
    return bytes ? Promise.resolve(bytes) : Promise.reject(new AppError('BLOCK_UNAVAILABLE', `No block ${cid}.`));
  };
  return {
    ...{ start: () => Promise.resolve(), stop: () => Promise.resolve(), addresses: () => [], peers: () => [] },
    ...{ dial: () => Promise.resolve(), onPeersChanged: () => undefined },
    ...{
      idOf: () => Promise.resolve('12D3KooWNobodyIsThereToBeTalkedToInThisTest111111'),
      serve: () => undefined,
      guardBlocks: () => undefined,
    },
    ...{
      ask: () => Promise.reject(new AppError('PEER_UNREACHABLE', 'Nobody is there.')),
      cutOff: () => undefined,
      onPeer: () => undefined,
    },
    layOut: layOutFile,
    layOutStream,
    fileBlocks: (cid) => fileBlocks((block: CID) => get(block.toString()), parseCid(cid)),
    remove: (cids) => cids.forEach((cid) => blocks.delete(cid)),
    put: (added) => added.forEach(({ cid, bytes }) => blocks.set(cid, bytes)),
    forget: (cid) => void blocks.delete(cid),
    has: (cid) => blocks.has(cid),
    get,
    readFile: (cid, options = {}) => readFileRange((block: CID) => get(block.toString()), parseCid(cid), options),
  };
}

const passphrase = 'correct horse battery';
const demographics = { family: 'Rao', given: 'Asha', prefix: '', birthDate: '', birthDateEstimated: false, gender: 'unknown' as const };
export const cardPin = '246810';

export class Ledgerless {
  readonly keys = reusingKeys(createKeyAdapter({ memoryKiB: 8192, passes: 1 }, freeOfCost));
  readonly w: Workstation;
  readonly blocks = memoryBlocks();
  readonly admin: { secret: Uint8Array; account: string };
  readonly doctors: { account: string; secret: Uint8Array }[] = [];
  /** What is reported is a fault, unless a test expects it. */
  onReport: (error: unknown) => void = (error) => {
    throw error;
  };
  /** Hears of each use of somebody's index, and may throw: a disk that fails. */
  beforeIndex: (method: string) => void = () => undefined;
  readonly #dir: string;
  #block = 0;
  #ahead = 0;
  /** Of compartments, as a ledger counts them. */
  readonly #epochs = new Map<string, number>();

  private constructor() {
    // In memory where there is such a folder: what is tested here is not the disk.
    this.#dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'anamnesis-ledgerless-'));
    const crypto = reusingCrypto(createRecordCrypto());
    const ports = {
      ...{
        keys: this.keys,
        crypto,
        codec: reusingCodec(createOperationCodec()),
        ledger: noLedger,
        embedded: noEmbedded,
        ipfs: this.blocks,
        car: createCar(),
        care: careless,
        service: createPinningClient(),
      },
      shares: createShares(),
      store: reusingIndexes(createStore({ dir: this.#dir, machineKey: crypto.randomBytes(32) }), (name) => this.beforeIndex(name)),
      clock: () => Date.now() + this.#ahead * 1000,
      demoFiles: () => {
        throw new Error('There is no demo here.');
      },
      report: (error: unknown) => this.onReport(error),
    };
    this.w = createWorkstation(ports, { version: 'test', ledgerDir: this.#dir, mdns: false, listen: [], kind: 'workstation' });
    this.admin = { secret: new Uint8Array(), account: '' };
  }

  /** A clinic with an admin who is registrar too, and so many doctors. */
  static async start(doctors: number): Promise<Ledgerless> {
    const it = new Ledgerless();
    const phrase = it.keys.createPhrase();
    await it.w.setup.createClinic({ clinicName: 'Clinic', personName: 'Admin', passphrase, phrase });
    const admin = it.keys.fromPhrase(phrase);
    Object.assign(it.admin, { secret: admin.secret(), account: admin.account });
    for (let i = 0; i < doctors; i++) it.doctors.push(await it.#enrol());
    await it.w.people.changeRoles(it.admin.account, ['admin', 'registrar']);
    it.anchor();
    return it;
  }

  /** An admin is logged in. */
  async #enrol(): Promise<{ account: string; secret: Uint8Array }> {
    const unlocked = this.keys.fromPhrase(this.keys.createPhrase());
    const secret = unlocked.secret();
    const { account, enrolmentCode } = await this.w.people.createKey('Doctor', passphrase, unlocked);
    await this.w.people.approve(enrolmentCode, ['practitioner']);
    return { account, secret };
  }

  /** A new key for a doctor, by their own. */
  async rotateDoctor(who: number): Promise<void> {
    const doctor = this.doctors[who];
    if (!doctor) throw new Error(`There is no doctor ${who}.`);
    await this.as(doctor.secret, async () => {
      await this.w.keyRotation.rotate(passphrase, this.keys.createPhrase());
      doctor.secret = this.w.sessions.require().keys.secret();
    });
    this.anchor();
  }

  /** So many seconds go by. */
  pass(seconds: number): void {
    this.#ahead += seconds;
  }

  /** Other doctors in the place of those whose keys have become many: each costs at every log-in and rotation. */
  async replaceRotated(most: number): Promise<void> {
    for (const [who, { secret }] of this.doctors.entries()) {
      if (this.keys.fromSecret(secret.slice()).signers.length > most)
        this.doctors[who] = await this.as(this.admin.secret, () => this.#enrol());
    }
    this.anchor();
  }

  async stop(): Promise<void> {
    await this.w.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /**
   * What the follower does when the ledger took everything that waits, in this order, but what names an epoch that is not in force. `judge`: what else the
   * ledger refuses, and why.
   */
  anchor(
    order: (pending: readonly StoredOperation[]) => readonly StoredOperation[] = (pending) => pending,
    judge: (operation: StoredOperation) => string | null = () => null,
  ): void {
    const { workstation: store } = this.w.store;
    const pending = order(store.pending(1000));
    this.#block += 1;
    const block = this.#block;
    const hash = `0x${block.toString(16).padStart(64, '0')}`;
    const events = pending.map((stored, logIndex) => {
      const { operation } = stored;
      const reason = judge(stored) ?? this.#judgeEpoch(stored);
      const place = { opId: operation.opId, operation, block, blockHash: hash, logIndex, txHash: hash };
      const event = reason === null ? { type: 'applied' as const, ...place } : { type: 'rejected' as const, reason, ...place };
      return { event, decoded: this.w.codec.decodePayload(operation) };
    });
    store.applyEvents(events, [{ number: block, hash }], block);
    this.w.facts.tell('operations', { kinds: new Set(pending.map(({ kind }) => kind)) });
  }

  /** As the contract `Consents` counts. */
  #judgeEpoch({ operation }: StoredOperation): string | null {
    const decoded = this.w.codec.decodePayload(operation);
    if (!('compartment' in decoded.payload && 'epoch' in decoded.payload)) return null;
    const { compartment, epoch } = decoded.payload;
    const known = this.#epochs.get(compartment) ?? 0;
    if (decoded.kind !== 'Revoke') return epoch === known ? null : `EpochPassed(${known})`;
    this.#epochs.set(compartment, Math.max(epoch, Math.min(known + 1, 0xffff_ffff)));
    return null;
  }

  /** Does something as at a workstation that is not in touch: nothing of it is known here until the function that this gives is called. */
  async apart(act: () => Promise<unknown>): Promise<() => void> {
    const { store, codec, facts, sessions } = this.w;
    const after = store.workstation.lastSeq();
    await act();
    const made = store.workstation.operations({ afterSeq: after, order: 'seq' });
    // What was saved together goes together.
    for (const { operation } of made) if (store.workstation.operation(operation.opId)) store.workstation.withdraw(operation.opId);
    const tell = () => facts.tell('operations', { kinds: new Set(made.map(({ kind }) => kind)) });
    tell();
    // An index takes out what was withdrawn at the next log-in; later would be behind its return.
    const secret = sessions.current()?.keys.secret();
    sessions.lock();
    if (secret) await this.as(secret, () => undefined);
    return () => {
      const arrived = made.map(({ operation, label }) => ({ operation, label, decoded: codec.decodePayload(operation) }));
      store.workstation.enqueue(arrived);
      tell();
    };
  }

  async as<T>(secret: Uint8Array, act: (session: ReturnType<Workstation['sessions']['require']>) => T | Promise<T>): Promise<T> {
    const unlocked = this.keys.fromSecret(secret.slice());
    const current = this.w.sessions.current();
    if (current?.account === unlocked.account && current.keys.signers.length === unlocked.signers.length) unlocked.destroy();
    else this.w.sessions.begin(unlocked, 'Somebody');
    await this.w.indexer.settled();
    return act(this.w.sessions.require());
  }

  /** A registered patient with open keys, as at the desk. */
  async patient(): Promise<{ patient: string; phrase: string; card: string; desk: { keys: PersonKeys; patient: string } }> {
    const { patient, phrase, card } = await this.as(this.admin.secret, (session) =>
      this.w.patients.register(session, { ...demographics, phone: '', address: '', identifiers: [] }, cardPin),
    );
    this.anchor();
    return { patient: patient.patient, phrase, card, desk: { keys: this.keys.fromPhrase(phrase), patient: patient.patient } };
  }
}
