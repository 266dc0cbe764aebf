/** A new key by helpers on a real ledger, at two clinics: each helper agrees at another desk, the waiting time is the ledger's, and what the old key signs is refused. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeyAdapter } from '../../../src-main/core/adapters/crypto/keys.ts';
import { createSigning } from '../../../src-main/core/services/signing.ts';
import { categories } from '../../../src-shared/categories.ts';
import { rpc } from '../ledger/site.ts';
import { invitationByAddress, joinClinic, shareAll } from './two-clinics.ts';
import { demographicsOf, fetchFile, foundClinic, logIn, pin, staff, startWorkstation, type TestWorkstation } from './workstation.ts';

const keyPort = createKeyAdapter({ memoryKiB: 8192, passes: 1 });
const newPin = '975310';
const day = 86_400;

describe('a new key by helpers, on the ledger', { timeout: 600_000 }, () => {
  let a: TestWorkstation;
  let b: TestWorkstation;
  let people: Awaited<ReturnType<typeof foundClinic>>;
  let others = '';
  let patient = '';
  let own: { card: string; phrase: string };
  const helpers: { patient: string; card: string }[] = [];
  let made: { card: string; phrase: string };

  const settled = (w: TestWorkstation) =>
    w.until(
      'everything anchored',
      () => w.snapshot(),
      ({ sync }) => sync.state === 'online' && sync.waiting === 0 && sync.indexing === 0,
    );
  const ledger = () => a.core.workstation.network.require().endpoint;
  const encounter = async (reason: string) => {
    const visit = { class: 'AMB' as const, start: '2026-11-23T10:00:00Z', reason, diagnoses: [], note: '' };
    await a.until(
      'saved',
      () => a.ask('chart.saveEncounter', { ...visit, patient }).catch(() => null),
      (saved) => saved !== null,
    );
    await settled(a);
  };
  const pendingAt = (w: TestWorkstation, state: string) =>
    w.until(
      state,
      () => w.ask('helpers.pending', { patient }),
      ({ pending }) => pending[0]?.state === state,
    );

  beforeAll(async () => {
    [a, b] = [await startWorkstation(), await startWorkstation()];
    people = await foundClinic(a, 'Hillside');
    // The ledger is asked at its address.
    await joinClinic(a, b, 'Lakeside', await invitationByAddress(a));
    others = (await staff(b, 'Lakeside')).registrar;
    await settled(b);

    await logIn(a, people.registrar);
    for (const family of ['Helper', 'Friend']) {
      const registered = await a.ask('patients.register', { demographics: demographicsOf(family), pin });
      helpers.push({ patient: registered.patient.patient, card: registered.card });
    }
    const registered = await a.ask('patients.register', { demographics: demographicsOf('Rao'), pin });
    patient = registered.patient.patient;
    own = { card: registered.card, phrase: registered.phrase };
    await shareAll(a, own, [people.doctor]);
    await a.ask('helpers.choose', { helpers: helpers.map((one) => one.patient), threshold: 2, days: 2 });
    await settled(a);
    expect((await a.ask('helpers.atDesk', {})).own).toMatchObject({ threshold: 2, days: 2, waiting: false });
    await logIn(a, people.doctor);
    await encounter('Before');
    await logIn(a, people.registrar);
  }, 600_000);
  afterAll(async () => {
    await b.stop();
    await a.stop();
  });

  it('is asked for at one clinic and agreed to at another, which has never seen the patient', async () => {
    await expect(a.ask('helpers.begin', { patient, helper: { card: own.card, pin }, pin: newPin })).rejects.toMatchObject({
      code: 'NOT_ALLOWED',
    });
    made = await a.ask('helpers.begin', { patient, helper: { card: helpers[0]!.card, pin }, pin: newPin });
    await settled(a);
    await logIn(b, others);
    await b.until(
      'heard of at the other clinic',
      () => b.ask('helpers.pending', { patient }),
      ({ pending }) => pending.length === 1,
    );
    await b.ask('desk.open', { card: helpers[1]!.card, pin });
    const { ofOthers, own: mine } = await b.ask('helpers.atDesk', {});
    expect(mine).toMatchObject({ threshold: 0 });
    expect(ofOthers).toMatchObject([{ account: patient, mine: false, state: 'collecting' }]);
    await b.ask('helpers.agree', { proposal: ofOthers[0]!.proposal });
    await settled(b);
    await pendingAt(a, 'waiting');
    await expect(a.ask('helpers.complete', { patient, card: made.card, pin: newPin })).rejects.toMatchObject({ code: 'KEY_MISSING' });
  });

  it('is in force after the ledger’s waiting time, at both clinics; the old card and words are refused, and what they sign is, too', async () => {
    await rpc(ledger(), 'evm_increaseTime', 2 * day + 60);
    await rpc(ledger(), 'evm_mine');
    await pendingAt(a, 'ready');
    await a.ask('helpers.complete', { patient, card: made.card, pin: newPin });
    await settled(a);
    const signer = keyPort.fromPhrase(made.phrase).account;
    for (const w of [a, b])
      await w.until(
        'the new key in force',
        () => Promise.resolve(w.core.workstation.directory.signer(patient)),
        (now) => now === signer,
      );
    for (const w of [a, b]) {
      await expect(w.ask('desk.open', { card: own.card, pin })).rejects.toMatchObject({ code: 'KEY_REPLACED' });
      expect(await w.ask('desk.open', { card: made.card, pin: newPin })).toMatchObject({ patient });
      expect(w.core.workstation.connections.status()?.forged).toBe(0);
    }
    await expect(a.ask('cards.reissue', { patient, phrase: own.phrase, pin: newPin })).rejects.toMatchObject({ code: 'KEY_REPLACED' });

    // A program that does not ask the services, with the old key.
    const { store, codec, crypto, network, directory, clock, facts } = a.core.workstation;
    const thief = createSigning(store.workstation, codec, crypto, network, { ...directory, signer: (one) => one }, clock);
    const stolen = thief.make('VetoRecovery', { account: patient }, 'Theft', keyPort.fromPhrase(own.phrase));
    store.workstation.enqueue([stolen]);
    facts.tell('operations', { kinds: new Set(['VetoRecovery']) });
    await settled(a);
    expect(store.workstation.operation(stolen.operation.opId)).toMatchObject({
      state: 'rejected',
      rejectReason: expect.stringContaining('SignatureWrong') as string,
    });
  });

  it('gets the record back with the doctor at the desk, verified, and taken along in a file that anybody can check', async () => {
    await a.ask('desk.open', { card: made.card, pin: newPin });
    const closed = (await a.ask('helpers.atDesk', {})).earlier;
    expect(closed).toMatchObject({ back: [], offered: ['demographics', 'scheduling'] });
    await logIn(a, people.doctor);
    await settled(a);
    await a.ask('desk.open', { card: made.card, pin: newPin });
    expect((await a.ask('helpers.bringBack', {})).categories).toEqual([...categories]);
    await settled(a);
    const { earlier } = await a.ask('helpers.atDesk', {});
    expect(earlier).toMatchObject({ back: [...categories], closed: 0, offered: [] });
    await encounter('After');
    await a.ask('desk.open', { card: made.card, pin: newPin });
    const counts = (await a.ask('desk.sharing', {})).categories;
    expect(counts.find(({ category }) => category === 'problems-and-encounters')?.count).toBeGreaterThan(1);
    const report = await a.ask('chart.verify', { patient, offline: false });
    expect(report).toMatchObject({ failures: [], waiting: 0 });
    expect(report.verified).toBe(report.records);

    const { verifyExport } = (await import(new URL('../../../resources/verify-export/verify.mjs', import.meta.url).href)) as {
      verifyExport(text: string, options?: { rpc?: string }): Promise<{ findings: { level: string; text: string }[] }>;
    };
    for (const make of [() => a.ask('desk.export', {}), () => a.ask('chart.export', { patient })]) {
      const text = (await fetchFile(a, await make())).toString('utf8');
      expect(text).toContain('CompleteRecovery');
      const { findings } = await verifyExport(text, { rpc: ledger() });
      expect(findings.filter(({ level }) => level !== 'holds')).toEqual([]);
    }
  });
});
