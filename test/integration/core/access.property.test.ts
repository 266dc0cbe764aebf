/**
 * Who can decrypt what, for random histories of sharing, writing and revoking: the real cryptography, consents, records, index and store, with
 * operations applied in the follower's way and without a ledger. ACCESS_RUNS and ACCESS_SEED choose how many and which (`npm run soak`).
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import type { AppError } from '../../../src-shared/errors.ts';
import { Ledgerless } from './ledgerless.ts';

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

let ledgerless: Ledgerless;
beforeAll(async () => {
  ledgerless = await Ledgerless.start(3);
});
afterAll(() => ledgerless.stop());

async function live(steps: readonly Step[]): Promise<void> {
  const history = new History();
  const { w, doctors } = ledgerless;
  const as = ledgerless.as.bind(ledgerless);
  const { patient, desk } = await ledgerless.patient();
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
    ledgerless.anchor();
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
