/** One workstation of the model: real services, cryptography, store, outbox and follower in this process, which can be killed and opened again. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyAdapter } from '../../../src-main/core/adapters/crypto/keys.ts';
import { createRecordCrypto } from '../../../src-main/core/adapters/crypto/record-crypto.ts';
import { createShares } from '../../../src-main/core/adapters/crypto/shares.ts';
import { createCar } from '../../../src-main/core/adapters/ipfs/car.ts';
import { createLedger } from '../../../src-main/core/adapters/ledger/ledger.ts';
import { createOperationCodec } from '../../../src-main/core/adapters/ledger/operation-codec.ts';
import { createStore } from '../../../src-main/core/adapters/sqlite/store.ts';
import type { EmbeddedLedgerPort, OperationCodecPort, RecordCryptoPort } from '../../../src-main/core/ports.ts';
import { createWorkstation, type Workstation } from '../../../src-main/core/services/workstation.ts';
import { careless } from '../../integration/core/careless.ts';
import { createPinningClient } from '../../../src-main/core/adapters/pinning/pinning-client.ts';
import { Life, sharedBlocks, unreliableLedger, type Blocks, type Weather } from './unreliable-ports.ts';

/** What depends on nothing but what goes in is found out once for all workstations, log-ins and restarts. Forgets all of it now and then. */
class Remembered<T> {
  readonly #known = new Map<string, T>();

  of(key: string, find: () => T): T {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size > 20_000) this.#known.clear();
    const found = find();
    this.#known.set(key, found);
    return found;
  }
}

function rememberingOpened(real: RecordCryptoPort): RecordCryptoPort {
  const envelopes = new Remembered<ReturnType<RecordCryptoPort['openEnvelopes']>>();
  const organizations = new Remembered<ReturnType<RecordCryptoPort['openOrganizationKey']>>();
  const keyOf = (bytes: Uint8Array, network: string, of: string, by: string, secret: Uint8Array) =>
    [network, of, by, Buffer.from(real.sha256(bytes)).toString('hex'), Buffer.from(secret).toString('hex')].join('/');
  // Copies: whoever asked zeroes them.
  return {
    ...real,
    async openEnvelopes(...of) {
      const opened = await envelopes.of(keyOf(...of), () => real.openEnvelopes(...of));
      return opened?.map((one) => ({ ...one, kek: one.kek.slice() })) ?? null;
    },
    async openOrganizationKey(...of) {
      const opened = await organizations.of(keyOf(...of), () => real.openOrganizationKey(...of));
      return opened?.map((secret) => secret.slice()) ?? null;
    },
  };
}
const crypto = rememberingOpened(createRecordCrypto());

function rememberingSigners(real: OperationCodecPort): OperationCodecPort {
  const signers = new Remembered<string | null>();
  return {
    ...real,
    recover: (digest, signature) => signers.of(`${Buffer.from(digest).toString('hex')}${signature}`, () => real.recover(digest, signature)),
  };
}
const codec = rememberingSigners(createOperationCodec());
/** Whose secret it is: deriving keys takes longer than all else that logging in does. */
const accounts = new WeakMap<Uint8Array, string>();

export class Place {
  readonly keys = createKeyAdapter({ memoryKiB: 8192, passes: 1 });
  readonly blocks: Blocks = new Map();
  /** Faults that nobody asked about, of any of its processes while it lived. */
  readonly faults: unknown[] = [];
  readonly #dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'anamnesis-model-'));
  readonly #machineKey = crypto.randomBytes(32);
  readonly #embedded: EmbeddedLedgerPort;
  readonly #others: () => readonly Place[];
  readonly #url: () => string;
  readonly #clock: () => number;
  life = new Life();
  w: Workstation;
  #found: () => void = () => undefined;

  /** @param clock milliseconds, as this workstation has them. */
  constructor(embedded: EmbeddedLedgerPort, url: () => string, others: () => readonly Place[], clock: () => number) {
    this.#url = url;
    this.#clock = clock;
    this.#embedded = embedded;
    this.#others = others;
    this.w = this.#open();
  }

  #open(): Workstation {
    const life = new Life();
    this.life = life;
    const ipfs = sharedBlocks(this.blocks, life, () => this.#others().filter((other) => other !== this));
    this.#found = () => ipfs.found();
    const w = createWorkstation(
      {
        ...{ keys: this.keys, crypto, codec, shares: createShares(), embedded: this.#embedded, ipfs },
        ledger: unreliableLedger(createLedger(), life, this.#url),
        car: createCar(),
        care: careless,
        service: createPinningClient(),
        store: createStore({ dir: this.#dir, machineKey: this.#machineKey.slice() }),
        clock: this.#clock,
        demoFiles() {
          throw new Error('There is no demo here.');
        },
        // What a process that is gone complains of is its closed store.
        report: (error) => void (life.dead || this.faults.push(error)),
      },
      // A history has few commits: already these are to go the way that a long catch-up goes.
      { version: 'test', ledgerDir: this.#dir, mdns: false, listen: [], kind: 'workstation', catchUpFrom: 2 },
    );
    w.start();
    return w;
  }

  /** Nothing that is in memory is left, nor heard of again; what the store said is durable is there when it is opened anew. */
  kill(): void {
    this.life.die();
    this.w.indexer.stop();
    this.w.dropping.stop();
    this.w.sessions.lock();
    // Resolves never: a round in the middle of a call hangs there for good.
    void this.w.connections.stop();
    // What it would still note before it ends is lost with the process: its store is closed under it.
    this.w.availability.stop().catch(() => undefined);
    this.w.store.close();
  }

  reopen(): void {
    const { weather } = this.life;
    this.kill();
    this.w = this.#open();
    this.life.weather = weather;
  }

  change(weather: Weather): void {
    this.life.weather = weather;
    this.w.connections.hurry();
    this.#found();
  }

  /** Logs a person in who does something; CORE_RESTARTED where the process ends before that is done. */
  as<T>(secret: Uint8Array, act: (session: ReturnType<Workstation['sessions']['require']>) => T | Promise<T>): Promise<T> {
    return this.life.answering(this.#as(secret, act));
  }

  async #as<T>(secret: Uint8Array, act: (session: ReturnType<Workstation['sessions']['require']>) => T | Promise<T>): Promise<T> {
    const current = this.w.sessions.current()?.account;
    if (current === undefined || current !== accounts.get(secret)) {
      const unlocked = this.keys.fromSecret(secret.slice());
      accounts.set(secret, unlocked.account);
      this.w.sessions.begin(unlocked, 'Somebody');
    }
    await this.w.indexer.settled();
    await this.w.resealing.settled();
    return act(this.w.sessions.require());
  }

  async close(): Promise<void> {
    await this.w.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
