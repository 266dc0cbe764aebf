/**
 * A clinic that began on its own ledger moves to the network of another: two real ledgers, two whole workstations. Everything that it signed is taken there as it
 * was signed, and both see the same afterwards. By the commands that an administrator uses.
 */
import { execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { categories } from '../../../src-shared/categories.ts';
import type { Demographics } from '../../../src-shared/ipc-schema.ts';
import type { RegistrationResult } from '../../../src-shared/view-types.ts';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { fetchFile, foundClinic, logIn, passphrase, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

const demographics: Demographics = {
  ...{ family: 'Rao', given: 'Asha', prefix: '', birthDate: '1980-05-01', birthDateEstimated: false },
  ...{ gender: 'female', phone: '', address: '', identifiers: [{ system: 'urn:example:id', label: 'ID', value: '12-34' }] },
};
const adminScript = join(process.cwd(), 'src-main/core/admin.ts');

/** Answers what the command wrote, also where it failed. */
const admin = <T>(dir: string, ...args: readonly string[]) =>
  new Promise<T>((resolve) => {
    execFile(process.execPath, [adminScript, ...args, '--data', dir, '--json'], (_error, stdout) => resolve(JSON.parse(stdout) as T));
  });
interface Refused {
  readonly error: { readonly code: string; readonly message: string };
}
interface Outcome {
  readonly total: number;
  readonly anchored: number;
  readonly waiting: number;
  readonly refused: readonly { readonly kind: string; readonly reason: string }[];
}

interface ExportedOperation {
  kind: string;
  opId: string;
  payload: string;
  predecessor: string | null;
  signatures: string[];
  anchor: { block: number } | null;
}
interface ExportFile {
  export: { operations: ExportedOperation[]; records: unknown[] };
  seal: { account: string; signature: string };
}
const { verifyExport, sealText } = (await import(pathToFileURL(join(process.cwd(), 'resources/verify-export/verify.mjs')).href)) as {
  verifyExport(text: string, options?: { rpc?: string }): Promise<{ ok: boolean; findings: { level: string; text: string }[] }>;
  sealText(content: unknown): string;
};

const all = { write: true, purpose: 'treatment' as const, until: 0 };

describe('moving to a shared network', { timeout: 600_000 }, () => {
  let a: TestWorkstation;
  let b: TestWorkstation;
  let people: Awaited<ReturnType<typeof foundClinic>>;
  let others: Awaited<ReturnType<typeof foundClinic>>;
  let colleague = '';
  let registered: RegistrationResult;
  let patient = '';
  /** What was signed before the move, by id. */
  let signed: Map<string, string>;
  const anchored = (w: TestWorkstation) =>
    w.until(
      'anchored',
      () => w.snapshot(),
      ({ sync, phase }) => phase === 'ready' && sync.waiting === 0 && sync.state === 'online',
    );
  const encounter = async (w: TestWorkstation, reason: string) => {
    const visit = { class: 'AMB' as const, start: '2026-11-23T10:00:00Z', reason, diagnoses: [], note: '' };
    const write = () => w.ask('chart.saveEncounter', { ...visit, patient }).catch(() => null);
    await w.until('saved', write, (saved) => saved !== null);
    await anchored(w);
  };
  /** B's ledger is asked at its address, as one is that clinics run together. */
  const toShared = (invitation: string) => {
    const { crypto, network } = b.core.workstation;
    const content = crypto.decodeCode('ANAM-INVITE', invitation) as object;
    return crypto.encodeCode('ANAM-INVITE', { ...content, endpoint: network.require().endpoint });
  };
  const reasons = async (w: TestWorkstation) => {
    const chart = await w.ask('chart.open', { patient }).catch(() => null);
    return JSON.stringify(chart ?? '');
  };
  const commits = (w: TestWorkstation) =>
    w.core.workstation.store.workstation
      .operations({ kinds: ['Commit'], patient })
      .map(({ operation, predecessor, state }) => ({ opId: operation.opId, predecessor, state }));

  beforeAll(async () => {
    a = await startWorkstation();
    b = await startWorkstation();
    [people, others] = [await foundClinic(a, 'Clinic A'), await foundClinic(b, 'Clinic B')];
    const { phrase } = await a.ask('setup.createPhrase', {});
    const made = await a.ask('people.createKey', { personName: 'Colleague', passphrase, phrase });
    colleague = made.account;
    await a.ask('staff.approve', { enrolmentCode: made.enrolmentCode, roles: ['practitioner'] });

    await logIn(a, people.registrar);
    registered = await a.ask('patients.register', { demographics, pin });
    ({ patient } = registered.patient);
    await a.ask('desk.open', { card: registered.card, pin });
    for (const who of [people.doctor, colleague])
      await a.ask('desk.grant', { ...all, grantee: granteeOfAccount(who), categories: [...categories] });
    await logIn(a, people.doctor);
    await encounter(a, 'In the first epoch');
    // Revoked: what comes after is in another epoch.
    await logIn(a, people.registrar);
    await a.ask('desk.open', { card: registered.card, pin });
    await a.ask('desk.revoke', { grantee: granteeOfAccount(colleague), categories: [] });
    await logIn(a, people.doctor);
    await encounter(a, 'In the second epoch');
    const { store } = a.core.workstation;
    signed = new Map(store.workstation.operations({}).map(({ operation }) => [operation.opId, operation.signatures.join()]));
  }, 600_000);
  afterAll(async () => {
    await a.stop();
    await b.stop();
  });

  it('is asked by the clinic’s founder alone, and changes nothing before the governors answered', async () => {
    await logIn(b, others.admin);
    await logIn(a, people.admin);
    const [files, dir] = [
      { invitation: join(a.dir, 'invitation'), own: join(a.dir, 'own'), alone: join(a.dir, 'alone'), passphrase: join(a.dir, 'pass') },
      a.dir,
    ];
    const alone = (await b.ask('network.invitation', {})).invitation;
    writeFileSync(files.alone, alone);
    writeFileSync(files.invitation, toShared(alone));
    writeFileSync(files.own, (await a.ask('network.invitation', {})).invitation);
    writeFileSync(files.passphrase, passphrase);
    await logIn(a, people.doctor);
    await expect(a.core.workstation.moving.ask(toShared(alone))).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await a.core.stop();

    const ask = (file: string) => admin<Refused & { requestCode: string }>(dir, 'move', file, '--passphrase-file', files.passphrase);
    expect(await admin<Refused>(dir, 'move')).toMatchObject({ error: { code: 'NOT_ALLOWED' } });
    for (const file of [files.own, files.alone]) expect(await ask(file)).toMatchObject({ error: { code: 'NOT_ALLOWED' } });
    const { requestCode } = await ask(files.invitation);
    expect((await admin<Refused>(dir, 'move')).error.message).toMatch(/not admitted/);
    a = await startWorkstation(dir);
    expect((await anchored(a)).sync).toMatchObject({ ledger: 'single-site', waiting: 0 });
    await a.core.stop();

    expect(await b.ask('network.readRequest', { requestCode })).toMatchObject({
      clinicName: 'Clinic A',
      moving: true,
      alreadyAdmitted: false,
    });
    await b.ask('network.admit', { requestCode });
    await anchored(b);
  });

  it('sends everything as it was signed, also when it is killed in between', async () => {
    const there = b.core.workstation.store.workstation;
    const first = spawn(process.execPath, [adminScript, 'move', '--data', a.dir, '--json'], { stdio: 'ignore' });
    const ended = new Promise((resolve) => first.once('exit', resolve));
    await b.until(
      'the first of it at B',
      () => Promise.resolve([...signed.keys()].some((opId) => there.operation(opId))),
      (seen) => seen,
    );
    first.kill('SIGKILL');
    await ended;
    const outcome = await admin<Outcome>(a.dir, 'move');
    expect(outcome).toMatchObject({ total: signed.size, anchored: signed.size - 1, waiting: 0 });
    expect(outcome.refused.map(({ kind }) => kind)).toEqual(['AdmitOrganization']);
    a = await startWorkstation(a.dir);
    await anchored(a);
    expect((await a.snapshot()).sync.ledger).toBe('consortium');
    await b.until(
      'everything at B',
      () => Promise.resolve([...signed.keys()].filter((opId) => (there.operation(opId)?.block ?? null) === null)),
      (missing) => missing.length === 1,
    );
    for (const [opId, signatures] of signed) expect(there.operation(opId)?.operation.signatures.join() ?? signatures).toBe(signatures);
    expect(b.core.workstation.connections.status()?.forged).toBe(0);
  });

  it('leaves the record as it was: read, verified, written on by the doctor who may', async () => {
    await logIn(a, people.doctor);
    await a.until(
      'the chart',
      () => reasons(a),
      (text) => text.includes('In the first epoch') && text.includes('In the second epoch'),
    );
    const report = await a.ask('chart.verify', { patient, offline: false });
    expect(report).toMatchObject({ failures: [], waiting: 0 });
    expect(report.verified).toBe(report.records);
    await encounter(a, 'After the move');
    expect(await a.ask('chart.verify', { patient, offline: false })).toMatchObject({ failures: [], verified: report.records + 1 });
    expect(commits(a).filter(({ predecessor }) => predecessor === null)).toHaveLength(1);
  });

  it('opens the patient’s card, and what the patient then shares with a doctor of the other clinic is all of it', async () => {
    await logIn(a, people.registrar);
    await a.ask('desk.open', { card: registered.card, pin });
    expect((await a.ask('desk.sharing', {})).holders.map(({ grantee }) => grantee)).toContain(granteeOfAccount(people.doctor));
    await a.ask('desk.grant', { ...all, grantee: granteeOfAccount(others.doctor), categories: [...categories] });
    await anchored(a);
    await logIn(b, others.doctor);
    const read = await b.until(
      'the chart at B',
      () => reasons(b),
      (text) => ['first epoch', 'second epoch', 'After the move'].every((part) => text.includes(part)),
    );
    expect(read).toContain('In the second epoch');
    const report = await b.ask('chart.verify', { patient, offline: false });
    expect(report).toMatchObject({ failures: [] });
    expect(report.verified).toBe(report.records);
    await encounter(b, 'Written by the other clinic');
    const idsAt = (w: TestWorkstation) => commits(w).map(({ opId }) => opId);
    await a.until(
      'the same commits at both',
      () => Promise.resolve(idsAt(a).sort()),
      (ids) => ids.join() === idsAt(b).sort().join(),
    );
  });

  it('lets the other clinic find its patients by number, as soon as a registrar has logged in', async () => {
    await logIn(b, others.registrar);
    const { claimed } = await b.until(
      'found by number',
      () => b.ask('patients.similar', { ...demographics, family: 'Somebody', given: 'Else' }),
      (similar) => similar.claimed.length > 0,
    );
    expect(claimed).toMatchObject([{ value: '12-34', patient }]);
    const claims = () => a.core.workstation.store.workstation.operations({ kinds: ['ClaimIdentifier'], patient });
    expect(claims().map(({ predecessor }) => predecessor === null)).toEqual([false, true]);
    await logIn(a, people.registrar);
    await a.core.workstation.indexer.settled();
    expect(claims()).toHaveLength(2);
    await logIn(b, others.doctor);
  });

  it('is taken along in a file that anybody can check, made by either clinic and by the patient', async () => {
    const rpc = b.core.workstation.network.require().endpoint;
    const domain = a.core.workstation.network.ofPatient(patient);
    const read = async (w: TestWorkstation, made: { file: string; size: number }) =>
      JSON.parse((await fetchFile(w, made)).toString('utf8')) as ExportFile;
    const problems = async (file: ExportFile, options: { rpc?: string } = {}) => {
      const { findings } = await verifyExport(JSON.stringify(file), options);
      return findings.filter(({ level }) => level !== 'holds').map(({ text }) => text);
    };
    await logIn(a, people.registrar);
    await a.ask('desk.open', { card: registered.card, pin });
    const own = await read(a, await a.ask('desk.export', {}));
    await logIn(a, people.doctor);
    const files = [own, await read(a, await a.ask('chart.export', { patient })), await read(b, await b.ask('chart.export', { patient }))];
    for (const file of files) {
      expect(await problems(file)).toEqual([]);
      expect(await problems(file, { rpc })).toEqual([]);
      const former = file.export.operations.filter(({ predecessor }) => predecessor === domain);
      expect(former.map(({ kind }) => kind)).toEqual(
        expect.arrayContaining(['EnrolMember', 'RegisterPatient', 'Grant', 'Revoke', 'Commit']),
      );
      expect(file.export.operations.some(({ kind, predecessor }) => kind === 'Commit' && predecessor === null)).toBe(true);
    }
    const { findings } = await verifyExport(JSON.stringify(own), { rpc });
    expect(findings.map(({ text }) => text).join('\n')).toMatch(/were signed in a clinic’s former network/);

    // Sealed again by somebody who may, each time: what is behind the seal is seen to be checked.
    const { keys } = a.core.workstation.sessions.require();
    const { codec } = a.core.workstation;
    const changed = async (change: (operations: ExportedOperation[]) => ExportedOperation[] | void, options: { rpc?: string } = {}) => {
      const file = structuredClone(own);
      file.export.operations = change(file.export.operations) ?? file.export.operations;
      file.seal = { account: keys.account, signature: keys.sign(codec.messageDigest(sealText(file.export))) };
      return (await problems(file, options)).join('\n');
    };
    const recognition = ({ kind }: ExportedOperation) => kind === 'RecognizePredecessor';
    expect(await changed((operations) => operations.filter((one) => !recognition(one)))).toContain('had not recognized');
    expect(
      await changed((operations) => operations.forEach((one) => recognition(one) && one.anchor && (one.anchor.block += 10_000))),
    ).toContain('had not recognized');
    expect(await changed((operations) => operations.forEach((one) => (one.predecessor = null)))).toContain('not that of the account');
    const another = `0x${'12'.repeat(32)}`;
    expect(await changed((operations) => operations.forEach((one) => (one.predecessor &&= another)))).toContain('not that of the account');
    // The recognition is for another network, or for another clinic: then nobody who governs signed it.
    for (const from of [66, 2])
      expect(
        await changed((operations) =>
          operations.forEach(
            (one) => recognition(one) && (one.payload = one.payload.slice(0, from) + another.slice(2) + one.payload.slice(from + 64)),
          ),
        ),
      ).toMatch(/RecognizePredecessor[^]*not that of the account[^]*had not recognized/);
    const commit = ({ kind, predecessor }: ExportedOperation) => kind === 'Commit' && predecessor !== null;
    expect(await changed((operations) => operations.forEach((one) => commit(one) && (one.anchor = null)), { rpc })).not.toBe('');
  });

  it('still keeps out whose access was revoked before', async () => {
    await logIn(a, colleague);
    const read = await a.until(
      'what was shared before',
      () => reasons(a),
      (text) => text.includes('In the first epoch'),
    );
    await a.core.workstation.indexer.settled();
    expect(read).not.toContain('After the move');
    expect(await reasons(a)).not.toContain('In the second epoch');
    expect(await reasons(a)).not.toContain('After the move');
  });
});
