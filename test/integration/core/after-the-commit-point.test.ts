/** What is saved stays saved, and is said to be, where the disk is full for what comes behind the commit point: nobody does it again. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { cardDraft } from '../../../src-main/core/services/patients.ts';
import { categories } from '../../../src-shared/categories.ts';
import { AppError } from '../../../src-shared/errors.ts';
import { cardPin, Ledgerless } from './ledgerless.ts';

let ledgerless: Ledgerless;
beforeAll(async () => {
  ledgerless = await Ledgerless.start(1);
});
afterAll(() => ledgerless.stop());

const full = new AppError('DISK_FULL', 'There is no room.');
const reported = new Set<unknown>();
const before = { onReport: (_error: unknown) => {}, beforeIndex: (_method: string) => {} };
beforeEach(() => {
  Object.assign(before, { onReport: ledgerless.onReport, beforeIndex: ledgerless.beforeIndex });
  reported.clear();
  ledgerless.onReport = (error) => reported.add(error);
});
afterEach(() => {
  Object.assign(ledgerless, before);
});
/** From now on these methods of every index fail. */
const fill = (...methods: readonly string[]) => {
  ledgerless.beforeIndex = (method) => {
    if (methods.includes(method)) throw full;
  };
};
const makeRoom = () => (ledgerless.beforeIndex = before.beforeIndex);

it('a consultation: its draft is not offered again, and it is in the chart once there is room', async () => {
  const { w, doctors } = ledgerless;
  const [doctor = expect.fail()] = doctors;
  const { patient, desk } = await ledgerless.patient();
  const terms = { write: true, purpose: 'treatment' as const, until: 0 };
  await w.sharing.grant(desk, { grantee: granteeOfAccount(doctor.account), categories: [...categories], ...terms });
  ledgerless.anchor();
  const draft = { id: `encounter:${patient}`, patient, kind: 'encounter', json: JSON.stringify({ reason: 'Cough' }), updatedAt: 1 };
  const visit = { class: 'AMB' as const, start: '2026-11-23T10:00:00Z', reason: 'Cough', diagnoses: [], note: '' };
  await ledgerless.as(doctor.secret, async (session) => {
    session.index.saveDraft(draft);

    // Where the disk is full before it, it is not saved, and the draft stays.
    fill('saveDraft');
    await expect(w.consultations.saveEncounter(session, { ...visit, patient, draft: draft.id })).rejects.toBe(full);
    expect(w.drafts.list(session, patient)).toEqual([draft]);
    expect(w.store.workstation.operations({ kinds: ['Commit'], patient, actor: doctor.account })).toEqual([]);

    fill('addRecords', 'deleteDraft');
    const { records } = await w.consultations.saveEncounter(session, { ...visit, patient, draft: draft.id });
    expect(w.store.workstation.operations({ kinds: ['Commit'], patient, actor: doctor.account })).toHaveLength(1);
    expect(reported).toEqual(new Set([full]));
    expect(w.drafts.list(session, patient)).toEqual([]);
    const known = () => records.map(({ versionId }) => session.index.version(versionId)?.versionId);
    expect(known()).toEqual(records.map(() => undefined));
    makeRoom();
    await vi.waitFor(() => expect(known()).toEqual(records.map(({ versionId }) => versionId)), { timeout: 20_000 });
  });
  w.sessions.lock();
  expect(await ledgerless.as(doctor.secret, ({ index }) => index.drafts(patient))).toEqual([]);
});

it('a registration: the card is handed out, and the patient is in the list once there is room', async () => {
  const { w, admin } = ledgerless;
  const demographics = { family: 'Full', given: 'Disk', prefix: '', birthDate: '', birthDateEstimated: false, gender: 'unknown' as const };
  await ledgerless.as(admin.secret, async (session) => {
    fill('addKeks');
    const made = await w.patients.register(session, { ...demographics, phone: '', address: '', identifiers: [] }, cardPin);
    const { patient } = made.patient;
    expect(made.phrase).not.toBe('');
    expect(session.index.drafts(patient).map(({ id, json }) => ({ id, json }))).toEqual([
      { id: cardDraft(patient), json: JSON.stringify({ card: made.card }) },
    ]);
    expect(session.index.patient(patient)).toBeUndefined();
    makeRoom();
    await vi.waitFor(() => expect(session.index.patient(patient)?.family).toBe('Full'), { timeout: 20_000 });
    expect((await w.sessions.openDesk(made.card, cardPin)).patient).toBe(patient);
  });
});

it.each(['upsertPatients', 'addRecords'])(
  'a correction of a name, where %s has no room: the list says the new one once there is room',
  async (method) => {
    const { w, admin } = ledgerless;
    const { patient } = await ledgerless.patient();
    const family = `Corrected ${method}`;
    await ledgerless.as(admin.secret, async (session) => {
      const [details = expect.fail()] = await w.corrections.details(session, patient);
      fill(method);
      const { versionId } = details;
      const { records } = await w.corrections.correctDetails(session, patient, versionId, [versionId], { ...details.demographics, family });
      expect(reported).toEqual(new Set([full]));
      makeRoom();
      await vi.waitFor(() => expect(session.index.patient(patient)?.family).toBe(family), { timeout: 20_000 });
      await vi.waitFor(() => expect(session.index.version(records[0]?.versionId ?? '')).toBeDefined(), { timeout: 20_000 });
    });
  },
);
