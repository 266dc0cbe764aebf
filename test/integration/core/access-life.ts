/** One patient with a random history: the acts as the services do them, and beside each what it allows. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { keysIn } from '../../../src-main/core/services/held-keys.ts';
import type { AppError } from '../../../src-shared/errors.ts';
import { guardianNumber, History, shared, type Shared } from './access-history.ts';
import { cardPin, type Ledgerless } from './ledgerless.ts';

const person = fc.integer({ min: 0, max: 2 });
const some = fc.subarray([...shared], { minLength: 1 });
const decider = fc.constantFrom('patient' as const, 'guardian' as const);
const ending = fc.record({ by: decider, person, categories: some });
export const step = fc.oneof(
  fc.record({ act: fc.constant('grant' as const), by: decider, person, categories: some, write: fc.boolean() }),
  fc.record({ act: fc.constant('revoke' as const), by: decider, person, categories: fc.subarray([...shared]) }),
  fc.record({ act: fc.constant('write' as const), person, categories: some }),
  fc.record({ act: fc.constant('apart' as const), here: ending, elsewhere: ending, written: fc.subarray([...shared]) }),
  fc.record({ act: fc.constant('reencrypt' as const), categories: some }),
  fc.constantFrom({ act: 'rotate' as const }, { act: 'link' as const }, { act: 'guardian' as const }, { act: 'card' as const }),
  fc.record({ act: fc.constant('rotate-doctor' as const), person }),
);
export type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
type Of<A extends Step['act']> = Extract<Step, { act: A }>;

type Registered = Awaited<ReturnType<Ledgerless['patient']>>;
type Desk = Registered['desk'];

export interface Place {
  readonly ledgerless: Ledgerless;
  /** A record of which nobody is given anything. */
  readonly other: string;
  readonly guardian: Registered;
}

export class Life {
  readonly #history = new History();
  readonly #place: Place;
  readonly #patient: string;
  #phrase: string;
  #desk: Desk;
  #linked = false;
  #guarded = false;
  #apart = false;

  constructor(place: Place, { patient, phrase, desk }: Registered) {
    this.#place = place;
    this.#patient = patient;
    this.#phrase = phrase;
    this.#desk = desk;
  }

  async step(what: Step): Promise<void> {
    const { ledgerless } = this.#place;
    if (what.act === 'grant' || what.act === 'revoke') await this.#decide(what);
    else if (what.act === 'write') await this.#write(what.person, what.categories);
    else if (what.act === 'apart') await this.#revokeApart(what);
    else if (what.act === 'reencrypt') await this.#reencrypt(what.categories);
    else if (what.act === 'rotate') await this.#rotate();
    else if (what.act === 'rotate-doctor') await ledgerless.rotateDoctor(what.person);
    else if (what.act === 'guardian') await this.#appointOrDismiss();
    else if (what.act === 'card') await this.#openCard();
    else await this.#link();
    ledgerless.anchor();
  }

