import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RegistrationResult } from '../../../src-shared/view-types.ts';
import { foundTwoClinics } from './two-clinics.ts';
import { demographicsOf, logIn, pin, startWorkstation, type Staff, type TestWorkstation } from './workstation.ts';

const identifier = { system: 'urn:anamnesis:identifier:national-id', label: 'National ID', value: '12-3456 7890' };
const wanted = {
  categories: ['problems-and-encounters' as const, 'medications-and-allergies' as const],
  write: true,
  purpose: 'treatment' as const,
  until: 0,
  reason: 'Seen in our ward since this morning',
};

describe('asking for access', () => {
  let a: TestWorkstation;
  let b: TestWorkstation;
  let people: Staff;
  let others: Staff;
  let registered: RegistrationResult;
  let patient: string;

  beforeAll(async () => {
    a = await startWorkstation();
    b = await startWorkstation();
    ({ people, others } = await foundTwoClinics(a, b));
    await logIn(a, people.registrar);
    registered = await a.ask('patients.register', { demographics: demographicsOf('Rao', { identifiers: [identifier] }), pin });
    patient = registered.patient.patient;
  });
  afterAll(async () => {
    await b.stop();
    await a.stop();
  });

  const asked = (w: TestWorkstation, count: number) =>
    w.until(
      `${count} requests at the desk`,
      () => w.ask('requests.open', {}),
      (list) => list.length === count && list.every((r) => r.reason !== null && r.organization === 'Clinic B' && !r.name.startsWith('0x')),
    );

  it('finds a patient by a registered identifier, and learns no name', async () => {
    await logIn(b, others.doctor);
    const found = await b.until(
      'the identifier',
      () => b.ask('requests.find', { system: identifier.system, value: '1234567890' }).catch(() => null),
      (f) => f !== null && f.registeredBy === 'Clinic A',
    );
    expect(found).toEqual({ patient, registeredBy: 'Clinic A', summary: null });
    await expect(b.ask('requests.find', { system: identifier.system, value: '999' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(b.ask('requests.find', { account: others.admin })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is for practitioners', async () => {
    await logIn(b, others.registrar);
    await expect(b.ask('requests.ask', { patient, ...wanted })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
  });

  it('opens nothing, and waits for the answer', async () => {
    await logIn(b, others.doctor);
    await b.ask('requests.ask', { patient, ...wanted });
    await expect(b.ask('requests.ask', { patient, ...wanted })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    const [sent] = await b.ask('requests.sent', {});
    expect(sent).toMatchObject({ patient, state: 'open', categories: wanted.categories, reason: wanted.reason, write: true });
    await expect(b.ask('chart.open', { patient })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is shown to the patient at the desk with its reason, and to nobody else', async () => {
    await a.ask('desk.open', { card: registered.card, pin });
    const [request] = await asked(a, 1);
    expect(request).toMatchObject({ name: 'Doctor of Clinic B', organization: 'Clinic B', ...wanted });
    const { store } = a.core.workstation;
    const operation = store.workstation.operations({ kinds: ['RequestAccess'], patient })[0]?.operation;
    expect(Buffer.from(operation?.payload.slice(2) ?? '', 'hex').includes('ward')).toBe(false);
    await a.ask('desk.close', {});
    await expect(a.ask('requests.open', {})).rejects.toMatchObject({ code: 'LOCKED' });
  });

  it('is declined, and can be asked anew', async () => {
    await a.ask('desk.open', { card: registered.card, pin });
    const [request] = await asked(a, 1);
    await a.ask('requests.decline', { request: request?.id ?? '' });
    await expect(a.ask('requests.decline', { request: request?.id ?? '' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await b.until(
      'declined',
      () => b.ask('requests.sent', {}),
      ([sent]) => sent?.state === 'declined',
    );
    await expect(b.ask('chart.open', { patient })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await b.ask('requests.ask', { patient, ...wanted, reason: 'The laboratory asks for the earlier values' });
  });

  it('is approved in part: what the patient ticked opens, and nothing else', async () => {
    const [request] = await asked(a, 1);
    await a.ask('requests.approve', { request: request?.id ?? '', categories: ['problems-and-encounters'], write: true, until: 0 });
    await expect(
      a.ask('requests.approve', { request: request?.id ?? '', categories: ['sensitive'], write: true, until: 0 }),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const chart = await b.until(
      'the chart',
      () => b.ask('chart.open', { patient }).catch(() => null),
      (c) => c !== null,
    );
    expect(chart?.access).toEqual([
      { category: 'demographics', read: true, write: false, until: 0 },
      { category: 'problems-and-encounters', read: true, write: true, until: 0 },
    ]);
    expect((await b.ask('requests.sent', {})).map((r) => r.state)).toEqual(['approved', 'declined']);
  });

  it('what is written on it verifies, and the ledger took all of it', async () => {
    const visit = { class: 'AMB' as const, start: '2026-11-23T10:00:00Z', reason: 'Fever', diagnoses: [], note: 'Seen.' };
    const saved = await b.ask('chart.saveEncounter', { patient, ...visit });
    await b.until(
      'verified',
      () => b.ask('chart.record', { patient, recordId: saved.records[0]?.recordId ?? '' }),
      (r) => r.verification.state.chip === 'verified',
    );
    for (const w of [a, b]) {
      const { sync } = await w.until(
        'nothing waits',
        () => w.snapshot(),
        (s) => s.sync.waiting === 0,
      );
      expect(sync.rejected).toBe(0);
    }
  });

  it('stands in the history', async () => {
    const { history, holders } = await a.ask('desk.sharing', {});
    expect(history.map((e) => e.type).filter((type) => type !== 'granted')).toEqual([
      'approved',
      'requested',
      'declined',
      'requested',
      'registered',
    ]);
    expect(holders.find((h) => h.account === others.doctor)?.categories.map((c) => c.category)).toEqual([
      'demographics',
      'problems-and-encounters',
    ]);
  });
});
