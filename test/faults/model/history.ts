/** One random history of one patient over two to four workstations, and what has to hold when all faults are over. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import type { Session } from '../../../src-main/core/services/sessions.ts';
import type { AppError } from '../../../src-shared/errors.ts';
import type { Place } from './place.ts';
import { moments, weathers } from './unreliable-ports.ts';
import type { Doctor, Patient, World } from './world.ts';

const shared = ['problems-and-encounters', 'medications-and-allergies', 'sensitive'] as const;
type Shared = (typeof shared)[number];

const at = fc.nat(3);
const person = fc.nat(2);
const some = fc.subarray([...shared], { minLength: 1 });
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ act: fc.constant('grant' as const), at, person, categories: some, write: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('revoke' as const), at, person, categories: fc.subarray([...shared]) }) },
  { weight: 5, arbitrary: fc.record({ act: fc.constant('write' as const), at, person, categories: some, killed: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('weather' as const), at, weather: fc.constantFrom(...weathers) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('kill' as const), at, moment: fc.constantFrom(...moments) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('reorganize' as const), depth: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('settle' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

export const plan = fc.record({ places: fc.integer({ min: 2, max: 4 }), steps: fc.array(step, { minLength: 3, maxLength: 14 }) });

/** Of the doctors, the one whose access stays. */
const constant = 3;

/** What a workstation may say to somebody who works with what it knows. */
const refusals = ['CONSENT_MISSING', 'KEY_MISSING', 'NOT_FOUND', 'BLOCK_UNAVAILABLE', 'CORE_RESTARTED'];

export interface Counts {
  runs: number;
  steps: number;
  kills: number;
  acknowledged: number;
  refusedByLedger: number;
  anchored: number;
}

interface Written {
  readonly versionId: string;
  readonly category: Shared;
  readonly doctor: Doctor;
  readonly place: Place;
}

export class History {
  readonly #world: World;
  readonly #counts: Counts;
  readonly #written: Written[] = [];
  /** Operations other than commits (which may be sealed again under another id) that a workstation said it has. */
  readonly #acknowledged: { readonly place: Place; readonly opId: string }[] = [];
  #patient!: Patient;
  #places: readonly Place[] = [];
  #start = 0;

  constructor(world: World, counts: Counts) {
    this.#world = world;
    this.#counts = counts;
  }

  async live({ places, steps }: { readonly places: number; readonly steps: readonly Step[] }): Promise<void> {
    this.#places = this.#world.places.slice(0, places);
    this.#patient = await this.#world.patient();
    await this.#begin();
    await this.#world.settle(this.#places);
    this.#start = await this.#world.height();
    for (const one of steps) await this.#take(one);
    await this.#heal();
    await this.#check();
    await this.#writeAndRead();
    expect(this.#world.places.flatMap(({ faults }) => faults)).toEqual([]);
    this.#counts.runs += 1;
    this.#counts.steps += steps.length;
    this.#patient.desk.keys.destroy();
  }

  /** Two doctors have access, so that there is something to revoke, and one whom nobody revokes, so that somebody can always write. */
  async #begin(): Promise<void> {
    const place = this.#place(0);
    const doctors = [this.#doctor(0), this.#doctor(1), this.#doctor(constant)];
    for (const { account } of doctors) {
      const terms = { categories: shared, write: true, purpose: 'treatment' as const, until: 0 };
      await place.w.sharing.grant(this.#patient.desk, { grantee: granteeOfAccount(account), ...terms });
    }
  }

  #place(index: number): Place {
    const place = this.#places[index % this.#places.length] ?? expect.fail();
    // It died in the middle of a broadcast meanwhile.
    if (place.life.dead) this.#reopen(place);
    return place;
  }

  #reopen(place: Place): void {
    place.reopen();
    this.#counts.kills += 1;
  }

