/**
 * Computers that free the same contents at the same time, over the real protocol and tables: with messages late, in any order or lost, programs killed in the
 * middle, folders put back from a backup, and a computer that lies. At no moment are there fewer copies than the clinic wants.
 */
import { randomBytes } from 'node:crypto';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { createRecordCrypto } from '../../../src-main/core/adapters/crypto/record-crypto.ts';
import { freeingStore } from '../../../src-main/core/adapters/sqlite/freeing-tables.ts';
import { holdingsStore } from '../../../src-main/core/adapters/sqlite/holdings-table.ts';
import { migrate } from '../../../src-main/core/adapters/sqlite/migrate.ts';
import { workstationMigrations } from '../../../src-main/core/adapters/sqlite/migrations/workstation/index.ts';
import type { PeerService } from '../../../src-main/core/ports.ts';
import { createFreeRound } from '../../../src-main/core/services/availability/free-round.ts';
import { createPromises } from '../../../src-main/core/services/availability/promises.ts';
import { bytesOf, utf8 } from '../../../src-main/core/services/bytes.ts';
import { AppError } from '../../../src-shared/errors.ts';

const runs = Number(process.env['PROMISES_RUNS'] ?? 200);
const seed = Number(process.env['PROMISES_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const crypto = createRecordCrypto();
const template = new Database(':memory:');
migrate(template, 'workstation.db', workstationMigrations);
const empty = template.serialize();
const ops = [`0x${'01'.repeat(32)}`, `0x${'02'.repeat(32)}`];
const unreachable = () => new AppError('PEER_UNREACHABLE', 'Away.');
/** Never returned to by a program that was killed. */
const never = <T>() => new Promise<T>(() => undefined);
const seen = { freed: 0, refused: 0, killedBetween: 0 };

/** What waits to be delivered or read; the test chooses what comes next. */
class Later {
  readonly #waiting: (() => void)[] = [];
  wait = () => new Promise<void>((resolve) => this.#waiting.push(resolve));
  async step(pick: number): Promise<boolean> {
    const [next] = this.#waiting.splice(pick % Math.max(1, this.#waiting.length), 1);
    next?.();
    await new Promise((resolve) => setImmediate(resolve));
    return next !== undefined;
  }
}

type KillAt = 'decided' | 'gone' | null;

class Computer {
  readonly contents = new Set<string>();
  readonly #network: Network;
  readonly #name: string;
  #db = this.#open();
  #run = 0;
  #service: PeerService | null = null;
  #free: ((opIds: readonly string[]) => Promise<unknown>) | null = null;
  killAt: KillAt = null;

  constructor(network: Network, name: string) {
    this.#network = network;
    this.#name = name;
    this.restore();
  }

  #open() {
    return new Database(empty);
  }

  /** All of it as it was at first. */
  restore(): void {
    this.#db.close();
    this.#db = this.#open();
    holdingsStore(this.#db).note(ops.map((opId) => ({ opId, whole: true, records: 1 })));
    if (!this.#network.liars.has(this.#name)) for (const opId of ops) this.contents.add(opId);
    this.start();
  }

  /** Also after a kill: what was in memory is gone. */
  start(): void {
    const run = ++this.#run;
    const isAlive = () => this.#run === run;
    const table = freeingStore(this.#db);
    const network = this.#network;
    const proofs = {
      keptOf: () => [],
      of: async (opId: string, nonce: Uint8Array, prover: string) => {
        await network.later.wait();
        if (!isAlive()) return never<null>();
        if (network.liars.has(this.#name)) return new Uint8Array(randomBytes(32));
        return this.contents.has(opId) ? crypto.sha256(Buffer.concat([nonce, bytesOf(opId), utf8(prover)])) : null;
      },
    };
    const promises = createPromises({
      ...{ table, proofs, crypto, sizeOf: () => 1 },
      peers: {
        ask: (peer, _protocol, question) => network.ask(this.#name, peer, question, isAlive),
        serve: (_protocol, service) => (this.#service = service),
      },
      hello: { own: () => network.othersOf(this.#name), standing: () => Promise.resolve('own'), onStanding: () => undefined },
      ownPeer: () => this.#name,
      counts: () => true,
      onMissing: () => undefined,
      report(error) {
        throw error;
      },
    });
    const care = {
      sizeOf: (opId: string) => (this.contents.has(opId) ? 1 : 0),
      free: (opId: string) => {
        if (this.killAt === 'decided') throw this.kill();
        this.contents.delete(opId);
        if (this.killAt === 'gone') throw this.kill();
        return 1;
      },
    };
    const round = createFreeRound({
      ...{ table, care, proofs, promises },
      own: () => network.othersOf(this.#name),
      kindOf: () => 'workstation',
      wanted: () => ({ computers: network.wanted, hub: false, outside: false }),
    });
    const here = round.settle();
    holdingsStore(this.#db).note(here.map((opId) => ({ opId, whole: true, records: 1 })));
    this.#free = round.free;
  }

  kill(): Error {
    if (this.killAt !== null) seen.killedBetween += 1;
    this.killAt = null;
    this.start();
    return new Error('killed');
  }

  free(opIds: readonly string[]): void {
    const run = this.#run;
    this.#free?.(opIds).then(
      (freed) => void ((freed as unknown[]).length > 0 ? (seen.freed += 1) : (seen.refused += 1)),
      (error: unknown) => {
        // A round under way, or a kill.
        if (this.#run === run && !(error instanceof AppError)) throw error;
      },
    );
  }

  /** Somebody opens it, and it is fetched from whoever has it. */
  open(opId: string): void {
    if (this.contents.has(opId) || !this.#network.isHeldBesides(this.#name, opId)) return;
    this.contents.add(opId);
    holdingsStore(this.#db).note([{ opId, whole: true, records: 1 }]);
  }

  answer(peer: string, question: Uint8Array): Promise<Uint8Array | null> {
    return this.#service?.answer(peer, question) ?? Promise.resolve(null);
  }

  close(): void {
    this.#db.close();
  }
}

class Network {
  readonly later = new Later();
  readonly computers = new Map<string, Computer>();
  readonly cut = new Set<string>();
  /** Messages that get lost from here on. */
  losing = 0;
  readonly liars: ReadonlySet<string>;
  readonly wanted: number;

  constructor(size: number, wanted: number, hasLiar: boolean) {
    this.wanted = wanted;
    this.liars = new Set(hasLiar ? ['P0'] : []);
    for (let i = 0; i < size; i++) this.computers.set(`P${i}`, new Computer(this, `P${i}`));
  }

  othersOf = (name: string) => [...this.computers.keys()].filter((other) => other !== name && !this.cut.has(name) && !this.cut.has(other));
  copies = (opId: string) => [...this.computers.values()].filter(({ contents }) => contents.has(opId)).length;
  isHeldBesides = (name: string, opId: string) => this.othersOf(name).some((other) => this.computers.get(other)?.contents.has(opId));

  async ask(from: string, to: string, question: Uint8Array, isAlive: () => boolean): Promise<Uint8Array> {
    await this.later.wait();
    if (this.#isLost(from, to)) throw unreachable();
    const answer = await this.computers.get(to)?.answer(from, question);
    await this.later.wait();
    if (!isAlive()) return never();
    if (!answer || this.#isLost(from, to)) throw unreachable();
    return answer;
  }

  #isLost(from: string, to: string): boolean {
    if (this.losing > 0) this.losing -= 1;
    else return !this.othersOf(from).includes(to);
    return true;
  }
}

const who = fc.nat(3);
const what = fc.subarray(ops, { minLength: 1 });
const action = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant('steps' as const), picks: fc.array(fc.nat(40), { minLength: 1, maxLength: 25 }) }),
  },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('free' as const), who, what }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('kill' as const), who }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('killAt' as const), who, at: fc.constantFrom('decided' as const, 'gone' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('restore' as const), who }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('open' as const), who, what }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('lose' as const), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('cut' as const), who }) },
);

type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

async function play(network: Network, actions: readonly Action[]): Promise<void> {
  const names = [...network.computers.keys()];
  const nameOf = (index: number) => names[index % names.length] ?? '';
  const at = (index: number) => network.computers.get(nameOf(index));
  const least = Math.min(network.wanted, names.length - network.liars.size);
  const check = () => ops.forEach((opId) => expect(network.copies(opId)).toBeGreaterThanOrEqual(least));
  check();
  for (const one of actions) {
    if (one.type === 'steps') {
      for (const pick of one.picks) {
        await network.later.step(pick);
        check();
      }
    } else if (one.type === 'free') at(one.who)?.free(one.what);
    else if (one.type === 'kill') at(one.who)?.kill();
    else if (one.type === 'restore') at(one.who)?.restore();
    else if (one.type === 'open') one.what.forEach((opId) => at(one.who)?.open(opId));
    else if (one.type === 'lose') network.losing += one.count;
    else if (one.type === 'cut') {
      const name = nameOf(one.who);
      if (!network.cut.delete(name)) network.cut.add(name);
    } else {
      const computer = at(one.who);
      if (computer) computer.killAt = one.at;
    }
    check();
  }
  while (await network.later.step(0)) check();
}

it('there are never fewer copies than wanted, whoever frees what at the same time', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 2, max: 4 }),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      fc.array(action, { minLength: 5, maxLength: 40 }),
      async (size, wanted, hasLiar, actions) => {
        const network = new Network(size, wanted, hasLiar);
        try {
          await play(network, actions);
        } finally {
          for (const computer of network.computers.values()) computer.close();
        }
      },
    ),
    { numRuns: runs, seed },
  );
});

afterAll(() => {
  // Otherwise nothing was tried.
  expect(seen.freed).toBeGreaterThan(20);
  expect(seen.refused).toBeGreaterThan(20);
  expect(seen.killedBetween).toBeGreaterThan(5);
});
