/** Taking back what was not sent: through the calls of a whole core whose ledger is away. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { categories } from '../../../src-shared/categories.ts';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { foundClinic, logIn, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

const demographics = {
  ...{ family: 'Rao', given: 'Asha', prefix: '', birthDate: '1980', birthDateEstimated: true },
  ...{ gender: 'female' as const, phone: '', address: '', identifiers: [] },
};
const visit = {
  class: 'HH' as const,
  start: '2026-11-23T10:00:00.000Z',
  reason: 'Cough',
  diagnoses: [
    {
      concept: { system: 'http://hl7.org/fhir/sid/icd-10-cm', code: 'J20.9', display: 'Acute bronchitis, unspecified' },
      clinicalStatus: 'active' as const,
      verificationStatus: 'provisional' as const,
      onset: '2026-11',
      note: '',
    },
  ],
  note: 'Lungs: scattered wheeze.',
};

describe('what was not sent yet', () => {
  let w: TestWorkstation;
  let people: Awaited<ReturnType<typeof foundClinic>>;
  let patient = '';
  let card = '';

  const outbox = async (show: 'all' | 'waiting' = 'all') => w.ask('sync.outbox', { show, limit: 100 });
  const newest = async () => (await outbox()).entries[0]?.opId ?? '';
  const chart = async () => (await w.ask('chart.entries', { patient, limit: 100 })).entries.map((entry) => entry.resourceType).sort();
  const save = () => w.ask('chart.saveEncounter', { patient, ...visit, draft: `encounter:${patient}` });

  beforeAll(async () => {
    w = await startWorkstation();
    people = await foundClinic(w, 'Clinic');
    await logIn(w, people.registrar);
    const registered = await w.ask('patients.register', { demographics, pin });
    card = registered.card;
    patient = registered.patient.patient;
    await w.ask('desk.open', { card, pin });
    const grantee = granteeOfAccount(people.doctor);
    await w.ask('desk.grant', { grantee, categories: [...categories], write: true, purpose: 'treatment', until: 0 });
    await w.until('anchoring', w.snapshot, (s) => s.sync.waiting === 0 && s.sync.state === 'online');
    await logIn(w, people.doctor);
    await w.until(
      'writing',
      () => save().catch((error: { code?: string }) => error.code),
      (saved) => saved !== 'CONSENT_MISSING',
    );
    await w.until('anchoring', w.snapshot, (s) => s.sync.waiting === 0);
    // From here on the cable is out.
    const { workstation } = w.core.workstation.store;
    workstation.setSetting('network', {
      ...workstation.setting<Record<string, unknown>>('network'),
      ...{ embedded: null, endpoint: 'http://127.0.0.1:9' },
    });
    await w.restart();
    await logIn(w, people.doctor);
  }, 90_000);
  afterAll(() => w.stop());

  it('is withdrawn with all that was saved together, and leaves chart and outbox as they were before', async () => {
    const before = { chart: await chart(), waiting: (await outbox('waiting')).counts.waiting };
    await save();
    expect(await chart()).not.toEqual(before.chart);
    const opId = await newest();
    expect(await w.ask('sync.withdrawal', { opId })).toMatchObject({ obstacle: null, editable: true, patient });
    await w.ask('sync.withdraw', { opId, edit: false });
    expect({ chart: await chart(), waiting: (await outbox('waiting')).counts.waiting }).toEqual(before);
    await expect(w.ask('sync.withdraw', { opId, edit: false })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await w.ask('drafts.list', { patient })).toEqual([]);
  });

  it('goes back into its draft as it was typed, unless the chart has another draft', async () => {
    await save();
    const opId = await newest();
    await w.ask('drafts.save', { id: `encounter:${patient}`, patient, kind: 'encounter', json: '{"reason":"Other"}' });
    await expect(w.ask('sync.withdraw', { opId, edit: true })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await w.ask('drafts.discard', { id: `encounter:${patient}` });
    const before = await chart();
    expect(await w.ask('sync.withdraw', { opId, edit: true })).toEqual({ patient });
    expect((await chart()).length).toBe(before.length - 3);
    const [draft] = await w.ask('drafts.list', { patient });
    expect(JSON.parse(draft?.json ?? '')).toEqual({ ...visit, withdrawnFrom: opId });
    // Saved again from there.
    await save();
    expect(await w.ask('drafts.list', { patient })).toEqual([]);
    expect(await chart()).toEqual(before);
    await w.ask('sync.withdraw', { opId: await newest(), edit: false });
  });

  it('stays where something was built on it, until that is gone', async () => {
    await save();
    const first = await newest();
    await save();
    const second = await newest();
    expect((await w.ask('sync.withdrawal', { opId: first })).obstacle).toMatch(/builds on it/);
    await expect(w.ask('sync.withdraw', { opId: first, edit: false })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await w.ask('sync.withdraw', { opId: second, edit: false });
    await w.ask('sync.withdraw', { opId: first, edit: false });
  });

  it('is not for others to withdraw, and leaves their charts too when they come back', async () => {
    await save();
    const opId = await newest();
    await logIn(w, people.registrar);
    expect((await w.ask('sync.withdrawal', { opId })).obstacle).toMatch(/who signed it/);
    await expect(w.ask('sync.withdraw', { opId, edit: false })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    const labels = (await outbox()).entries.map((entry) => `${entry.label} ${entry.actor} ${entry.reason ?? ''}`).join('\n');
    expect(labels).not.toMatch(/Asha|Cough|bronch|0x/);
    await logIn(w, people.doctor);
    await w.ask('sync.withdraw', { opId, edit: false });
  });

  it("of the patient needs the patient's card", async () => {
    await w.ask('desk.open', { card, pin });
    const grantee = granteeOfAccount(people.admin);
    await w.ask('desk.grant', { grantee, categories: ['immunizations'], write: false, purpose: 'treatment', until: 0 });
    const opId = await newest();
    const shared = async () => JSON.stringify(await w.ask('desk.sharing', {})).includes(people.admin.slice(2).toLowerCase());
    expect(await shared()).toBe(true);
    await w.ask('desk.close', {});
    await expect(w.ask('sync.withdraw', { opId, edit: false })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await w.ask('desk.open', { card, pin });
    await w.ask('sync.withdraw', { opId, edit: false });
    expect(await shared()).toBe(false);
    await w.ask('desk.close', {});
    expect((await chart()).length).toBeGreaterThan(0);
  });

  it('of a registration takes the patient out of the list, card and all', async () => {
    await logIn(w, people.registrar);
    const registered = await w.ask('patients.register', { demographics: { ...demographics, given: 'Twice' }, pin });
    const opId = await newest();
    const view = await w.ask('sync.withdrawal', { opId });
    expect(view.together).toContain('Register a patient');
    expect(view.undoes).toHaveLength(1);
    await w.ask('sync.withdraw', { opId, edit: false });
    const { hits } = await w.ask('patients.search', { text: 'Rao', limit: 10, offset: 0 });
    expect(hits.map((hit) => hit.patient)).toEqual([patient]);
    expect((await w.ask('drafts.list', {})).filter((draft) => draft.patient === registered.patient.patient)).toEqual([]);
  });

  it('is never what was sent', async () => {
    const { entries } = await w.ask('sync.outbox', { show: 'anchored', limit: 500 });
    expect(entries.length).toBeGreaterThan(5);
    for (const entry of entries) {
      expect(entry.unsent).toBe(false);
      await expect(w.ask('sync.withdraw', { opId: entry.opId, edit: false })).rejects.toMatchObject({ code: 'ALREADY_SENT' });
    }
  });
});
