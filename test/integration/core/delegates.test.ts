import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { categories, type Category } from '../../../src-shared/categories.ts';
import type { Demographics } from '../../../src-shared/ipc-schema.ts';
import { operationKinds, type OperationKind, type OperationPayload } from '../../../src-shared/operations.ts';
import type { RegistrationResult } from '../../../src-shared/view-types.ts';
import { foundClinic, logIn, passphrase, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

const identifier = { system: 'urn:anamnesis:identifier:national-id', label: 'National ID', value: '12-3456 7890' };
const person = (family: string, given: string, birthDate: string, identifiers: Demographics['identifiers'] = []): Demographics => ({
  ...{ family, given, prefix: '', birthDate, birthDateEstimated: false, gender: 'female', phone: '', address: '', identifiers },
});
const visit = { class: 'AMB' as const, start: '2026-11-23T10:00:00Z', diagnoses: [] };
const zero = `0x${'00'.repeat(32)}`;
const day = 86_400;
const inDays = (days: number) => Math.floor(Date.now() / 1000) + days * day;
const problems: Category = 'problems-and-encounters';

describe('guardians and delegates', () => {
  let w: TestWorkstation;
  let people: Awaited<ReturnType<typeof foundClinic>>;
  let colleague: string;
  let mother: RegistrationResult;
  let child: RegistrationResult;
  let son: RegistrationResult;

  beforeAll(async () => {
    w = await startWorkstation();
    people = await foundClinic(w, 'Clinic A');
    const { phrase } = await w.ask('setup.createPhrase', {});
    const key = await w.ask('people.createKey', { personName: 'Dr Colleague', passphrase, phrase });
    colleague = key.account;
    await w.ask('staff.approve', { enrolmentCode: key.enrolmentCode, roles: ['practitioner'] });
    await logIn(w, people.registrar);
    mother = await w.ask('patients.register', { demographics: person('Rao', 'Asha', '1990-05-01', [identifier]), pin });
    const { patient } = await w.ask('delegates.find', { card: mother.card });
    child = await w.ask('patients.register', { demographics: person('Rao', 'Mira', '2026-08-01'), pin, guardian: patient });
    son = await w.ask('patients.register', { demographics: person('Patel', 'Vijay', '1985-02-02'), pin });
  });
  afterAll(() => w.stop());

  const account = (who: RegistrationResult) => who.patient.patient;
  const grantee = (member: string) => granteeOfAccount(member);
  /** Opens the desk with somebody's card, to decide for a patient. */
  const act = async (card: RegistrationResult, forWhom?: RegistrationResult) => {
    await logIn(w, people.registrar);
    await w.ask('desk.open', { card: card.card, pin });
    if (forWhom) await w.ask('desk.actFor', { patient: account(forWhom) });
  };
  const view = () => w.ask('desk.sharing', {});
  const share = (member: string, wanted: readonly Category[], until = 0) =>
    w.ask('desk.grant', { grantee: grantee(member), categories: [...wanted], write: true, purpose: 'treatment', until });
  const anchored = async () => {
    const { store } = w.core.workstation;
    await w.until(
      'everything anchored',
      () => Promise.resolve(store.workstation.countOperations({ states: ['pending', 'submitted'] })),
      (count) => count === 0,
    );
  };
  const rejected = () => w.core.workstation.store.workstation.operations({ states: ['rejected'] });
  const write = async (patient: RegistrationResult, doctor: string, title: string) => {
    await logIn(w, doctor);
    return w.until(
      'the key to write',
      () => w.ask('chart.saveEncounter', { patient: account(patient), ...visit, reason: title, note: title }).catch(() => null),
      (saved) => saved !== null,
    );
  };
  /** What a card's owner has of a compartment's keys. */
  const keysOf = async (owner: RegistrationResult, patient: RegistrationResult) => {
    const keys = w.core.workstation.keysOfPhrase(owner.phrase);
    const holder = { keys, patient: account(patient), secrets: [] };
    await w.core.workstation.keyring.prepare(holder);
    return w.core.workstation.keyring.of(holder);
  };
  /** Signs and publishes what the desk refuses to sign; the ledger's answer. */
  const force = async <K extends OperationKind>(who: RegistrationResult, kind: K, payload: OperationPayload<K>): Promise<string | null> => {
    const { codec, network, publisher, crypto, store } = w.core.workstation;
    const keys = w.core.workstation.keysOfPhrase(who.phrase);
    const now = Math.floor(Date.now() / 1000);
    const unsigned = {
      ...{ kind: operationKinds[kind].code, opId: `0x${Buffer.from(crypto.randomBytes(32)).toString('hex')}` },
      ...{ actor: keys.account, issuedAt: now, deadline: now + 100 * day, payload: codec.encodePayload(kind, payload) },
    };
    const operation = { ...unsigned, signatures: [keys.sign(codec.digest(network.require().config, unsigned))] };
    publisher.publish([], [{ operation, decoded: { kind, payload } as never, label: 'test' }]);
    await anchored();
    return store.workstation.operation(operation.opId)?.rejectReason ?? null;
  };

  it('asks whoever may decide for others for whom, and does nothing before', async () => {
    await act(mother);
    const { patientAtDesk } = await w.snapshot();
    expect(patientAtDesk).toMatchObject({ decided: false, actor: null });
    expect(patientAtDesk?.forWhom).toEqual([
      { patient: account(mother), name: expect.stringMatching(/asha/i), capacity: null },
      { patient: account(child), name: expect.stringMatching(/mira/i), capacity: 'guardian' },
    ]);
    await expect(view()).rejects.toMatchObject({ code: 'LOCKED' });
    await expect(w.ask('desk.actFor', { patient: account(son) })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await w.ask('desk.actFor', { patient: account(mother) });
    expect((await w.snapshot()).patientAtDesk).toMatchObject({ patient: account(mother), decided: true, actor: null });
    expect((await view()).rights).toMatchObject({ self: true, decline: true, emergency: true });
    // Who decides for nobody else is not asked.
    await act(child);
    expect((await w.snapshot()).patientAtDesk).toMatchObject({ decided: true, forWhom: [] });
  });

  it('lets a mother share her child’s record with her own card', async () => {
    await act(mother, child);
    const { patientAtDesk } = await w.snapshot();
    expect(patientAtDesk).toMatchObject({ patient: account(child), actor: { account: account(mother), capacity: 'guardian' } });
    const before = await view();
    expect(before.rights).toMatchObject({ self: false, decline: true, emergency: true });
    expect(before.rights.share.map(({ category }) => category).sort()).toEqual([...categories].sort());
    expect(before.delegates).toMatchObject([{ account: account(mother), capacity: 'guardian', categories: null, state: 'standing' }]);
    await share(people.doctor, [problems]);
    await share(colleague, [problems]);
    await write(child, people.doctor, 'First visit');
    await act(mother, child);
    const { history, holders } = await view();
    expect(holders.find((h) => h.grantee === grantee(people.doctor))?.categories.map((row) => row.category)).toContain(problems);
    expect(history[0]).toMatchObject({ type: 'granted', by: { name: expect.stringMatching(/asha/i), capacity: 'guardian' } });
    expect(history.find(({ type }) => type === 'appointed')).toMatchObject({ name: expect.stringMatching(/asha/i), capacity: 'guardian' });
  });

  it('lets her take access back: who stays writes on, the child reads it, who left does not', async () => {
    await act(mother, child);
    await w.ask('desk.revoke', { grantee: grantee(colleague), categories: [] });
    await write(child, people.doctor, 'After the revocation');
    await anchored();
    expect(rejected()).toEqual([]);
    const own = await keysOf(child, child);
    const compartment = own.compartmentOf(problems);
    expect(w.core.workstation.store.workstation.operations({ kinds: ['Revoke'], patient: account(child) })[0]?.operation.actor).toBe(
      account(mother),
    );
    const kek = await own.kek(compartment, 1);
    expect(kek).not.toBeNull();
    expect(await (await keysOf(mother, child)).kek(compartment, 1)).toEqual(kek);
    // With the card: counted, so opened; and handed on whole.
    await act(child);
    expect((await view()).categories.find(({ category }) => category === problems)?.count).toBeGreaterThan(1);
    expect(await w.ask('desk.export', {})).toMatchObject({ missing: 0 });
    await logIn(w, colleague);
    await expect(w.ask('chart.saveEncounter', { patient: account(child), ...visit, reason: 'No', note: 'No' })).rejects.toMatchObject({
      code: expect.stringMatching(/NOT_ALLOWED|CONSENT/),
    });
  });

  it('lets her answer requests, whose words she reads', async () => {
    await logIn(w, colleague);
    const asking = { patient: account(child), categories: [problems], write: false, purpose: 'treatment' as const, until: 0 };
    await w.ask('requests.ask', { ...asking, reason: 'Second opinion' });
    await act(mother, child);
    const [first] = await w.ask('requests.open', {});
    expect(first).toMatchObject({ reason: 'Second opinion', categories: [problems] });
    await w.ask('requests.decline', { request: first?.id ?? '' });
    await logIn(w, colleague);
    await w.ask('requests.ask', { ...asking, reason: 'It is needed after all' });
    await act(mother, child);
    const [second] = await w.ask('requests.open', {});
    await w.ask('requests.approve', { request: second?.id ?? '', categories: [problems], write: false, until: 0 });
    await anchored();
    expect(rejected()).toEqual([]);
    expect((await view()).holders.find((h) => h.grantee === grantee(colleague))).toBeDefined();
  });

  it('lets her switch emergencies off and on', async () => {
    await act(mother, child);
    await w.ask('emergency.switch', { allowed: false });
    expect((await view()).emergencyAllowed).toBe(false);
    await w.ask('emergency.switch', { allowed: true });
    const { emergencyAllowed, history } = await view();
    expect(emergencyAllowed).toBe(true);
    expect(history.filter(({ type }) => type.startsWith('emergency-')).map(({ by }) => by?.capacity)).toEqual(['guardian', 'guardian']);
    await anchored();
    expect(rejected()).toEqual([]);
    // What the doctor reads goes on with the new keys.
    await write(child, people.doctor, 'After the switch');
  });

  it('keeps to the patient what only the patient decides', async () => {
    await act(mother, child);
    const appointment = { delegate: account(son), capacity: 'delegate' as const, powers: ['share' as const], categories: [], until: 0 };
    await expect(w.ask('delegates.appoint', appointment)).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await expect(w.ask('delegates.dismiss', { delegate: account(mother) })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await expect(w.ask('recovery.make', {})).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    const appoint = { patient: account(child), delegate: account(son), compartment: zero, capacity: 2, powers: 1 };
    expect(await force(mother, 'AppointDelegate', { ...appoint, validUntil: 0, sequence: 1 })).toMatch(/^PatientRequired/);
  });

  it('ends with the dismissal: nothing more is decided, nothing written later is read', async () => {
    await act(child);
    await w.ask('delegates.dismiss', { delegate: account(mother) });
    expect((await view()).delegates).toMatchObject([{ account: account(mother), state: 'dismissed' }]);
    await expect(w.ask('delegates.dismiss', { delegate: account(mother) })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await write(child, people.doctor, 'After the dismissal');
    await anchored();
    expect(rejected().filter(({ kind }) => kind !== 'AppointDelegate')).toEqual([]);
    await act(mother);
    expect((await w.snapshot()).patientAtDesk).toMatchObject({ decided: true, forWhom: [] });
    await expect(w.ask('desk.actFor', { patient: account(child) })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    const own = await keysOf(child, child);
    const compartment = own.compartmentOf(problems);
    const epoch = w.core.workstation.consents.epoch(account(child), compartment);
    const hers = await keysOf(mother, child);
    expect(await hers.kek(compartment, epoch)).toBeNull();
    expect(await hers.kek(compartment, epoch - 1)).toEqual(await own.kek(compartment, epoch - 1));
    const revoke = { patient: account(child), compartment, grantee: grantee(people.doctor), epoch: epoch + 1, envelope: zero };
    expect(await force(mother, 'Revoke', revoke)).toMatch(/^PowerMissing/);
    expect(w.core.workstation.consents.epoch(account(child), compartment)).toBe(epoch);
  });

  it('is appointed within limits by a patient, and found by identifier, account or card', async () => {
    expect(await w.ask('delegates.find', { system: identifier.system, value: '1234567890' })).toMatchObject({ patient: account(mother) });
    expect(await w.ask('delegates.find', { account: account(son) })).toMatchObject({
      registeredBy: 'Clinic A',
      name: expect.stringMatching(/vijay/i),
    });
    await expect(w.ask('delegates.find', { account: people.doctor })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await act(mother);
    const until = inDays(30);
    const appointment = {
      delegate: account(son),
      capacity: 'delegate' as const,
      powers: ['share' as const],
      categories: [problems],
      until,
    };
    await expect(w.ask('delegates.appoint', { ...appointment, delegate: account(mother) })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await expect(w.ask('delegates.appoint', { ...appointment, delegate: people.doctor })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(w.ask('delegates.appoint', { ...appointment, until: 1 })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await w.ask('delegates.appoint', appointment);
    await expect(w.ask('delegates.appoint', appointment)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await anchored();
    expect((await view()).delegates).toMatchObject([
      {
        account: account(son),
        capacity: 'delegate',
        powers: ['share'],
        categories: ['demographics', problems],
        until,
        state: 'standing',
        anchored: true,
      },
    ]);
  });

  it('shares what the appointment names and no other part, no longer than it lasts', async () => {
    await act(son, mother);
    const { rights } = await view();
    const [{ until = 0 } = {}] = rights.share;
    expect(rights).toMatchObject({ self: false, revoke: [], decline: false, emergency: false });
    expect(rights.share.map(({ category }) => category).sort()).toEqual(['demographics', problems]);
    await expect(share(people.doctor, [problems])).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await expect(share(people.doctor, [problems], until + 1)).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await expect(share(people.doctor, ['sensitive'], until)).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await share(people.doctor, [problems], until);
    await write(mother, people.doctor, 'Seen');
    const compartment = (await keysOf(mother, mother)).compartmentOf(problems);
    const other = (await keysOf(mother, mother)).compartmentOf('sensitive');
    const grant = { patient: account(mother), grantee: grantee(colleague), access: 1, purpose: 1, validFrom: 0, epoch: 0, envelope: zero };
    expect(await force(son, 'Grant', { ...grant, compartment, validUntil: 0 })).toMatch(/^BeyondDelegation/);
    expect(await force(son, 'Grant', { ...grant, compartment: other, validUntil: until })).toMatch(/^(PatientRequired|PowerMissing)/);
    expect((await keysOf(son, mother)).compartments.has(other)).toBe(false);
  });

  it('takes nothing back and switches nothing without the power', async () => {
    await act(son, mother);
    await expect(w.ask('desk.revoke', { grantee: grantee(people.doctor), categories: [problems] })).rejects.toMatchObject({
      code: 'NOT_ALLOWED',
    });
    await expect(w.ask('emergency.switch', { allowed: false })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    const compartment = (await keysOf(mother, mother)).compartmentOf(problems);
    const patient = account(mother);
    const revoke = { patient, compartment, grantee: grantee(people.doctor), epoch: 1, envelope: zero };
    expect(await force(son, 'Revoke', revoke)).toMatch(/^PowerMissing/);
    expect(await force(son, 'SwitchEmergency', { patient, allowed: 0, sequence: 9 })).toMatch(/^(PatientRequired|PowerMissing)/);
    expect((await view()).emergencyAllowed).toBe(true);
  });

  it('answers a request as far as the appointment goes', async () => {
    await logIn(w, colleague);
    const asking = { patient: account(mother), categories: [problems], write: false, purpose: 'treatment' as const, until: 0 };
    await w.ask('requests.ask', { ...asking, reason: 'Second opinion' });
    await act(son, mother);
    const [request] = await w.ask('requests.open', {});
    const id = request?.id ?? '';
    await expect(w.ask('requests.decline', { request: id })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    const approval = { request: id, categories: [problems], write: false };
    await expect(w.ask('requests.approve', { ...approval, until: 0 })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await w.ask('requests.approve', { ...approval, until: inDays(10) });
    await anchored();
    const { history } = await view();
    expect(history.find(({ type }) => type === 'approved')).toMatchObject({ state: 'anchored', by: { capacity: 'delegate' } });
  });

  it('decides nothing once the appointment has ended, until the patient appoints anew', async () => {
    await act(mother);
    await w.ask('delegates.dismiss', { delegate: account(son) });
    const soon = Math.floor(Date.now() / 1000) + 3;
    const powers = ['share' as const, 'revoke' as const];
    await w.ask('delegates.appoint', { delegate: account(son), capacity: 'guardian', powers, categories: [], until: soon });
    await act(son);
    await w.until(
      'the end of the appointment',
      () => w.snapshot(),
      (s) => s.patientAtDesk?.forWhom.length === 0,
    );
    await expect(w.ask('desk.actFor', { patient: account(mother) })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await act(mother);
    expect((await view()).delegates[0]).toMatchObject({ account: account(son), state: 'ended' });
    await w.ask('delegates.appoint', { delegate: account(son), capacity: 'guardian', powers, categories: [], until: 0 });
    await act(son, mother);
    expect((await view()).rights.revoke.length).toBe(categories.length);
    await anchored();
    expect(rejected().filter(({ label }) => label !== 'test')).toEqual([]);
  });
});
