/**
 * Who can decrypt what, for random histories of sharing, writing, revoking, a guardian who shares and revokes in the patient's stead, new keys of patients
 * and doctors, and links between records: the real cryptography, consents, records, index and store, with operations applied in the follower's way and
 * without a ledger. ACCESS_RUNS and ACCESS_SEED choose how many and which (`npm run soak`).
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import type { AppError } from '../../../src-shared/errors.ts';
import { cardPin, Ledgerless } from './ledgerless.ts';

const runs = Number(process.env['ACCESS_RUNS'] ?? 100);
const seed = Number(process.env['ACCESS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** Clinical ones: those that a clinic gets at registration are read by everybody who works there. */
const shared = ['problems-and-encounters', 'medications-and-allergies', 'sensitive'] as const;
type Shared = (typeof shared)[number];

const person = fc.integer({ min: 0, max: 2 });
const some = fc.subarray([...shared], { minLength: 1 });
const decider = fc.constantFrom('patient' as const, 'guardian' as const);
/** Stands behind the doctors, as the one more who is given keys. */
const guardianNumber = 3;
const step = fc.oneof(
  fc.record({ act: fc.constant('grant' as const), by: decider, person, categories: some, write: fc.boolean() }),
  fc.record({ act: fc.constant('revoke' as const), by: decider, person, categories: fc.subarray([...shared]) }),
  fc.record({ act: fc.constant('write' as const), person, categories: some }),
  fc.constantFrom({ act: 'rotate' as const }, { act: 'link' as const }, { act: 'guardian' as const }),
  fc.record({ act: fc.constant('rotate-doctor' as const), person }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** What the history allows: the keys that each person was ever given, and where each record lies. */
class History {
  readonly epochs = new Map<Shared, number>(shared.map((category) => [category, 0]));
  readonly writes = new Map<Shared, Map<number, boolean>>(shared.map((category) => [category, new Map()]));
  readonly known = [0, 1, 2, guardianNumber].map(() => new Set<string>());
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
  write(versionId: string, category: Shared): void {
    this.records.push({ versionId, category, epoch: this.epoch(category) });
  }
  /** A patient's new key ends nobody's access, and begins an epoch of everything. */
  rotate(): void {
    for (const category of shared) {
      this.epochs.set(category, this.epoch(category) + 1);
      for (const who of this.grants(category).keys()) this.known[who]?.add(`${category}/${this.epoch(category)}`);
    }
  }
  readable(who: number): string[] {
    return this.records.filter(({ category, epoch }) => this.known[who]?.has(`${category}/${epoch}`)).map(({ versionId }) => versionId);
  }
}

type Registered = Awaited<ReturnType<Ledgerless['patient']>>;
type DeskOfPatient = Registered['desk'];

let ledgerless: Ledgerless;
/** A record of which nobody is given anything. */
let other = '';
let guardian: Registered;
const doctor = (who: number) => ledgerless.doctors[who] ?? expect.fail();
const granteeOf = (who: number) => granteeOfAccount(doctor(who).account);
/** A workstation lives for so many histories: what it replays grows with each, and a key is replaced 32 times at most. */
const perWorkstation = 30;
let lived = 0;
async function begin(): Promise<void> {
  ledgerless = await Ledgerless.start(3);
  other = (await ledgerless.patient()).patient;
  guardian = await ledgerless.patient();
  lived = 0;
}
beforeAll(begin);
afterAll(() => ledgerless.stop());

/** One patient with a history: the acts as the services do them, and beside each what it allows. */
class Life {
  readonly history = new History();
  readonly #patient: string;
  #phrase: string;
  #desk: DeskOfPatient;
  #linked = false;
  #guarded = false;

  constructor({ patient, phrase, desk }: Registered) {
    this.#patient = patient;
    this.#phrase = phrase;
    this.#desk = desk;
  }

  async step(what: Step): Promise<void> {
    if ('by' in what) await this.#decide(what);
    else if (what.act === 'write') await this.#write(what.person, what.categories);
    else if (what.act === 'rotate') await this.#rotate();
    else if (what.act === 'rotate-doctor') await ledgerless.rotateDoctor(what.person);
    else if (what.act === 'guardian') await this.#appointOrDismiss();
    else await this.#link();
    ledgerless.anchor();
  }

  async #decide(what: Extract<Step, { by: unknown }>): Promise<void> {
    const { sharing } = ledgerless.w;
    const desk = what.by === 'patient' ? this.#desk : await this.#guardiansDesk();
    const terms = { grantee: granteeOf(what.person), categories: what.categories };
    const decision = () =>
      what.act === 'grant'
        ? sharing.grant(desk, { ...terms, write: what.write, purpose: 'treatment', until: 0 })
        : sharing.revoke(desk, terms.grantee, terms.categories);
    if (what.by === 'guardian' && !this.#guarded) {
      // Where the guardian has never been one, there is nothing that could be revoked either.
      await expect(decision()).rejects.toMatchObject({ code: expect.stringMatching(/^NOT_(ALLOWED|FOUND)$/) });
    } else if (what.act === 'grant') {
      await decision();
      this.history.grant(what.person, what.categories, what.write);
    } else {
      await this.#revoke(what.person, what.categories, decision);
    }
  }

  /** The guardian with their own key, deciding for the patient. */
  async #guardiansDesk(): Promise<DeskOfPatient> {
    const desk = { keys: guardian.desk.keys, patient: this.#patient };
    await ledgerless.w.keyring.prepare(desk);
    return desk;
  }

  /** For everything, with all powers; the next time the appointment ends. */
  async #appointOrDismiss(): Promise<void> {
    const { delegates } = ledgerless.w;
    if (this.#guarded) {
      await delegates.dismiss(this.#desk, guardian.patient);
      this.history.revoke(guardianNumber, shared);
    } else {
      const powers = ['share', 'revoke', 'emergency'] as const;
      await delegates.appoint(this.#desk, { delegate: guardian.patient, capacity: 'guardian', powers, categories: [], until: 0 });
      this.history.grant(guardianNumber, shared, false);
    }
    this.#guarded = !this.#guarded;
  }

  async #revoke(who: number, categories: readonly Shared[], revoke: () => Promise<void>): Promise<void> {
    const held = shared.filter((category) => this.history.grants(category).has(who));
    const ending = held.filter((category) => categories.length === 0 || categories.includes(category));
    // Of all, also the demographics end, which every grant brings with it.
    const done = await revoke().then(
      () => true,
      (error: AppError) => (error.code === 'NOT_FOUND' ? false : expect.fail(error.message)),
    );
    if (ending.length > 0) expect(done).toBe(true);
    this.history.revoke(who, ending);
  }

  async #write(who: number, categories: readonly Shared[]): Promise<void> {
    const { w } = ledgerless;
    await ledgerless.as(doctor(who).secret, async (session) => {
      const records = categories.map((category) => {
        const versionId = crypto.randomUUID();
        const json = JSON.stringify({ resourceType: 'Basic', id: versionId });
        return { recordId: crypto.randomUUID(), versionId, previous: [], resourceType: 'Basic', category, json };
      });
      const writing = w.records.prepareAll(session.keys, session.index, this.#patient, records);
      if (!categories.every((category) => this.history.grants(category).get(who))) {
        await expect(writing).rejects.toMatchObject({ code: 'CONSENT_MISSING' });
        return;
      }
      const commits = await writing;
      w.publisher.publish(
        commits.flatMap(({ blocks }) => blocks),
        commits.map(({ operation }) => operation),
      );
      for (const { versionId, category } of records) this.history.write(versionId, category);
    });
  }

  /** A new key; from then on the patient is at the desk with what the new words alone give. */
  async #rotate(): Promise<void> {
    const { w } = ledgerless;
    const before = this.#desk;
    await ledgerless.as(ledgerless.admin.secret, async (session) => {
      const opening = { by: 'words' as const, phrase: this.#phrase };
      ({ phrase: this.#phrase } = await w.patientRotation.rotate(session, this.#patient, opening, cardPin));
      ledgerless.anchor();
      this.#desk = await w.sessions.openCard(await w.cards.reissue(this.#patient, this.#phrase, cardPin), cardPin);
    });
    expect(() => w.keyring.of(before)).toThrow(expect.objectContaining({ code: 'KEY_REPLACED' }));
    this.history.rotate();
  }

  /** Two records found to be of one person: says so, and gives nobody anything. The next time the link is undone. */
  async #link(): Promise<void> {
    const { duplicates } = ledgerless.w;
    await ledgerless.as(ledgerless.admin.secret, (session) =>
      this.#linked
        ? duplicates.unlink(session, this.#patient, 'Two people after all')
        : duplicates.link(session, this.#patient, other, 'The same person'),
    );
    this.#linked = !this.#linked;
  }

  async check(): Promise<void> {
    for (const who of ledgerless.doctors.keys()) {
      const { read, held, others } = await ledgerless.as(doctor(who).secret, ({ index }) => ({
        held: index.keks({ patient: this.#patient }).map(({ category, epoch }) => `${category}/${epoch}`),
        read: index
          .records({ patient: this.#patient, categories: shared, current: false, limit: 10_000 })
          .map(({ versionId }) => versionId),
        others: index.keks({ patient: other }).map(({ category }) => category),
      }));
      expect(new Set(read)).toEqual(new Set(this.history.readable(who)));
      // Not only what is indexed: no key is held that the history does not give, whatever it might open.
      expect(new Set(held.filter((key) => shared.some((category) => key.startsWith(`${category}/`))))).toEqual(this.history.known[who]);
      expect(others.filter((category) => shared.some((one) => one === category))).toEqual([]);
    }
    await this.#checkGuardian();
    // The patient reads everything, whatever keys there were.
    const summary = await ledgerless.as(ledgerless.admin.secret, ({ index }) => ledgerless.w.patients.get(index, this.#patient));
    const view = await ledgerless.w.sharing.view(this.#desk, summary);
    for (const category of shared) {
      const written = this.history.records.filter((record) => record.category === category).length;
      expect(view.categories.find((one) => one.category === category)?.count).toBe(written);
    }
    this.#desk.keys.destroy();
  }

  /** The guardian has the keys of the epochs that the history gives, also of those that began by the guardian's own revocation, and no other. */
  async #checkGuardian(): Promise<void> {
    const { keyring, consents } = ledgerless.w;
    const hers = keyring.of(await this.#guardiansDesk());
    const own = keyring.of(this.#desk);
    const held: string[] = [];
    for (const category of shared) {
      const compartment = own.compartmentOf(category);
      expect(consents.epoch(this.#patient, compartment)).toBe(this.history.epoch(category));
      for (let epoch = 0; epoch <= this.history.epoch(category); epoch++) {
        const kek = await hers.kek(compartment, epoch);
        if (kek) expect(kek).toEqual(await own.kek(compartment, epoch));
        if (kek) held.push(`${category}/${epoch}`);
      }
    }
    expect(new Set(held)).toEqual(this.history.known[guardianNumber]);
  }
}

async function live(steps: readonly Step[]): Promise<void> {
  if (lived++ === perWorkstation) {
    await ledgerless.stop();
    await begin();
  }
  const life = new Life(await ledgerless.patient());
  for (const what of steps) await life.step(what);
  await life.check();
}

it(
  `lets each person decrypt exactly what the history allows (${runs} histories, ACCESS_SEED=${seed})`,
  () => fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), live), { numRuns: runs, seed, endOnFailure: true }),
  // Bounded, so that a hang is known; how long it takes is not judged.
  Math.max(600_000, runs * 30_000),
);
