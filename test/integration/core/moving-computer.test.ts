/** A clinic of two computers moves: the one that runs the ledger first, the other follows with what it had not sent yet. By the calls that screens make. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invitationByAddress } from './two-clinics.ts';
import {
  addComputer,
  demographicsOf,
  enrolAt,
  foundClinic,
  ledgerOf,
  logIn,
  pin,
  startWorkstation,
  type TestWorkstation,
} from './workstation.ts';

describe('a further computer of a clinic that moves', { timeout: 300_000 }, () => {
  let first: TestWorkstation;
  let office: TestWorkstation;
  let shared: TestWorkstation;
  let people: Awaited<ReturnType<typeof foundClinic>>;
  let others: Awaited<ReturnType<typeof foundClinic>>;
  let deputy = '';
  let waiting = '';
  let invitation = '';

  const settled = (w: TestWorkstation) =>
    w.until(
      'everything anchored',
      () => w.snapshot(),
      ({ sync, phase }) => phase === 'ready' && sync.waiting === 0 && sync.state === 'online',
    );
  const view = (w: TestWorkstation) => w.ask('moving.view', {});
  const statesOf = (w: TestWorkstation, patient: string) =>
    w.core.workstation.store.workstation.operations({ patient }).map(({ state, block }) => ({ state, anchored: block !== null }));

  beforeAll(async () => {
    first = await startWorkstation();
    office = await startWorkstation();
    shared = await startWorkstation();
    [people, others] = [await foundClinic(first, 'Clinic A'), await foundClinic(shared, 'Clinic B')];
    await addComputer(first, office, 'Office');
    deputy = await enrolAt(office, first, 'Deputy', ['admin', 'registrar']);
    await logIn(first, people.registrar);
    await first.ask('patients.register', { demographics: demographicsOf('Stays'), pin });
    await settled(first);
    // B's ledger is asked at its address, as one is that clinics run together.
    await logIn(shared, others.admin);
    invitation = await invitationByAddress(shared);
  }, 300_000);
  afterAll(async () => {
    for (const w of [first, office, shared]) await w.stop();
  });

  it('cannot ask for the clinic, nor go before the clinic was admitted', async () => {
    await logIn(office, deputy);
    await logIn(first, people.admin);
    expect(await view(first)).toEqual({ state: 'own' });
    expect(await view(office)).toEqual({ state: 'further' });
    await expect(office.ask('moving.ask', { invitation })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await expect(office.ask('moving.follow', { invitation })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await expect(first.ask('moving.follow', { invitation })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await expect(first.ask('moving.go', {})).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    expect((await settled(office)).session?.account).toBe(deputy);
  });

  it('keeps the code of what was asked, and forgets it when told', async () => {
    const { requestCode } = await first.ask('moving.ask', { invitation });
    expect(await view(first)).toMatchObject({ state: 'asked', requestCode });
    await first.ask('moving.forget', {});
    expect(await view(first)).toEqual({ state: 'own' });
  });

  it('follows, and what it had not sent is on the shared ledger', async () => {
    const { requestCode } = await first.ask('moving.ask', { invitation });
    await shared.ask('network.admit', { requestCode });
    // Registered at the office when the first computer, and with it the ledger, was out of reach.
    ledgerOf(first).away();
    ({
      patient: { patient: waiting },
    } = await office.ask('patients.register', { demographics: demographicsOf('Waits'), pin }));
    expect(statesOf(office, waiting).some(({ anchored }) => anchored)).toBe(false);
    ledgerOf(first).back();
    await settled(shared);
    // Out of reach from when it was asked whether it knows the clinic: what it says of the clinic's people is not known yet.
    const { store, sessions } = first.core.workstation;
    let reachable = false;
    sessions.onEnd(() => reachable || ledgerOf(shared).away());
    await first.ask('moving.go', {});
    expect(await first.snapshot()).toMatchObject({ phase: 'ready', session: null });
    await logIn(first, people.registrar);
    // What is sealed to the clinic opens, by the clinic's key of the former network: its people work on.
    const clinic = first.core.workstation.clinic().id;
    await first.until(
      'the clinic’s key',
      () => Promise.resolve(sessions.require().organizationKeys.get(clinic)?.length),
      (keys) => keys === 1,
    );
    await first.until(
      'the patients of before',
      () => first.ask('patients.search', { text: '', limit: 2, offset: 0 }),
      ({ hits }) => hits.length === 1 && hits[0]?.family === 'Stays',
    );
    await logIn(first, people.admin);
    expect(await view(first)).toMatchObject({ state: 'moved', anchored: 0 });
    expect(store.workstation.operations({ kinds: ['AdmitOrganization'], states: ['mined', 'final'] })).toEqual([]);
    reachable = true;
    ledgerOf(shared).back();
    await first.until(
      'moved',
      () => view(first),
      (now) => now.state === 'moved' && now.waiting === 0,
    );

    await office.ask('moving.follow', { invitation });
    expect((await office.snapshot()).session).toBeNull();
    await logIn(office, deputy);
    const moved = await office.until(
      'followed',
      () => view(office),
      (now) => now.state === 'moved' && now.waiting === 0,
    );
    expect(moved).toMatchObject({ state: 'moved', refused: [{ kind: 'AdmitOrganization' }] });
    await settled(office);
    await shared.until(
      'the patient at the other clinic',
      () => Promise.resolve(statesOf(shared, waiting)),
      (operations) => operations.length > 2 && operations.every(({ anchored }) => anchored),
    );
    expect(statesOf(office, waiting).every(({ state }) => state === 'final' || state === 'mined')).toBe(true);
  });

  it('goes on there: new patients of either computer are everybody’s', async () => {
    const { patient } = await office.ask('patients.register', { demographics: demographicsOf('New'), pin });
    await settled(office);
    for (const w of [first, shared])
      await w.until(
        'the new patient',
        () => Promise.resolve(statesOf(w, patient.patient)),
        (operations) => operations.length > 2 && operations.every(({ anchored }) => anchored),
      );
  });
});
