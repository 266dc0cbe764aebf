import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeyAdapter } from '../../../src-main/core/adapters/crypto/keys.ts';
import { precedes } from '../../../src-main/core/services/ledger-order.ts';
import { createSigning } from '../../../src-main/core/services/signing.ts';
import { checkEvents } from '../../../src-main/core/services/sync/event-check.ts';
import { AppError } from '../../../src-shared/errors.ts';
import { CoreProcess } from './core-process.ts';
import { joinClinic, shareAll } from './two-clinics.ts';
import { demographicsOf, foundClinic, logIn, passphrase, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

const encounter = { class: 'AMB' as const, start: '2026-09-01T10:00:00Z', diagnoses: [], note: '' };
const keyPort = createKeyAdapter({ memoryKiB: 8192, passes: 1 });

describe('a doctor with a new key', () => {
  let w: TestWorkstation;
  let other: TestWorkstation;
  let adminOfOther: string;
  let people: Awaited<ReturnType<typeof foundClinic>>;
  let doctor: { account: string; phrase: string; enrolmentCode: string };
  let newPhrase: string;
  let patient: string;
  let card: string;
  beforeAll(async () => {
    w = await startWorkstation();
    people = await foundClinic(w, 'Clinic A');
    const { phrase } = await w.ask('setup.createPhrase', {});
    doctor = { phrase, ...(await w.ask('people.createKey', { personName: 'Dr Key', passphrase, phrase })) };
    await w.ask('staff.approve', { enrolmentCode: doctor.enrolmentCode, roles: ['practitioner'] });
    await logIn(w, people.registrar);
    const registered = await w.ask('patients.register', { demographics: demographicsOf('Rao'), pin });
    ({ patient } = registered.patient);
    ({ card } = registered);
    await share();
    await logIn(w, doctor.account);
    await write('Before');
    await w.ask('drafts.save', { id: 'draft-1', patient, kind: 'encounter', json: '{"note":"kept"}' });
    newPhrase = (await w.ask('setup.createPhrase', {})).phrase;
  });
  afterAll(async () => {
    await other?.stop();
    await w.stop();
  });

  const share = () => shareAll(w, { card }, [doctor.account]);
  const settled = () =>
    w.until(
      'everything anchored',
      () => w.snapshot(),
      ({ sync }) => sync.waiting === 0 && sync.indexing === 0,
    );
  const write = async (reason: string) => {
    await w.until(
      'saved',
      () => w.ask('chart.saveEncounter', { ...encounter, patient, reason }).catch(() => null),
      (saved) => saved !== null,
    );
    await settled();
  };
  const operations = () => w.core.workstation.store.workstation.operations({ kinds: ['RotateKeys'] });

  it('changes nothing with a wrong passphrase, or with words that belong to somebody', async () => {
    await expect(w.ask('keys.rotate', { passphrase, phrase: doctor.phrase })).rejects.toMatchObject({ code: 'KEY_INVALID' });
    const wrong = { passphrase: 'not the passphrase', phrase: newPhrase };
    await expect(w.ask('keys.rotate', wrong)).rejects.toMatchObject({ code: 'WRONG_CREDENTIALS' });
    expect(operations()).toEqual([]);
  });

  it('keeps account, drafts and what was read, and logs in with the same passphrase', async () => {
    // After a wrong passphrase one has to wait a moment.
    const rotate = () => w.ask('keys.rotate', { passphrase, phrase: newPhrase });
    await w.until(
      'the rotation',
      () =>
        rotate().then(
          () => true,
          (error: unknown) => (error instanceof AppError && error.code === 'TRY_LATER' ? false : Promise.reject(error)),
        ),
      (done) => done,
    );
    expect((await w.snapshot()).session).toMatchObject({ account: doctor.account, keyReplaced: false, status: 'active' });
    expect(await w.ask('drafts.list', {})).toMatchObject([{ id: 'draft-1', json: '{"note":"kept"}' }]);
    await settled();
    expect(operations()).toMatchObject([{ rejectReason: null, operation: { actor: doctor.account } }]);
    await w.ask('session.lock', {});
    await logIn(w, doctor.account);
    expect((await w.ask('keys.phrase', { passphrase })).phrase).toBe(newPhrase);
    expect(await w.ask('drafts.list', {})).toHaveLength(1);
    expect((await w.ask('patients.search', { text: 'rao', limit: 5, offset: 0 })).total).toBe(1);
  });

  it('signs with the new key from then on; both signatures verify', async () => {
    await write('After');
    const commits = w.core.workstation.store.workstation.operations({ kinds: ['Commit'], actor: doctor.account });
    const { codec, network } = w.core.workstation;
    const signers = commits.map(({ operation: { signatures, ...unsigned } }) =>
      codec.recover(codec.digest(network.require().config, unsigned), signatures[0] ?? ''),
    );
    expect(new Set(signers)).toEqual(new Set([doctor.account, keyPort.fromPhrase(newPhrase).account]));
    expect(await w.ask('chart.verify', { patient, offline: true })).toMatchObject({ failures: [], waiting: 0 });
  });

  it('opens what was sealed to the old key and to the new one when its index is built anew', async () => {
    await logIn(w, people.registrar);
    await share();
    await settled();
    const { directory } = w.core.workstation;
    expect(directory.memberships(doctor.account)[0]?.encryptionKey).toBe(keyPort.fromPhrase(newPhrase).encryptionKey);
    await w.core.stop();
    for (const suffix of ['', '-wal', '-shm'])
      rmSync(join(w.dir, 'accounts', `${doctor.account.toLowerCase()}.db${suffix}`), { force: true });
    await w.restart();
    await logIn(w, doctor.account);
    await w.until(
      'the chart',
      () => w.ask('chart.entries', { patient, resourceTypes: ['Encounter'], limit: 10 }),
      ({ entries }) => entries.length === 2,
    );
  });

  it('does not sign with the old key any more, and what it signs is refused', async () => {
    const { codec, crypto, network, directory, clock, store, facts } = w.core.workstation;
    const old = keyPort.fromPhrase(doctor.phrase);
    const signing = createSigning(store.workstation, codec, crypto, network, directory, clock);
    const payload = { signer: people.admin, encryptionKey: old.encryptionKey };
    expect(() => signing.make('RotateKeys', payload, 'Theft', old)).toThrow(expect.objectContaining({ code: 'KEY_REPLACED' }));
    // A thief's program does not ask: signs with what it has.
    const thief = createSigning(store.workstation, codec, crypto, network, { ...directory, signer: (account) => account }, clock);
    const stolen = thief.make('RotateKeys', payload, 'Theft', old, { cosigners: [old] });
    store.workstation.enqueue([stolen]);
    facts.tell('operations', { kinds: new Set(['RotateKeys']) });
    await settled();
    expect(store.workstation.operation(stolen.operation.opId)).toMatchObject({
      state: 'rejected',
      rejectReason: expect.stringContaining('SignatureWrong'),
    });
    expect(directory.signer(doctor.account)).toBe(keyPort.fromPhrase(newPhrase).account);
  });

  it('has each signature judged by the key of its place in the ledger, whatever an endpoint says', async () => {
    const { codec, network, store } = w.core.workstation;
    const known = store.workstation.operations({ states: ['mined', 'final'] });
    // As a workstation sees it that follows the ledger from its beginning.
    const empty = { ...store.workstation, operation: () => undefined, operations: () => [], openTransactions: () => [] };
    const blockTime = () => Promise.resolve(null);
    const check = {
      store: empty,
      codec,
      network: network.require().config,
      doubtful: new Set<string>(),
      applied: () => Promise.resolve(null),
      blockTime,
      stopping: () => false,
    };
    const hash = `0x${'00'.repeat(32)}`;
    const events = (operations: typeof known) =>
      operations.map(({ operation }, i) => ({
        ...{ type: 'applied' as const, opId: operation.opId, operation, block: i, blockHash: hash, logIndex: 0, txHash: hash },
      }));
    expect(await checkEvents(check, events(known))).toMatchObject({ forged: 0, believed: { length: known.length } });

    const rotation = known.filter(({ kind }) => kind === 'RotateKeys');
    const others = known.filter(({ kind }) => kind !== 'RotateKeys');
    const byOldKey = others.filter((stored) => stored.operation.actor === doctor.account && precedes(stored, rotation[0] ?? stored));
    expect(byOldKey.length).toBeGreaterThan(0);
    expect(await checkEvents(check, events([...rotation, ...others]))).toMatchObject({ forged: byOldKey.length });
    // Nor does a rotation count without the new key's signature.
    const alone = rotation.map((stored) => ({
      ...stored,
      operation: { ...stored.operation, signatures: stored.operation.signatures.slice(0, 1) },
    }));
    expect(await checkEvents(check, events(alone))).toMatchObject({ forged: 1 });
  });

  it('is taken to another workstation by the first words and then the new ones', async () => {
    other = await startWorkstation();
    await logIn(w, people.admin);
    adminOfOther = await joinClinic(w, other);
    await other.ask('session.lock', {});
    const take = (phrase: string) => other.ask('keys.take', { personName: 'Dr Key', passphrase, key: { kind: 'phrase', phrase } });
    await other.until(
      'the rotation',
      () => Promise.resolve(other.core.workstation.directory.signer(doctor.account)),
      (signer) => signer !== doctor.account,
    );
    await expect(take(newPhrase)).rejects.toMatchObject({ code: 'KEY_INVALID' });
    const { enrolmentCode } = await take(doctor.phrase);
    await logIn(other, adminOfOther);
    await other.ask('staff.approve', { enrolmentCode, roles: ['practitioner'] });
    await logIn(other, doctor.account);
    expect((await other.snapshot()).session?.keyReplaced).toBe(true);
    await expect(other.ask('keys.adopt', { passphrase, phrase: (await w.ask('setup.createPhrase', {})).phrase })).rejects.toMatchObject({
      code: 'KEY_INVALID',
    });
    await other.ask('keys.adopt', { passphrase, phrase: newPhrase });
    expect((await other.snapshot()).session?.keyReplaced).toBe(false);
    await other.until(
      'the chart elsewhere',
      () => other.ask('chart.entries', { patient, resourceTypes: ['Encounter'], limit: 10 }).catch(() => ({ entries: [] })),
      ({ entries }) => entries.length === 2,
    );
    expect(await other.ask('chart.verify', { patient, offline: false })).toMatchObject({ failures: [] });
    expect((await other.snapshot()).sync.forged).toBe(0);
  });

  it('signs again what waited at another workstation, under the old key, while it was replaced here', async () => {
    const endpoint = async (to: string) => {
      await logIn(other, adminOfOther);
      await other.ask('network.setEndpoint', { endpoint: to });
      await logIn(other, doctor.account);
    };
    await logIn(other, adminOfOther);
    const { endpoint: there } = await other.ask('network.view', {});
    await endpoint('http://127.0.0.1:9');
    const saved = await other.until(
      'saved',
      () => other.ask('chart.saveEncounter', { ...encounter, patient, reason: 'Queued' }).catch(() => null),
      (result) => result !== null,
    );
    const recordId = saved?.records[0]?.recordId ?? '';

    await logIn(w, doctor.account);
    const newest = (await w.ask('setup.createPhrase', {})).phrase;
    await w.ask('keys.rotate', { passphrase, phrase: newest });
    await settled();
    await endpoint(there);
    const { workstation } = other.core.workstation.store;
    await other.until(
      'refused by the ledger',
      async () => workstation.operation(saved?.operations[0] ?? ''),
      (stored) => stored?.state === 'rejected' && stored.rejectReason?.startsWith('SignatureWrong') === true,
    );

    await other.ask('keys.adopt', { passphrase, phrase: newest });
    await other.until(
      'signed again and anchored',
      () => other.snapshot(),
      ({ sync }) => sync.rejected === 0 && sync.waiting === 0,
    );
    const record = await other.ask('chart.record', { patient, recordId });
    expect(record.verification.state.chip).toBe('verified');
    expect(record.versions).toHaveLength(1);
    expect((await other.ask('chart.verify', { patient })).failures).toEqual([]);
  });
});

describe('a core that is killed while a key is replaced', () => {
  const dir = mkdtempSync(join(tmpdir(), 'anamnesis-rotation-'));
  const core = new CoreProcess(dir, { memoryKiB: 8192, passes: 1 });
  afterAll(async () => {
    await core.end('SIGTERM');
    rmSync(dir, { recursive: true, force: true });
  });

  it('has the old key or the new one, and the drafts in any case', async () => {
    core.start();
    const { phrase } = await core.ask('setup.createPhrase', {});
    await core.ask('setup.createClinic', { clinicName: 'Clinic', personName: 'Dr Rao', passphrase, phrase });
    const account = (await core.ask('workstation.snapshot', {})).session?.account ?? '';
    await core.ask('drafts.save', { id: 'draft-1', patient: '', kind: 'encounter', json: '{}' });
    let words = phrase;
    const outcomes = new Set<boolean>();
    // The last one is killed right after it was done, however quick this computer is.
    for (const delay of [0, 10, 25, 40, 60, 80, 120, null]) {
      const next = (await core.ask('setup.createPhrase', {})).phrase;
      const rotation = core.ask('keys.rotate', { passphrase, phrase: next }).catch(() => null);
      await Promise.race([rotation, ...(delay === null ? [] : [new Promise((resolve) => setTimeout(resolve, delay))])]);
      await core.end('SIGKILL');
      await rotation;
      core.start();
      await core.ask('session.logIn', { account, passphrase });
      const now = (await core.ask('keys.phrase', { passphrase })).phrase;
      expect([words, next]).toContain(now);
      outcomes.add(now === next);
      words = now ?? '';
      expect((await core.ask('workstation.snapshot', {})).session?.keyReplaced).toBe(false);
      expect(await core.ask('drafts.list', {})).toHaveLength(1);
    }
    expect(outcomes).toEqual(new Set([true, false]));
    for (;;) {
      const { sync } = await core.ask('workstation.snapshot', {});
      expect(sync.rejected).toBe(0);
      if (sync.waiting === 0 && sync.state === 'online') break;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }, 120_000);
});
