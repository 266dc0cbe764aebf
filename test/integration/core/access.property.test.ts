/**
 * Who can decrypt what, for random histories of sharing, writing and revoking: the real cryptography, consents, records, index and store, with
 * operations applied in the follower's way and without a ledger. ACCESS_RUNS and ACCESS_SEED choose how many and which (`npm run soak`).
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CID } from 'multiformats/cid';
import { createKeyAdapter } from '../../../src-main/core/adapters/crypto/keys.ts';
import { createRecordCrypto } from '../../../src-main/core/adapters/crypto/record-crypto.ts';
import { createShares } from '../../../src-main/core/adapters/crypto/shares.ts';
import { layOutFile, readFileRange } from '../../../src-main/core/adapters/ipfs/files.ts';
import { parseCid } from '../../../src-main/core/adapters/ipfs/cids.ts';
import { createOperationCodec } from '../../../src-main/core/adapters/ledger/operation-codec.ts';
import { createStore } from '../../../src-main/core/adapters/sqlite/store.ts';
import type { EmbeddedLedgerPort, IpfsPort, LedgerPort, PersonKeys } from '../../../src-main/core/ports.ts';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { createWorkstation, type Workstation } from '../../../src-main/core/services/workstation.ts';
import { AppError } from '../../../src-shared/errors.ts';

const runs = Number(process.env['ACCESS_RUNS'] ?? 100);
const seed = Number(process.env['ACCESS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** Clinical ones: those that a clinic gets at registration are read by everybody who works there. */
const shared = ['problems-and-encounters', 'medications-and-allergies', 'sensitive'] as const;
type Shared = (typeof shared)[number];

