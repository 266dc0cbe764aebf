import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RegistrationResult } from '../../../src-shared/view-types.ts';
import { foundTwoClinics, shareAll } from './two-clinics.ts';
import { demographicsOf, logIn, pin, startWorkstation, type Staff, type TestWorkstation } from './workstation.ts';

const asha = demographicsOf('Rao', { given: 'Asha', birthDate: '1980-05-01' });

describe('one person registered twice', () => {
  let a: TestWorkstation;
  let b: TestWorkstation;
  let people: Staff;
  let others: Staff;
  let first: RegistrationResult;
  let second: RegistrationResult;
  let other: RegistrationResult;

  beforeAll(async () => {
    a = await startWorkstation();
    b = await startWorkstation();
    ({ people, others } = await foundTwoClinics(a, b));
    await logIn(a, people.registrar);
    first = await a.ask('patients.register', { demographics: asha, pin });
    second = await a.ask('patients.register', { demographics: { ...asha, given: 'Aasha' }, pin });
    other = await a.ask('patients.register', { demographics: { ...asha, family: 'Iyer', given: 'Meena', birthDate: '1951-11-30' }, pin });
  });
  afterAll(async () => {
    await b.stop();
    await a.stop();
  });

  const pair = () => ({ duplicate: second.patient.patient, survivor: first.patient.patient });

  it('is found among the patients of the desk, the earlier registration first', async () => {
    const { candidates, links, compared } = await a.ask('duplicates.list', {});
    expect(candidates).toHaveLength(1);
    expect(candidates[0]).toMatchObject({ a: { patient: pair().survivor }, b: { patient: pair().duplicate }, dismissed: null });
    expect({ links, compared }).toEqual({ links: [], compared: 3 });
  });

  it('is remembered to be two people, until somebody thinks again', async () => {
    const { survivor, duplicate } = pair();
    await a.ask('duplicates.dismiss', { a: duplicate, b: survivor, dismissed: true });
    await a.restart();
    await logIn(a, people.registrar);
    const [dismissed] = (await a.ask('duplicates.list', {})).candidates;
    expect(dismissed?.dismissed).toMatchObject({ by: 'Registrar of Clinic A' });
    await a.ask('duplicates.dismiss', { a: survivor, b: duplicate, dismissed: false });
    expect((await a.ask('duplicates.list', {})).candidates[0]?.dismissed).toBeNull();
  });

  it('is linked by a registrar only, and by no record to itself or to nobody', async () => {
    const reason = 'Same passport';
    await expect(a.ask('duplicates.link', { ...pair(), duplicate: pair().survivor, reason })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    await expect(a.ask('duplicates.link', { ...pair(), duplicate: people.doctor, reason })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await logIn(a, people.doctor);
    await expect(a.ask('duplicates.link', { ...pair(), reason })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await logIn(a, people.admin);
    await expect(a.ask('duplicates.link', { ...pair(), reason })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
  });

  it('is linked for a reason that the ledger does not hold and the clinic can read', async () => {
    await logIn(a, people.registrar);
    await a.ask('duplicates.link', { ...pair(), reason: 'Same passport' });
    expect(await a.ask('duplicates.of', { patient: pair().duplicate })).toMatchObject([
      { patient: pair().survivor, main: true, summary: { family: 'Rao' } },
    ]);
    expect(await a.ask('duplicates.of', { patient: pair().survivor })).toMatchObject([{ patient: pair().duplicate, main: false }]);
    const view = await a.until(
      'the link on the ledger',
      () => a.ask('duplicates.list', {}),
      ({ links }) => links[0]?.anchored === true,
    );
    expect(view).toMatchObject({ candidates: [], links: [{ ...pair(), reason: 'Same passport', by: 'Registrar of Clinic A' }] });
    const { store } = a.core.workstation;
    const [operation] = store.workstation.operations({ kinds: ['LinkPatients'] });
    expect(Buffer.from(operation?.operation.payload.slice(2) ?? '', 'hex').includes('passport')).toBe(false);
  });

  it('makes no chains', async () => {
    const { survivor, duplicate } = pair();
    const third = other.patient.patient;
    for (const [from, to] of [
      [duplicate, third],
      [third, duplicate],
      [survivor, third],
    ] as const) {
      await expect(a.ask('duplicates.link', { duplicate: from, survivor: to, reason: 'no' }), `${from} to ${to}`).rejects.toMatchObject({
        code: 'ALREADY_EXISTS',
      });
    }
    await a.ask('duplicates.link', { duplicate: third, survivor, reason: 'a second duplicate of one is no chain' });
    expect((await a.ask('duplicates.of', { patient: third })).map((o) => o.patient)).toEqual([survivor, duplicate]);
    await a.ask('duplicates.unlink', { duplicate: third, reason: 'That was somebody else' });
    expect(await a.ask('duplicates.of', { patient: third })).toEqual([]);
  });

  it('opens nothing to anybody: who reads one record learns only that there is another', async () => {
    await shareAll(a, first, [people.doctor, others.doctor]);
    await logIn(b, others.doctor);
    await b.until(
      'the chart and its link',
      () => b.ask('duplicates.of', { patient: pair().survivor }),
      (list) => list.length === 1,
    );
    await b.until(
      'the chart',
      () => b.ask('chart.open', { patient: pair().survivor }).catch(() => null),
      (chart) => chart !== null,
    );
    const [linked] = await b.ask('duplicates.of', { patient: pair().survivor });
    expect(linked).toMatchObject({ patient: pair().duplicate, summary: null, main: false });
    await expect(b.ask('chart.open', { patient: pair().duplicate })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is seen and can be undone at another clinic, whose registrar does not learn the reason', async () => {
    await logIn(b, others.registrar);
    await b.until(
      'the unlinking of the third',
      () => b.ask('duplicates.of', { patient: other.patient.patient }),
      (list) => list.length === 0,
    );
    expect(await b.ask('duplicates.of', { patient: pair().duplicate })).toHaveLength(1);
    await b.ask('duplicates.unlink', { duplicate: pair().duplicate, reason: 'Two sisters' });
    await expect(b.ask('duplicates.unlink', { duplicate: pair().duplicate, reason: 'again' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await a.until(
      'undone at the first clinic',
      () => a.ask('duplicates.of', { patient: pair().survivor }),
      (list) => list.length === 0,
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
});
