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
import type { EmbeddedLedgerPort } from '../../../src-main/core/ports.ts';
import { createWorkstation, type Workstation } from '../../../src-main/core/services/workstation.ts';
import { careless } from '../../integration/core/careless.ts';
import { createPinningClient } from '../../../src-main/core/adapters/pinning/pinning-client.ts';
import { Life, sharedBlocks, unreliableLedger, type Blocks, type Weather } from './unreliable-ports.ts';

const crypto = createRecordCrypto();

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
  life = new Life();
  w: Workstation;
  #found: () => void = () => undefined;

  constructor(embedded: EmbeddedLedgerPort, url: () => string, others: () => readonly Place[]) {
    this.#url = url;
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
        ...{ keys: this.keys, crypto, codec: createOperationCodec(), shares: createShares(), embedded: this.#embedded, ipfs },
        ledger: unreliableLedger(createLedger(), life, this.#url),
        car: createCar(),
        care: careless,
        service: createPinningClient(),
        store: createStore({ dir: this.#dir, machineKey: this.#machineKey.slice() }),
        clock: Date.now,
        demoFiles() {
          throw new Error('There is no demo here.');
        },
        // What a process that is gone complains of is its closed store.
        report: (error) => void (life.dead || this.faults.push(error)),
      },
      { version: 'test', ledgerDir: this.#dir, mdns: false, listen: [], kind: 'workstation' },
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
    void this.w.availability.stop();
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
    const unlocked = this.keys.fromSecret(secret.slice());
    if (this.w.sessions.current()?.account === unlocked.account) unlocked.destroy();
    else this.w.sessions.begin(unlocked, 'Somebody');
    await this.w.indexer.settled();
    await this.w.resealing.settled();
    return act(this.w.sessions.require());
  }

  async close(): Promise<void> {
    await this.w.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
