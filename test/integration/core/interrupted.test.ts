import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { categories } from '../../../src-shared/categories.ts';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { foundClinic, logIn, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

const demographics = {
  family: 'Rao',
  given: 'Asha',
  prefix: '',
  birthDate: '1980',
  birthDateEstimated: true,
  gender: 'female' as const,
  phone: '',
  address: '',
  identifiers: [],
};
const visit = { class: 'AMB' as const, start: '2026-11-23T10:00:00Z', reason: 'Visit', diagnoses: [], note: 'Seen.' };

describe('work that is interrupted', () => {
  let w: TestWorkstation;
  let people: Awaited<ReturnType<typeof foundClinic>>;
  let patient = '';
  let card = '';

  beforeAll(async () => {
    w = await startWorkstation();
    people = await foundClinic(w, 'Clinic');
    await logIn(w, people.registrar);
    const registered = await w.ask('patients.register', { demographics, pin });
    card = registered.card;
    patient = registered.patient.patient;
  }, 60_000);
  afterAll(() => w.stop());

  it("keeps a patient's card for the registrar, over a restart, until it was handed over", async () => {
    await w.restart();
    await logIn(w, people.doctor);
    expect(await w.ask('drafts.list', {})).toEqual([]);
    await logIn(w, people.registrar);
    const [kept] = await w.ask('drafts.list', {});
    expect(kept).toMatchObject({ kind: 'card', patient, json: JSON.stringify({ card }) });
    expect(await w.ask('desk.open', { card: (JSON.parse(kept?.json ?? '') as { card: string }).card, pin })).toMatchObject({ patient });
    await w.ask('drafts.discard', { id: kept?.id ?? '' });
    expect(await w.ask('drafts.list', {})).toEqual([]);
  });

  it('says that the workstation was locked, and saves nothing by halves', async () => {
    await w.ask('desk.open', { card, pin });
    const grantee = granteeOfAccount(people.doctor);
    await w.ask('desk.grant', { grantee, categories: [...categories], write: true, purpose: 'treatment', until: 0 });
    await logIn(w, people.doctor);
    // The envelope with the doctor's keys is opened a moment after the log-in.
    const save = () => w.ask('chart.saveEncounter', { patient, ...visit }).catch((error: { code?: string }) => error.code);
    await w.until('writing', save, (saved) => saved !== 'CONSENT_MISSING');
    const records = async () => (await w.ask('chart.entries', { patient, limit: 100 })).entries.map(({ versionId }) => versionId);
    const before = await records();
    const [entry] = (await w.ask('chart.entries', { patient, limit: 1 })).entries;
    const underWay = [
      w.ask('chart.record', { patient, recordId: entry?.recordId ?? '' }),
      w.ask('chart.saveEncounter', { patient, ...visit }),
    ].map((call) =>
      call.then(
        () => 'done',
        (error: { code?: string }) => error.code,
      ),
    );
    await w.ask('session.lock', {});
    expect(await Promise.all(underWay)).toEqual(['LOCKED', 'LOCKED']);
    await logIn(w, people.doctor);
    expect(await records()).toEqual(before);
  });

  it('writes for a patient only under the account as it is written everywhere', async () => {
    const other = { patient: patient.toLowerCase(), ...visit };
    await expect(w.ask('chart.saveEncounter', other)).rejects.toMatchObject({ code: 'CONSENT_MISSING' });
  });

  it('does not leave the clinic without an administrator', async () => {
    await logIn(w, people.admin);
    const change = { account: people.admin, roles: ['practitioner' as const] };
    await expect(w.ask('staff.changeRoles', change)).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    expect((await w.snapshot()).session?.roles).toEqual(['admin']);
  });
});
