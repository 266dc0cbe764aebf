/** Two computers of one clinic, only the first of which runs the ledger. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demographicsOf, enrolAt, foundClinic, ledgerOf, logIn, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

const families = (w: TestWorkstation) =>
  w.ask('patients.search', { text: '', limit: 50, offset: 0 }).then(({ hits }) => hits.map((hit) => hit.family));

describe('a second computer of a clinic', () => {
  let desk: TestWorkstation;
  let office: TestWorkstation;
  let people: Awaited<ReturnType<typeof foundClinic>>;
  let doctor: string;
  const settled = () =>
    desk.until(
      'all anchored',
      () => desk.snapshot(),
      (s) => s.sync.waiting === 0,
    );

  beforeAll(async () => {
    desk = await startWorkstation();
    office = await startWorkstation();
    people = await foundClinic(desk, 'Clinic');
  });
  afterAll(async () => {
    await office.stop();
    await desk.stop();
  });

  it('comes in by an invitation, without a ledger of its own, and follows that of the first', async () => {
    const { invitation } = await desk.ask('computers.invitation', {});
    expect(await office.ask('setup.joinClinic', { invitation, computerName: 'Office' })).toEqual({ clinicName: 'Clinic' });
    await office.until(
      'ready and online',
      () => office.snapshot(),
      (s) => s.phase === 'ready' && s.sync.state === 'online',
    );
    const view = office.core.workstation.network.require();
    expect(view.embedded).toBeNull();
    expect(view.endpoint).toBe(`peer:${await desk.core.workstation.connections.peerId()}`);
    await desk.until(
      'both computers on the list',
      () => desk.ask('computers.list', {}),
      (list) => list.length === 2 && list.every(({ here, connected }) => here || connected),
    );
  });

  it('is used by people who bring their key, or are enrolled from the other one', async () => {
    doctor = await enrolAt(office, desk, 'Dr. Office', ['practitioner']);
    await settled();
  });

  it('sends what is signed there through the ledger of the first', async () => {
    await logIn(office, doctor);
    await logIn(desk, people.registrar);
    const { patient } = await desk.ask('patients.register', { demographics: demographicsOf('Online'), pin });
    await office.until(
      'the patient at the doctor’s',
      () => families(office),
      (list) => list.includes('Online'),
    );
    await office.ask('requests.ask', {
      ...{ patient: patient.patient, categories: ['observations-and-results'], write: false, purpose: 'treatment', until: 0 },
      reason: 'A second opinion',
    });
    await office.until(
      'anchored by the office',
      () => office.snapshot(),
      (s) => s.sync.waiting === 0,
    );
    await settled();
  });

  it('has a patient registered at the desk in its list while the ledger is away, and each operation is anchored once when it is back', async () => {
    const ledger = ledgerOf(desk);
    ledger.away();
    const { patient } = await desk.ask('patients.register', { demographics: demographicsOf('Offline'), pin });
    await office.until(
      'the patient at the doctor’s',
      () => families(office),
      (list) => list.includes('Offline'),
    );
    const opIds = desk.core.workstation.store.workstation
      .operations({ patient: patient.patient, states: ['pending', 'submitted'] })
      .map(({ operation }) => operation.opId);
    expect(opIds.length).toBeGreaterThan(2);
    const rows = (w: TestWorkstation) => opIds.map((opId) => w.core.workstation.store.workstation.operation(opId));
    await desk.until(
      'the office says that it holds them',
      () => Promise.resolve(rows(desk)),
      (list) => list.every((row) => row?.published),
    );
    expect(rows(office).map((row) => [row?.origin, row?.block])).toEqual(opIds.map(() => ['peer', null]));
    ledger.back();
    for (const w of [desk, office]) {
      await w.until(
        'anchored',
        () => Promise.resolve(rows(w)),
        (list) => list.every((row) => row?.block !== null && row?.block !== undefined),
      );
    }
    expect(rows(office).map((row) => row?.block)).toEqual(rows(desk).map((row) => row?.block));
    expect((await desk.snapshot()).sync.rejected).toBe(0);
  });

  it('has what was signed there sent by the other one, when it is gone itself', async () => {
    const ledger = ledgerOf(desk);
    const { hits } = await office.ask('patients.search', { text: 'Offline', limit: 1, offset: 0 });
    ledger.away();
    const asked = { write: false, purpose: 'treatment', until: 0, reason: 'A second opinion' } as const;
    await office.ask('requests.ask', { ...asked, patient: hits[0]?.patient ?? '', categories: ['observations-and-results'] });
    const [made] = office.core.workstation.store.workstation.operations({ kinds: ['RequestAccess'], states: ['pending', 'submitted'] });
    const opId = made?.operation.opId ?? '';
    const atDesk = () => Promise.resolve(desk.core.workstation.store.workstation.operation(opId));
    await desk.until('held at the desk', atDesk, (row) => row?.origin === 'peer' && !row.awaitsBlocks);
    await office.core.stop();
    ledger.back();
    const anchored = await desk.until('anchored by the desk', atDesk, (row) => row?.block !== null);
    await office.restart();
    await office.until(
      'seen by its maker',
      () => Promise.resolve(office.core.workstation.store.workstation.operation(opId)),
      (row) => row?.block === anchored?.block,
    );
    expect((await office.snapshot()).sync.rejected).toBe(0);
    await logIn(office, doctor);
  });

  it('goes on after both were started again', async () => {
    await desk.restart();
    await office.restart();
    await logIn(desk, people.registrar);
    await logIn(office, doctor);
    await office.until(
      'online',
      () => office.snapshot(),
      (s) => s.sync.state === 'online',
    );
    await desk.ask('patients.register', { demographics: demographicsOf('Afterwards'), pin });
    await office.until(
      'the patient at the doctor’s',
      () => families(office),
      (list) => list.includes('Afterwards'),
    );
  });

  it('that was taken out gets nothing any more', async () => {
    await logIn(desk, people.admin);
    const id = await office.core.workstation.connections.peerId();
    await desk.ask('computers.remove', { peer: id });
    expect((await desk.ask('computers.list', {})).map(({ here }) => here)).toEqual([true]);
    await office.until(
      'cut off',
      () => office.snapshot(),
      (s) => s.sync.peers === 0,
    );
    await expect(office.ask('staff.list', {})).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await desk.ask('computers.remove', { peer: id }).then(
      () => expect.fail('removed twice'),
      (error: unknown) => expect(error).toMatchObject({ code: 'NOT_FOUND' }),
    );
  });
});