const person = fc.integer({ min: 0, max: 2 });
const some = fc.subarray([...shared], { minLength: 1 });
const step = fc.oneof(
  fc.record({ act: fc.constant('grant' as const), person, categories: some, write: fc.boolean() }),
  fc.record({ act: fc.constant('revoke' as const), person, categories: fc.subarray([...shared]) }),
  fc.record({ act: fc.constant('write' as const), person, categories: some }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** What the history allows: the keys that each person was ever given, and where each record lies. */
class History {
  readonly epochs = new Map<Shared, number>(shared.map((category) => [category, 0]));
  readonly writes = new Map<Shared, Map<number, boolean>>(shared.map((category) => [category, new Map()]));
  readonly known = [0, 1, 2].map(() => new Set<string>());
  readonly records: { readonly versionId: string; readonly category: Shared; readonly epoch: number }[] = [];

  epoch(category: Shared): number {
    return this.epochs.get(category) ?? 0;
  }
  grants(category: Shared): Map<number, boolean> {
    return this.writes.get(category) ?? new Map<number, boolean>();
  }
  grant(who: number, categories: readonly Shared[], write: boolean): void {
    for (const category of categories) {
      this.grants(category).set(who, write);
      for (let epoch = 0; epoch <= this.epoch(category); epoch++) this.known[who]?.add(`${category}/${epoch}`);
    }
  }
  revoke(who: number, categories: readonly Shared[]): void {
    for (const category of categories) {
      if (!this.grants(category).delete(who)) continue;
      this.epochs.set(category, this.epoch(category) + 1);
      for (const other of this.grants(category).keys()) this.known[other]?.add(`${category}/${this.epoch(category)}`);
    }
  }
  readable(who: number): string[] {
    return this.records.filter(({ category, epoch }) => this.known[who]?.has(`${category}/${epoch}`)).map(({ versionId }) => versionId);
  }
}

const away = () => Promise.reject(new AppError('LEDGER_UNREACHABLE', 'There is no ledger in this test.'));
const noLedger: LedgerPort = {
  ...{ connect: () => undefined, config: null, check: away, head: away, blockHash: away, blockTime: away, events: away, nonce: away },
  ...{ signBatch: away, broadcast: away, receipt: away, relayerAddress: () => `0x${'00'.repeat(20)}`, close: () => undefined },
};
const noEmbedded: EmbeddedLedgerPort = {
  start: () => Promise.resolve({ url: 'http://127.0.0.1:9', port: 9 }),
  deploy: () => Promise.resolve({ chainId: 7, operations: `0x${'11'.repeat(20)}` }),
  stop: () => Promise.resolve(),
};

/** Blocks in memory; files laid out and read as on IPFS. */
function memoryBlocks(): IpfsPort {
  const blocks = new Map<string, Uint8Array>();
  const get = (cid: string) => {
    const bytes = blocks.get(cid);
    return bytes ? Promise.resolve(bytes) : Promise.reject(new AppError('BLOCK_UNAVAILABLE', `No block ${cid}.`));
  };
  return {
    ...{ start: () => Promise.resolve(), stop: () => Promise.resolve(), addresses: () => [], peers: () => [] },
    ...{ dial: () => Promise.resolve(), onPeersChanged: () => undefined },
    layOut: layOutFile,
    put: (added) => added.forEach(({ cid, bytes }) => blocks.set(cid, bytes)),
    has: (cid) => blocks.has(cid),
    get,
    readFile: (cid, options = {}) => readFileRange((block: CID) => get(block.toString()), parseCid(cid), options),
  };
}

let dir = '';
let w: Workstation;
let block = 0;
let admin: { secret: Uint8Array };
const doctors: { account: string; secret: Uint8Array }[] = [];
const keys = createKeyAdapter({ memoryKiB: 8192, passes: 1 });

/** What the follower does when the ledger took everything that waits. */
function anchor(): void {
  const { workstation: store } = w.store;
  const pending = store.pending(1000);
  block += 1;
  const hash = `0x${block.toString(16).padStart(64, '0')}`;
  const events = pending.map(({ operation }, logIndex) => ({
    event: { type: 'applied' as const, opId: operation.opId, operation, block, blockHash: hash, logIndex, txHash: hash },
    decoded: w.codec.decodePayload(operation),
  }));
  store.applyEvents(events, [{ number: block, hash }]);
  w.facts.tell('operations', { kinds: new Set(pending.map(({ kind }) => kind)) });
}

async function as<T>(secret: Uint8Array, act: (session: ReturnType<Workstation['sessions']['require']>) => T | Promise<T>): Promise<T> {
  const unlocked = keys.fromSecret(secret.slice());
  if (w.sessions.current()?.account === unlocked.account) unlocked.destroy();
  else w.sessions.begin(unlocked, 'Somebody');
  await w.indexer.settled();
  return act(w.sessions.require());
}

beforeAll(async () => {
  // In memory where there is such a folder: what is tested here is not the disk.
  dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'anamnesis-access-'));
  const crypto = createRecordCrypto();
  const ports = {
    ...{ keys, crypto, codec: createOperationCodec(), ledger: noLedger, embedded: noEmbedded, ipfs: memoryBlocks() },
    shares: createShares(),
    store: createStore({ dir, machineKey: crypto.randomBytes(32) }),
    clock: Date.now,
    demoFiles: () => expect.fail('no demo here'),
    report: (error: unknown) => {
      throw error;
    },
  };
  w = createWorkstation(ports, { version: 'test', ledgerDir: dir, mdns: false, listen: [] });
  const phrase = keys.createPhrase();
  const passphrase = 'correct horse battery';
  await w.setup.createClinic({ clinicName: 'Clinic', personName: 'Admin', passphrase, phrase });
  admin = { secret: keys.fromPhrase(phrase).secret() };
  const enrol = async (unlocked: PersonKeys) => {
    const secret = unlocked.secret();
    const { account, enrolmentCode } = await w.people.createKey('Doctor', passphrase, unlocked);
    await w.people.approve(enrolmentCode, ['practitioner']);
    doctors.push({ account, secret });
  };
  for (let i = 0; i < 3; i++) await enrol(keys.fromPhrase(keys.createPhrase()));
  await w.people.changeRoles(w.sessions.require().account, ['admin', 'registrar']);
  anchor();
});
afterAll(async () => {
  await w.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function live(steps: readonly Step[]): Promise<void> {
  const history = new History();
  const registered = await as(admin.secret, (session) => {
    const demographics = { family: 'Rao', given: 'Asha', prefix: '', birthDate: '', birthDateEstimated: false, gender: 'unknown' as const };
    return w.patients.register(session, { ...demographics, phone: '', address: '', identifiers: [] }, '246810');
  });
  const { patient } = registered.patient;
  const desk = { keys: keys.fromPhrase(registered.phrase), patient };
  anchor();
  for (const { person: who, categories, ...what } of steps) {
    const { account, secret } = doctors[who] ?? expect.fail();
    const grantee = granteeOfAccount(account);
    if (what.act === 'grant') {
      await w.sharing.grant(desk, { grantee, categories, write: what.write, purpose: 'treatment', until: 0 });
      history.grant(who, categories, what.write);
    } else if (what.act === 'revoke') {
      const held = shared.filter((category) => history.grants(category).has(who));
      const ending = held.filter((category) => categories.length === 0 || categories.includes(category));
      // Of all, also the demographics end, which every grant brings with it.
      const done = await w.sharing.revoke(desk, grantee, categories).then(
        () => true,
        (error: AppError) => (error.code === 'NOT_FOUND' ? false : expect.fail(error.message)),
      );
      if (ending.length > 0) expect(done).toBe(true);
      history.revoke(who, ending);
    } else {
      await as(secret, async (session) => {
        const records = categories.map((category) => {
          const versionId = crypto.randomUUID();
          const json = JSON.stringify({ resourceType: 'Basic', id: versionId });
          return { recordId: crypto.randomUUID(), versionId, previous: [], resourceType: 'Basic', category, json };
        });
        const writing = w.records.prepareAll(session.keys, session.index, patient, records);
        if (!categories.every((category) => history.grants(category).get(who))) {
          await expect(writing).rejects.toMatchObject({ code: 'CONSENT_MISSING' });
          return;
        }
        const commits = await writing;
        w.publisher.publish(
          commits.flatMap(({ blocks }) => blocks),
          commits.map(({ operation }) => operation),
        );
        for (const { versionId, category } of records) history.records.push({ versionId, category, epoch: history.epoch(category) });
      });
    }
    anchor();
  }
  for (const [who, { secret }] of doctors.entries()) {
    const { read, held } = await as(secret, ({ index }) => ({
      held: index.keks({ patient }).map(({ category, epoch }) => `${category}/${epoch}`),
      read: index.records({ patient, categories: shared, current: false, limit: 10_000 }).map(({ versionId }) => versionId),
    }));
    expect(new Set(read)).toEqual(new Set(history.readable(who)));
    // Not only what is indexed: no key is held that the history does not give, whatever it might open.
    expect(new Set(held.filter((key) => shared.some((category) => key.startsWith(`${category}/`))))).toEqual(history.known[who]);
  }
}

it(
  `lets each person decrypt exactly what the history allows (${runs} histories, ACCESS_SEED=${seed})`,
  () => fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), live), { numRuns: runs, seed, endOnFailure: true }),
  Math.max(120_000, runs * 1_000),
);