  get #w() {
    return this.#place.ledgerless.w;
  }
  #doctor(who: number) {
    return this.#place.ledgerless.doctors[who] ?? expect.fail();
  }
  #granteeOf(who: number): string {
    return granteeOfAccount(this.#doctor(who).account);
  }

  async #decide(what: Of<'grant'> | Of<'revoke'>): Promise<void> {
    const { sharing } = this.#w;
    const desk = what.by === 'patient' ? this.#desk : await this.#guardiansDesk();
    const terms = { grantee: this.#granteeOf(what.person), categories: what.categories };
    const decision = () =>
      what.act === 'grant'
        ? sharing.grant(desk, { ...terms, write: what.write, purpose: 'treatment', until: 0 })
        : sharing.revoke(desk, terms.grantee, terms.categories);
    if (what.by === 'guardian' && !this.#guarded) {
      // Where the guardian has never been one, there is nothing that could be revoked either.
      await expect(decision()).rejects.toMatchObject({ code: expect.stringMatching(/^NOT_(ALLOWED|FOUND)$/) });
    } else if (what.act === 'grant') {
      await decision();
      this.#history.grant(what.person, what.categories, what.write);
    } else {
      // Of all, also the demographics end, which every grant brings with it.
      const done = await isThere(decision());
      const ended = this.#history.revoke(what.person, what.categories.length === 0 ? shared : what.categories);
      if (ended.length > 0) expect(done).toBe(true);
    }
  }

  /** The guardian with their own key, deciding for the patient. */
  async #guardiansDesk(): Promise<Desk> {
    const desk = { keys: this.#place.guardian.desk.keys, patient: this.#patient };
    await this.#w.keyring.prepare(desk);
    return desk;
  }

  /** For everything, with all powers; the next time the appointment ends. */
  async #appointOrDismiss(): Promise<void> {
    const { delegates } = this.#w;
    const delegate = this.#place.guardian.patient;
    if (this.#guarded) {
      await delegates.dismiss(this.#desk, delegate);
      this.#history.revoke(guardianNumber, shared);
    } else {
      const powers = ['share', 'revoke', 'emergency'] as const;
      await delegates.appoint(this.#desk, { delegate, capacity: 'guardian', powers, categories: [], until: 0 });
      this.#history.grant(guardianNumber, shared, false);
    }
    this.#guarded = !this.#guarded;
  }

  /** Two revocations at workstations that have not heard of each other, and perhaps something written behind the second. */
  async #revokeApart({ here, elsewhere, written }: Of<'apart'>): Promise<void> {
    const { ledgerless } = this.#place;
    const history = this.#history;
    const deskOf = async ({ by }: typeof here) => (by === 'guardian' && this.#guarded ? this.#guardiansDesk() : this.#desk);
    const revoke = async (what: typeof here) =>
      isThere(this.#w.sharing.revoke(await deskOf(what), this.#granteeOf(what.person), what.categories));
    const endedElsewhere = history.held(elsewhere.person, elsewhere.categories);
    // By somebody whom neither ends.
    const author = [0, 1, 2].find((who) => who !== here.person && who !== elsewhere.person) ?? expect.fail();
    const writable = written.filter((category) => history.allowsWriting(author, category) && !history.isKeyless(category));
    let versions: (readonly [string, Shared])[] = [];
    const arrive = await ledgerless.apart(async () => {
      expect(await revoke(elsewhere)).toBe(endedElsewhere.length > 0);
      versions = await this.#save(author, writable);
    });
    const moved = history.held(here.person, here.categories);
    expect(await revoke(here)).toBe(moved.length > 0);
    ledgerless.anchor();
    history.revoke(here.person, here.categories);
    arrive();
    ledgerless.anchor();
    history.revokeSecond(elsewhere.person, endedElsewhere, moved);
    this.#apart = true;
    if (versions.some(([, category]) => history.isKeyless(category))) await this.#openCard();
    // What names an epoch that has passed was refused: its author seals it under the key of now.
    await ledgerless.as(this.#doctor(author).secret, () => this.#w.resealing.settled());
    ledgerless.anchor();
    for (const [versionId, category] of versions) history.write(versionId, category);
  }

  /** What only the patient can put in order is put in order. */
  async #openCard(): Promise<void> {
    const { ledgerless } = this.#place;
    const summary = await ledgerless.as(ledgerless.admin.secret, ({ index }) => this.#w.patients.get(index, this.#patient));
    await this.#w.sharing.view({ ...this.#desk }, summary);
    ledgerless.anchor();
    this.#history.openCard();
  }

  /** Saves a record in each of these. Throws what preparing throws. */
  async #save(who: number, categories: readonly Shared[]): Promise<(readonly [string, Shared])[]> {
    if (categories.length === 0) return [];
    const { records, publisher } = this.#w;
    return this.#place.ledgerless.as(this.#doctor(who).secret, async (session) => {
      const made = categories.map((category) => {
        const versionId = crypto.randomUUID();
        const json = JSON.stringify({ resourceType: 'Basic', id: versionId });
        return { recordId: crypto.randomUUID(), versionId, previous: [], resourceType: 'Basic', category, json };
      });
      const commits = await records.prepareAll(session.keys, session.index, this.#patient, made);
      publisher.publish(
        commits.flatMap(({ blocks }) => blocks),
        commits.map(({ operation }) => operation),
      );
      return made.map(({ versionId, category }) => [versionId, category] as const);
    });
  }

  async #write(who: number, categories: readonly Shared[]): Promise<void> {
    const writing = this.#save(who, categories);
    const [first] = categories.filter((category) => !this.#history.allowsWriting(who, category) || this.#history.isKeyless(category));
    if (first) {
      const code = this.#history.allowsWriting(who, first) ? 'KEY_MISSING' : 'CONSENT_MISSING';
      await expect(writing).rejects.toMatchObject({ code });
      return;
    }
    for (const [versionId, category] of await writing) this.#history.write(versionId, category);
  }

  /** What was written before gets new keys and a new place, and its old form is dropped. What was read before stays read. */
  async #reencrypt(categories: readonly Shared[]): Promise<void> {
    const { ledgerless } = this.#place;
    await this.#openCard();
    for (const { secret } of ledgerless.doctors) await ledgerless.as(secret, () => undefined);
    await ledgerless.as(ledgerless.admin.secret, async () => {
      const { cards, sessions, reencrypting } = this.#w;
      const desk = await sessions.openDesk(await cards.reissue(this.#patient, this.#phrase, cardPin), cardPin);
      const result = await reencrypting.run(desk, categories);
      expect(result).toMatchObject({ unreadable: 0, later: 0, stopped: false });
      sessions.closeDesk();
    });
    ledgerless.anchor();
    await this.#w.dropping.settled();
  }

  /** A new key; from then on the patient is at the desk with what the new words alone give. */
  async #rotate(): Promise<void> {
    const { ledgerless } = this.#place;
    const before = this.#desk;
    await ledgerless.as(ledgerless.admin.secret, async (session) => {
      const opening = { by: 'words' as const, phrase: this.#phrase };
      ({ phrase: this.#phrase } = await this.#w.patientRotation.rotate(session, this.#patient, opening, cardPin));
      ledgerless.anchor();
      this.#desk = await this.#w.sessions.openCard(await this.#w.cards.reissue(this.#patient, this.#phrase, cardPin), cardPin);
    });
    expect(() => this.#w.keyring.of(before)).toThrow(expect.objectContaining({ code: 'KEY_REPLACED' }));
    this.#history.rotate();
  }

  /** Two records found to be of one person: says so, and gives nobody anything. The next time the link is undone. */
  async #link(): Promise<void> {
    const { ledgerless, other } = this.#place;
    await ledgerless.as(ledgerless.admin.secret, (session) =>
      this.#linked
        ? this.#w.duplicates.unlink(session, this.#patient, 'Two people after all')
        : this.#w.duplicates.link(session, this.#patient, other, 'The same person'),
    );
    this.#linked = !this.#linked;
  }

  async check(): Promise<void> {
    const { ledgerless, other } = this.#place;
    const inForce = await this.#keysInForce();
    for (const who of ledgerless.doctors.keys()) {
      const { read, held, others } = await ledgerless.as(this.#doctor(who).secret, async ({ index }) => {
        await this.#checkMoved(who, keysIn(index));
        return {
          held: index.keks({ patient: this.#patient }).filter(({ category }) => shared.some((one) => one === category)),
          read: index
            .records({ patient: this.#patient, categories: shared, current: false, limit: 10_000 })
            .map(({ versionId }) => versionId),
          others: index.keks({ patient: other }).map(({ category }) => category),
        };
      });
      expect(new Set(read)).toEqual(new Set(this.#history.readable(who)));
      // Not only what is indexed: no key is held that the history does not give, whatever it might open.
      const names = held.map(({ category, epoch, kek }) =>
        inForce.get(`${category}/${epoch}`)?.equals(kek) ? `${category}/${epoch}` : '',
      );
      expect(new Set(names.filter((name) => name !== ''))).toEqual(this.#history.known[who]);
      // What a revocation sealed that counts as another epoch is no epoch's key.
      if (!this.#apart) expect(names).not.toContain('');
      expect(others.filter((category) => shared.some((one) => one === category))).toEqual([]);
    }
    await this.#checkGuardian();
    // The patient reads everything, whatever keys there were.
    const summary = await ledgerless.as(ledgerless.admin.secret, ({ index }) => this.#w.patients.get(index, this.#patient));
    const view = await this.#w.sharing.view(this.#desk, summary);
    ledgerless.anchor();
    for (const category of shared) {
      const written = this.#history.records.filter((record) => record.category === category).length;
      expect(view.categories.find((one) => one.category === category)?.count).toBe(written);
    }
    this.#desk.keys.destroy();
  }

  /** The patient's, by category and epoch: one for each epoch but those that began without a key. */
  async #keysInForce(): Promise<Map<string, Buffer>> {
    const own = this.#w.keyring.of(this.#desk);
    const found = new Map<string, Buffer>();
    for (const category of shared) {
      const compartment = own.compartmentOf(category);
      expect(this.#w.consents.epoch(this.#patient, compartment)).toBe(this.#history.epoch(category));
      const { keys, missing } = await own.upTo(compartment);
      expect(missing).toEqual([]);
      for (const { epoch, kek } of keys) found.set(`${category}/${epoch}`, Buffer.from(kek));
      for (let epoch = 0; epoch <= this.#history.epoch(category); epoch++)
        expect(found.has(`${category}/${epoch}`)).toBe(!this.#history.isKeyless(category, epoch));
    }
    return found;
  }

  /** What was encrypted anew opens to those who have a key of the epoch in which that was done, and to nobody else, whatever keys they hold. */
  async #checkMoved(who: number, keysOf: ReturnType<typeof keysIn>): Promise<void> {
    const { store, reader, codec, crypto, keyring } = this.#w;
    const { compartments } = keyring.of(this.#desk);
    for (const stored of store.workstation.operations({ kinds: ['Commit'], patient: this.#patient, states: ['final'] })) {
      const decoded = codec.decodePayload(stored.operation);
      if (decoded.kind !== 'Commit') continue;
      const { compartment, epoch } = decoded.payload;
      const category = compartments.get(compartment);
      const commit = await reader.read(stored);
      if (commit.header.originals.length === 0) continue;
      const keks: Uint8Array[] = [];
      for (let number = 0; number <= epoch; number++) keks.push(...(await keysOf(compartment, number)));
      const opens = keks.some((kek) => {
        try {
          return crypto.openEntries(commit, kek).length > 0;
        } catch {
          return false;
        }
      });
      expect(opens).toBe(this.#history.known[who]?.has(`${category}/${epoch}`));
    }
  }

  /** The guardian has the keys of the epochs that the history gives, also of those that began by the guardian's own revocation, and no other. */
  async #checkGuardian(): Promise<void> {
    const { keyring } = this.#w;
    const hers = keyring.of(await this.#guardiansDesk());
    const own = keyring.of(this.#desk);
    const held: string[] = [];
    for (const category of shared) {
      const compartment = own.compartmentOf(category);
      for (let epoch = 0; epoch <= this.#history.epoch(category); epoch++) {
        const kek = await hers.kek(compartment, epoch);
        if (kek) expect(kek).toEqual(await own.kek(compartment, epoch));
        if (kek) held.push(`${category}/${epoch}`);
      }
    }
    expect(new Set(held)).toEqual(this.#history.known[guardianNumber]);
  }
}

/** Whether there was something to revoke. */
async function isThere(revoking: Promise<void>): Promise<boolean> {
  return revoking.then(
    () => true,
    (error: AppError) => (error.code === 'NOT_FOUND' ? false : expect.fail(error.message)),
  );
}