  async #take(one: Step): Promise<void> {
    if (one.act === 'settle') {
      this.#places.filter(({ life }) => life.dead).forEach((place) => this.#reopen(place));
      for (const { life } of this.#places) life.dies = 'now';
      await this.#world.settle(this.#places.filter(({ life }) => life.weather === 'fair' || life.weather === 'peers away'));
    } else if (one.act === 'reorganize') {
      const depth = Math.min(one.depth, (await this.#world.height()) - this.#start);
      if (depth > 0) await this.#world.reorganize(depth);
    } else if (one.act === 'weather') {
      this.#place(one.at).change(one.weather);
    } else if (one.act === 'kill') {
      const place = this.#place(one.at);
      if (one.moment === 'now') this.#reopen(place);
      else place.life.dies = one.moment;
    } else if (one.act === 'write') {
      await this.#write(this.#place(one.at), this.#doctor(one.person), one.categories, one.killed);
    } else {
      await this.#share(this.#place(one.at), one);
    }
  }

  #doctor(index: number): Doctor {
    return this.#world.doctors[index] ?? expect.fail();
  }

  async #share(place: Place, one: Extract<Step, { act: 'grant' | 'revoke' }>): Promise<void> {
    const grantee = granteeOfAccount(this.#doctor(one.person).account);
    const store = place.w.store.workstation;
    const before = store.lastSeq();
    const { desk } = this.#patient;
    const done =
      one.act === 'grant'
        ? place.w.sharing.grant(desk, { grantee, categories: one.categories, write: one.write, purpose: 'treatment', until: 0 })
        : place.w.sharing.revoke(desk, grantee, one.categories);
    if (!(await accepted(place.life.answering(done)))) return;
    const made = store.operations({ afterSeq: before, origin: 'here', order: 'seq' });
    // Whoever is logged in here has what they wrote before a revocation sealed again.
    for (const { kind, operation } of made) if (kind !== 'Commit') this.#acknowledged.push({ place, opId: operation.opId });
  }

  async #write(place: Place, doctor: Doctor, categories: readonly Shared[], killed: boolean): Promise<boolean> {
    const records = categories.map((category) => {
      const versionId = crypto.randomUUID();
      const json = JSON.stringify({ resourceType: 'Basic', id: versionId });
      return { recordId: crypto.randomUUID(), versionId, previous: [], resourceType: 'Basic', category, json };
    });
    const { desk } = this.#patient;
    return accepted(
      place.as(doctor.secret, async ({ keys, index }) => {
        const commits = await place.w.records.prepareAll(keys, index, desk.patient, records);
        place.w.publisher.publish(
          commits.flatMap(({ blocks }) => blocks),
          commits.map(({ operation }) => operation),
        );
        for (const { versionId, category } of records) this.#written.push({ versionId, category, doctor, place });
        // Before anything that follows could run: the index has none of it yet.
        if (killed) this.#reopen(place);
      }),
    );
  }

  /** All faults end; everybody comes by wherever they have written, and the patient once more. */
  async #heal(): Promise<void> {
    for (const place of this.#places) {
      place.life.dies = 'now';
      if (place.life.dead) this.#reopen(place);
      place.change('fair');
    }
    for (let round = 0; ; round++) {
      await this.#world.settle(this.#places);
      const before = this.#places.map(({ w }) => w.store.workstation.lastSeq());
      for (const [place, doctors] of this.#authors()) for (const doctor of doctors) await place.as(doctor.secret, () => undefined);
      // Another opening of the desk: what only the patient's key can put in order is done once in each.
      await this.#places[0]?.w.sharing.view({ ...this.#patient.desk }, this.#patient.summary);
      const after = this.#places.map(({ w }) => w.store.workstation.lastSeq());
      if (round > 0 && after.every((seq, i) => seq === before[i])) break;
      expect(round).toBeLessThan(8);
    }
    await this.#world.mine(3);
    await this.#world.settle(this.#places);
  }

  /** Who wrote where. */
  #authors(): Map<Place, Set<Doctor>> {
    const authors = new Map<Place, Set<Doctor>>();
    for (const { place, doctor } of this.#written) authors.set(place, (authors.get(place) ?? new Set()).add(doctor));
    return authors;
  }

  async #check(): Promise<void> {
    const { patient } = this.#patient.desk;
    const events = await this.#world.events(this.#start);
    const applied = new Map<string, number>();
    for (const { type, opId } of events) if (type === 'applied') applied.set(opId, (applied.get(opId) ?? 0) + 1);
    const twice = events.filter(({ type, opId }) => type === 'applied' && applied.get(opId) !== 1);
    expect(twice.map(({ opId, block, logIndex, blockHash, txHash }) => ({ opId, block, logIndex, blockHash, txHash }))).toEqual([]);

