/** What may happen while old records are encrypted anew: a revocation, a further wish, Stop, the desk closed, the workstation locked. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { categories } from '../../../src-shared/categories.ts';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { foundClinic, logIn, passphrase, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

const letterBytes = 7_000_000;

describe('while old records are encrypted anew', () => {
  let w: TestWorkstation;
  let people: Awaited<ReturnType<typeof foundClinic>>;
  /** Doctors with access, to be revoked one by one. */
  const others: string[] = [];
  let patient = '';
  let card = '';

  const anchored = () =>
    w.until(
      'everything anchored',
      () => w.snapshot(),
      (s) => s.sync.waiting === 0 && s.sync.state === 'online',
    );
  const atDesk = async () => {
    await logIn(w, people.registrar);
    await w.ask('desk.open', { card, pin });
  };
  const revokeNext = () => w.ask('desk.revoke', { grantee: granteeOfAccount(others.pop() ?? ''), categories: [] });
  /** Blocks that are laid down from now on. */
  const laidDown = () => {
    const { ipfs } = w.core.workstation;
    const put = vi.spyOn(ipfs, 'put');
    return () => put.mock.calls.flatMap(([blocks]) => blocks.map(({ cid }) => cid)).filter((cid) => ipfs.has(cid));
  };
  /** Something happens in the midst of the next step: its contents are encrypted, its commit is not made. */
  const inNextStep = (act: () => Promise<unknown>) => {
    const { ipfs } = w.core.workstation;
    const layOut = ipfs.layOut.bind(ipfs);
    vi.spyOn(ipfs, 'layOut').mockImplementationOnce(async (bytes) => {
      await act();
      return layOut(bytes);
    });
  };
  const allReadable = async () => {
    await anchored();
    await logIn(w, people.doctor);
    await w.core.workstation.indexer.settled();
    const report = await w.ask('chart.verify', { patient, offline: true });
    expect(report).toMatchObject({ failures: [], waiting: 0, notShared: 0 });
    expect(report.verified).toBeGreaterThan(40);
  };
  const refused = () =>
    w.core.workstation.store.workstation.operations({ patient, states: ['rejected'] }).map(({ rejectReason }) => rejectReason);

  beforeAll(async () => {
    w = await startWorkstation();
    people = await foundClinic(w, 'Clinic');
    const enrol = async (personName: string) => {
      const { phrase } = await w.ask('setup.createPhrase', {});
      const { account, enrolmentCode } = await w.ask('people.createKey', { personName, passphrase, phrase });
      await w.ask('staff.approve', { enrolmentCode, roles: ['practitioner'] });
      return account;
    };
    for (const name of ['Dr Rao', 'Dr Kumar', 'Dr Castro']) others.push(await enrol(name));
    await logIn(w, people.registrar);
    const demographics = {
      ...{ family: 'Rao', given: 'Asha', prefix: '', birthDate: '1980-05-01', birthDateEstimated: false, gender: 'female' as const },
      ...{ phone: '', address: '', identifiers: [] },
    };
    const registered = await w.ask('patients.register', { demographics, pin });
    patient = registered.patient.patient;
    card = registered.card;
    await w.ask('desk.open', { card, pin });
    for (const account of [people.doctor, ...others]) {
      const terms = { categories: [...categories], write: true, purpose: 'treatment' as const, until: 0 };
      await w.ask('desk.grant', { grantee: granteeOfAccount(account), ...terms });
    }
    await logIn(w, people.doctor);
    await w.core.workstation.indexer.settled();
    const self = {
      resourceType: 'Patient',
      id: 'p',
      name: [{ family: 'Rao', given: ['Asha'] }],
      gender: 'female',
      birthDate: '1980-05-01',
    };
    const results = Array.from({ length: 40 }, (_, i) => ({
      ...{ resourceType: 'Observation', id: `o-${i}`, status: 'final', subject: { reference: 'Patient/p' } },
      ...{ code: { text: `Glucose ${i}` }, effectiveDateTime: '2020-01-01', valueQuantity: { value: i, unit: 'mmol/L' } },
    }));
    const letter = {
      ...{ resourceType: 'DocumentReference', id: 'd', status: 'current', subject: { reference: 'Patient/p' } },
      content: [7, 8].map((byte) => ({
        attachment: { contentType: 'text/plain', data: Buffer.alloc(letterBytes / 2, byte).toString('base64') },
      })),
    };
    const entry = [self, ...results, letter].map((resource) => ({ fullUrl: `Patient/p/${resource.id}`, resource }));
    const bundle = Buffer.from(JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry }));
    await w.core.workstation.imports.run(w.core.workstation.sessions.require(), bundle, patient);
    await anchored();
  }, 180_000);
  afterEach(() => vi.restoreAllMocks());
  afterAll(() => w.stop());

  it('Stop leaves everything readable, nothing lying about, and no request', async () => {
    await atDesk();
    await revokeNext();
    const { records } = await w.ask('earlier.view', {});
    const laid = laidDown();
    inNextStep(() => w.ask('earlier.stop', { patient }));
    expect(await w.ask('earlier.reencrypt', { categories: ['observations-and-results'] })).toMatchObject({ done: 0, stopped: true });
    expect(laid()).toEqual([]);
    expect(await w.ask('earlier.view', {})).toMatchObject({ records, running: false, interrupted: null });
    expect(await w.ask('earlier.interrupted', {})).toEqual([]);
    await allReadable();
  });

  it('Stop ends it within a large file too, of which nothing stays', async () => {
    await atDesk();
    const { records } = await w.ask('earlier.view', {});
    const { ipfs } = w.core.workstation;
    const put = ipfs.put.bind(ipfs);
    const laid = laidDown();
    vi.mocked(ipfs.put).mockImplementationOnce((blocks) => {
      put(blocks);
      void w.ask('earlier.stop', { patient });
    });
    expect(await w.ask('earlier.reencrypt', { categories: ['documents-and-imaging'] })).toMatchObject({ done: 0, stopped: true });
    const written = vi.mocked(ipfs.put).mock.calls.flatMap(([blocks]) => blocks.map(({ bytes }) => bytes.length));
    const bytes = written.reduce((sum, length) => sum + length, 0);
    expect(bytes).toBeGreaterThan(1_000_000);
    expect(bytes).toBeLessThan(letterBytes);
    expect(laid()).toEqual([]);
    expect(await w.ask('earlier.view', {})).toMatchObject({ records, running: false, interrupted: null });
    await allReadable();
  });

  it.each(['desk.close', 'session.lock'] as const)('it ends with %s, and is gone on with when the card is opened again', async (call) => {
    await atDesk();
    const { records } = await w.ask('earlier.view', {});
    const laid = laidDown();
    inNextStep(() => w.ask(call, {}));
    expect(await w.ask('earlier.reencrypt', { categories: ['observations-and-results'] })).toMatchObject({ done: 0, stopped: true });
    expect(laid()).toEqual([]);
    await allReadable();
    expect(await w.ask('earlier.interrupted', {})).toMatchObject([{ patient, done: 0 }]);
    await atDesk();
    expect(await w.ask('earlier.view', {})).toMatchObject({ records, running: false, interrupted: { done: 0 } });
  });

  it('a revocation in the middle of a step, and a further wish, are taken on: all lies under the newest keys', async () => {
    await atDesk();
    const { records } = await w.ask('earlier.view', {});
    let second: Promise<unknown> = Promise.resolve();
    inNextStep(async () => {
      await revokeNext();
      second = w.ask('earlier.reencrypt', { categories: [] });
    });
    const first = await w.ask('earlier.reencrypt', { categories: ['observations-and-results'] });
    // What the patient registered with, and what was written before, counts once, and once more where it had been moved already.
    expect(first).toMatchObject({ unreadable: 0, later: 0, stopped: false });
    expect(first.done).toBe(first.total);
    expect(first.done).toBeGreaterThanOrEqual(records);
    expect(await second).toEqual(first);
    expect(await w.ask('earlier.view', {})).toMatchObject({ records: 0, running: false, interrupted: null });
    await allReadable();
    expect(refused()).toEqual([]);
  });

  it('a revocation after a part was done has that part done again', async () => {
    await atDesk();
    const view = () => w.ask('earlier.view', {});
    expect(await view()).toMatchObject({ records: 0 });
    await revokeNext();
    const { records } = await view();
    const meanwhile: { revoked?: Promise<unknown> } = {};
    const terms = { categories: [...categories], write: false, purpose: 'treatment' as const, until: 0 };
    const stop = w.core.workstation.facts.on('progress', ({ job, done }) => {
      if (job !== `reencrypt:${patient}` || (done ?? 0) < 1 || meanwhile.revoked) return;
      const grantee = granteeOfAccount(people.admin);
      meanwhile.revoked = w.ask('desk.grant', { grantee, ...terms }).then(() => w.ask('desk.revoke', { grantee, categories: [] }));
    });
    const result = await w.ask('earlier.reencrypt', { categories: [] });
    stop();
    expect(meanwhile.revoked).toBeDefined();
    await meanwhile.revoked;
    expect(result).toMatchObject({ unreadable: 0, stopped: false });
    expect(result.done).toBeGreaterThanOrEqual(records);
    // Where the revocation came after the last step, it is offered again.
    if ((await view()).records > 0) await w.ask('earlier.reencrypt', { categories: [] });
    expect(await view()).toMatchObject({ records: 0, interrupted: null });
    await allReadable();
    expect(refused()).toEqual([]);
  });
});
