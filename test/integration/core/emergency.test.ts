import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { categories } from '../../../src-shared/categories.ts';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import type { Demographics } from '../../../src-shared/ipc-schema.ts';
import type { RegistrationResult } from '../../../src-shared/view-types.ts';
import { foundClinic, logIn, passphrase, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

const demographics: Demographics = {
  family: 'Rao',
  given: 'Asha',
  prefix: '',
  birthDate: '1980-05-01',
  birthDateEstimated: false,
  gender: 'female',
  phone: '',
  address: '',
  identifiers: [],
};
const reason = 'Brought in unconscious, medicines not known';
const visit = { class: 'AMB' as const, start: '2026-11-23T10:00:00Z', diagnoses: [] };

describe('breaking the glass', () => {
  let w: TestWorkstation;
  let people: Awaited<ReturnType<typeof foundClinic>>;
  let stranger: string;
  let registered: RegistrationResult;
  let patient: string;
  let recordId: string;
  let ahead = 0;
  const now = Date.now;

  beforeAll(async () => {
    vi.spyOn(Date, 'now').mockImplementation(() => now() + ahead);
    w = await startWorkstation();
    people = await foundClinic(w, 'Clinic A');
    const { phrase } = await w.ask('setup.createPhrase', {});
    const key = await w.ask('people.createKey', { personName: 'Dr Stranger', passphrase, phrase });
    stranger = key.account;
    await w.ask('staff.approve', { enrolmentCode: key.enrolmentCode, roles: ['practitioner'] });
    await sealedTo(stranger);
    await logIn(w, people.registrar);
    registered = await w.ask('patients.register', { demographics, pin });
    patient = registered.patient.patient;
    await w.ask('desk.open', { card: registered.card, pin });
    const grantee = granteeOfAccount(people.doctor);
    await w.ask('desk.grant', { grantee, categories: [...categories], write: true, purpose: 'treatment', until: 0 });
    recordId = await write('Fever');
  });
  afterAll(async () => {
    vi.restoreAllMocks();
    await w.stop();
  });

  const holders = async (): Promise<readonly string[]> => {
    const { store, codec, crypto, ipfs } = w.core.workstation;
    const payloads = store.workstation.operations({ kinds: ['RotateOrganizationKey'] }).flatMap((stored) => {
      const decoded = codec.decodePayload(stored.operation);
      return decoded.kind === 'RotateOrganizationKey' && decoded.payload.purpose === 2 ? [decoded.payload] : [];
    });
    const last = payloads.at(-1);
    if (!last) return [];
    return crypto.organizationKeyHolders(await ipfs.get(crypto.cidOfDigest(last.keyEnvelope))).members;
  };
  const sealedTo = (account: string) => w.until('the emergency key', holders, (list) => list.includes(granteeOfAccount(account)));
  const write = async (title: string): Promise<string> => {
    await logIn(w, people.doctor);
    const saved = await w.until(
      'the chart',
      () => w.ask('chart.saveEncounter', { patient, ...visit, reason: title, note: title }).catch(() => null),
      (s) => s !== null,
    );
    return saved?.records[0]?.recordId ?? '';
  };
  const readable = (id: string) =>
    w.until(
      'the record',
      () => w.ask('chart.record', { patient, recordId: id }).catch(() => null),
      (r) => r !== null,
    );
  const desk = async () => {
    await logIn(w, people.registrar);
    await w.ask('desk.open', { card: registered.card, pin });
  };
  const openings = () => w.core.workstation.store.workstation.countOperations({ kinds: ['OpenEmergency'], patient });

  it('seals the emergency key to practitioners and admins, not to the front desk', async () => {
    const list = await holders();
    expect([people.doctor, stranger, people.admin].map((a) => list.includes(granteeOfAccount(a)))).toEqual([true, true, true]);
    expect(list).not.toContain(granteeOfAccount(people.registrar));
  });

  it('needs a practitioner, a reason and a bounded time', async () => {
    await logIn(w, people.registrar);
    await expect(w.ask('emergency.open', { patient, reason, hours: 1 })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await logIn(w, stranger);
    await expect(w.ask('emergency.open', { patient, reason: 'x', hours: 1 })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(w.ask('emergency.open', { patient, reason, hours: 25 })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(w.ask('emergency.open', { patient: people.doctor, reason, hours: 1 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await w.ask('emergency.view', { patient })).toEqual({ allowed: true, possible: true, until: 0 });
    await expect(w.ask('chart.record', { patient, recordId })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(openings()).toBe(0);
  });

  it('logs the opening before it decrypts anything, also with the ledger away', async () => {
    await logIn(w, people.admin);
    await w.core.workstation.connections.stop();
    await logIn(w, stranger);
    const { index } = w.core.workstation.sessions.require();
    const addKeks = vi.spyOn(index, 'addKeks').mockImplementation(() => expect(openings()).toBe(1));
    await w.ask('emergency.open', { patient, reason, hours: 2 });
    expect(addKeks).toHaveBeenCalledOnce();
    addKeks.mockRestore();
    await w.restart();
    await logIn(w, stranger);
    const record = await readable(recordId);
    expect(record?.json).toContain('Fever');
    const { access } = await w.ask('chart.open', { patient });
    expect(access.find((a) => a.category === 'problems-and-encounters')).toMatchObject({ read: true, write: false });
    await expect(w.ask('chart.saveEncounter', { patient, ...visit, reason: 'No', note: '' })).rejects.toMatchObject({
      code: 'CONSENT_MISSING',
    });
  });

  it('stands on the ledger and, with its reason, in the patient’s history', async () => {
    await w.until(
      'anchored',
      () => w.snapshot(),
      (s) => s.sync.waiting === 0,
    );
    expect((await w.snapshot()).sync.rejected).toBe(0);
    await desk();
    const [event] = await w.until(
      'the name',
      async () => (await w.ask('desk.sharing', {})).history,
      ([e]) => e?.name === 'Dr Stranger',
    );
    expect(event).toMatchObject({ type: 'emergency', name: 'Dr Stranger', note: reason, state: 'anchored' });
  });

  it('ends when its time is over, at once and with everything it brought', async () => {
    await logIn(w, stranger);
    await readable(recordId);
    ahead = 2 * 3600_000;
    await expect(w.ask('chart.record', { patient, recordId })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const { index } = w.core.workstation.sessions.require();
    await w.until(
      'only what the clinic is given',
      () => Promise.resolve(new Set(index.keks({ patient }).map((k) => k.category))),
      (set) => set.size === 2,
    );
    await w.core.workstation.indexer.settled();
    expect(index.records({ patient }).map((r) => r.resourceType)).toEqual(['Patient']);
    expect(await w.ask('patients.get', { patient })).toMatchObject({ family: 'Rao' });
    expect(await w.ask('emergency.view', { patient })).toMatchObject({ until: 0 });
  });

  it('can be ended before its time', async () => {
    await w.ask('emergency.open', { patient, reason, hours: 1 });
    await readable(recordId);
    await w.ask('emergency.close', { patient });
    await expect(w.ask('chart.record', { patient, recordId })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is switched off by the patient: nothing opens, and the keys move on', async () => {
    await desk();
    await w.ask('emergency.switch', { allowed: false });
    expect(await w.ask('desk.sharing', {})).toMatchObject({ emergencyAllowed: false });
    const later = await write('After switching off');
    await logIn(w, stranger);
    await expect(w.ask('emergency.open', { patient, reason, hours: 1 })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    expect(openings()).toBe(2);

    await desk();
    await w.ask('emergency.switch', { allowed: true });
    await logIn(w, stranger);
    await w.ask('emergency.open', { patient, reason, hours: 1 });
    expect((await readable(later))?.json).toContain('After switching off');
    await w.until(
      'all anchored',
      () => w.snapshot(),
      (s) => s.sync.waiting === 0,
    );
    expect((await w.snapshot()).sync.rejected).toBe(0);
  });

  it('ends at once for whoever has it open when it is switched off', async () => {
    await desk();
    await w.ask('emergency.switch', { allowed: false });
    await logIn(w, stranger);
    await expect(w.ask('chart.record', { patient, recordId })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await desk();
    const { history, holders: access } = await w.ask('desk.sharing', {});
    expect(history.slice(0, 4).map((e) => e.type)).toEqual(['emergency-off', 'emergency', 'emergency-on', 'emergency-off']);
    expect(access.map((h) => h.name).sort()).toEqual(['Clinic A', 'Doctor of Clinic A']);
  });

  it('is replaced when a practitioner leaves, and what was sealed before opens for the others', async () => {
    const before = w.core.workstation.store.workstation.countOperations({ kinds: ['RotateOrganizationKey'] });
    await logIn(w, people.admin);
    await w.ask('staff.setSuspended', { account: people.doctor, suspended: true });
    const list = await w.until('a new key', holders, (l) => !l.includes(granteeOfAccount(people.doctor)));
    expect(list).toContain(granteeOfAccount(stranger));
    expect(w.core.workstation.store.workstation.countOperations({ kinds: ['RotateOrganizationKey'] })).toBeGreaterThan(before);
    await desk();
    await w.ask('emergency.switch', { allowed: true });
    await logIn(w, stranger);
    await w.ask('emergency.open', { patient, reason, hours: 1 });
    await readable(recordId);
  });
});