    const views = this.#places.map(({ w }) => {
      const anchored = w.store.workstation.operations({ patient, states: ['mined', 'final'] });
      return {
        anchored: anchored.map(({ operation, block, logIndex }) => `${operation.opId} ${block}/${logIndex}`),
        consents: [...w.consents.of(patient)].map(([compartment, { epoch, grants }]) => {
          const terms = [...grants].map(([grantee, { read, write, until }]) => `${grantee} ${read} ${write} ${until}`);
          return `${compartment} ${epoch} ${terms.sort().join()}`;
        }),
      };
    });
    for (const view of views) expect(view).toEqual(views[0]);

    for (const { place, opId } of this.#acknowledged) {
      const stored = place.w.store.workstation.operation(opId);
      if (stored?.state === 'rejected') {
        expect(stored.rejectReason).toMatch(/^\w+/);
        expect(applied.has(opId)).toBe(false);
        this.#counts.refusedByLedger += 1;
      } else {
        expect(stored?.state).toBe('final');
        expect(applied.get(opId)).toBe(1);
        this.#counts.anchored += 1;
      }
    }
    this.#counts.acknowledged += this.#acknowledged.length + this.#written.length;
    await this.#checkRecords();
  }

  /** What became of a record's operation; at a log-in what was refused may just have been signed again, and is waited for. */
  async #settledState(place: Place, index: Session['index'], versionId: string): Promise<string | undefined> {
    for (let round = 0; ; round++) {
      const opId = index.version(versionId)?.opId ?? expect.fail(`${versionId} is lost`);
      const state = place.w.store.workstation.operation(opId)?.state;
      if (state === 'final' || state === 'rejected' || round === 3) return state;
      await this.#world.mine(3);
      await this.#world.settle(this.#places);
    }
  }

  /** Every record that was saved is in its author's index; anchored ones are read by all who may read them, anywhere. */
  async #checkRecords(): Promise<void> {
    const { patient } = this.#patient.desk;
    const anchored: Written[] = [];
    for (const [place, doctors] of this.#authors()) {
      for (const doctor of doctors) {
        const { index } = await place.as(doctor.secret, (session) => session);
        for (const written of this.#written.filter((one) => one.place === place && one.doctor === doctor)) {
          const state = await this.#settledState(place, index, written.versionId);
          expect(state).toMatch(/^(final|rejected)$/);
          if (state === 'final') anchored.push(written);
          this.#counts[state === 'final' ? 'anchored' : 'refusedByLedger'] += 1;
        }
      }
    }
    for (const [i, doctor] of this.#world.doctors.entries()) {
      const place = this.#place(i + anchored.length);
      const read = await this.#read(place, doctor);
      const readers = anchored.filter(({ category }) => this.#mayRead(place, doctor, category));
      expect(readers.filter(({ versionId }) => !read.has(versionId))).toEqual([]);
      // Who was never given a category has none of it, not even a key.
      const given = new Set(
        this.#world.places.flatMap(({ w }) =>
          w.store.workstation
            .operations({ kinds: ['Grant'], patient, grantee: granteeOfAccount(doctor.account) })
            .map(({ operation }) => (w.codec.decodePayload(operation).payload as { compartment: string }).compartment),
        ),
      );
      const keks = await place.as(doctor.secret, ({ index }) => index.keks({ patient }));
      const own = keks.filter(({ category, compartment }) => shared.includes(category as Shared) && !given.has(compartment));
      expect(own.map(({ category, epoch }) => `${category}/${epoch}`)).toEqual([]);
    }
  }

  #mayRead(place: Place, doctor: Doctor, category: Shared): boolean {
    const compartment = place.w.keyring.of(this.#patient.desk).compartmentOf(category);
    const grant = place.w.consents.of(this.#patient.desk.patient).get(compartment)?.grants.get(granteeOfAccount(doctor.account));
    return grant?.read ?? false;
  }

  async #read(place: Place, doctor: Doctor): Promise<Set<string>> {
    const filter = { patient: this.#patient.desk.patient, categories: shared, current: false, limit: 10_000 };
    return place.as(doctor.secret, ({ index }) => new Set(index.records(filter).map(({ versionId }) => versionId)));
  }

  /** What is written now is read by exactly those who may read it now. */
  async #writeAndRead(): Promise<void> {
    const before = this.#written.length;
    const [place = expect.fail()] = this.#places;
    expect(await this.#write(place, this.#doctor(constant), shared, false)).toBe(true);
    await this.#world.settle(this.#places);
    for (const [i, doctor] of this.#world.doctors.entries()) {
      const there = this.#place(i);
      const read = await this.#read(there, doctor);
      for (const { versionId, category } of this.#written.slice(before))
        expect({ category, read: read.has(versionId) }).toEqual({ category, read: this.#mayRead(there, doctor, category) });
    }
  }
}

async function accepted(done: Promise<unknown>): Promise<boolean> {
  try {
    await done;
    return true;
  } catch (error) {
    expect(refusals).toContain((error as AppError).code ?? String(error));
    return false;
  }
}
