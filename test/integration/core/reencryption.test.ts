import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { categories } from '../../../src-shared/categories.ts';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { commitDigest } from '../../../src-main/core/services/records.ts';
import { fetchFile, foundClinic, logIn, passphrase, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

const encounter = { class: 'AMB' as const, start: '2026-11-23T10:00:00Z', reason: 'Visit', diagnoses: [] };
const long = 'A long note. '.repeat(3_800);

/** Blocks of the embedded ledger, until what was anchored is final. */
async function mine(w: TestWorkstation): Promise<void> {
  const url = w.core.workstation.network.current()?.endpoint ?? '';
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'anvil_mine', params: ['0x4'] });
  await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
}

describe('old records encrypted anew after a revocation', () => {
  let w: TestWorkstation;
  let people: Awaited<ReturnType<typeof foundClinic>>;
  let leaving = '';
  let third = '';
  let patient = '';
  let card = '';
  /** Files in which contents lay before. */
  let before: string[] = [];

  const enrol = async (personName: string) => {
    const { phrase } = await w.ask('setup.createPhrase', {});
    const { account, enrolmentCode } = await w.ask('people.createKey', { personName, passphrase, phrase });
    await w.ask('staff.approve', { enrolmentCode, roles: ['practitioner'] });
    return account;
  };
  const anchored = () =>
    w.until(
      'everything anchored',
      () => w.snapshot(),
      (s) => s.sync.waiting === 0,
    );
  const atDesk = async () => {
    await logIn(w, people.registrar);
    await w.ask('desk.open', { card, pin });
  };
  const share = (account: string) =>
    w.ask('desk.grant', { grantee: granteeOfAccount(account), categories: [...categories], write: true, purpose: 'treatment', until: 0 });
  const asDoctor = async (account: string) => {
    await logIn(w, account);
    await w.core.workstation.indexer.settled();
  };
  const write = async (note: string) => {
    const saved = await w.until(
      'saved',
      () => w.ask('chart.saveEncounter', { ...encounter, patient, note }).catch(() => null),
      (s) => s !== null,
    );
    await anchored();
    return saved?.records ?? [];
  };
  const history = async (count: number) => {
    const self = {
      resourceType: 'Patient',
      id: 'p',
      name: [{ family: 'Rao', given: ['Asha'] }],
      gender: 'female',
      birthDate: '1980-05-01',
    };
    const observations = Array.from({ length: count }, (_, i) => ({
      ...{ resourceType: 'Observation', id: `o-${i}`, status: 'final', subject: { reference: 'Patient/p' } },
      ...{ code: { text: `Glucose ${i}` }, effectiveDateTime: '2020-01-01', valueQuantity: { value: i, unit: 'mmol/L' } },
    }));
    const entry = [self, ...observations].map((resource) => ({ fullUrl: `Patient/p/${resource.id}`, resource }));
    const bundle = Buffer.from(JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry }));
    await w.core.workstation.imports.run(w.core.workstation.sessions.require(), bundle, patient);
    await anchored();
  };
  const commits = () => w.core.workstation.store.workstation.operations({ kinds: ['Commit'], patient });
  const filesOf = async (operation: ReturnType<typeof commits>[number]) => {
    const { crypto, ipfs } = w.core.workstation;
    const { pack, entries } = crypto.decodeCommit(await ipfs.get(crypto.cidOfDigest(commitDigest(operation.operation.payload))));
    return [...(pack === null ? [] : [pack]), ...entries.flatMap(({ location }) => location.file?.cid ?? [])];
  };
  const all = async (operations: ReturnType<typeof commits>) => (await Promise.all(operations.map(filesOf))).flat();
  const gone = (files: readonly string[]) =>
    w.until(
      'old contents dropped',
      async () => {
        await mine(w);
        await w.core.workstation.dropping.settled();
        return files.filter((cid) => w.core.workstation.ipfs.has(cid));
      },
      (left) => left.length === 0,
    );
  const entries = async () => (await w.ask('chart.entries', { patient, limit: 500 })).entries;

  beforeAll(async () => {
    w = await startWorkstation();
    people = await foundClinic(w, 'Clinic');
    leaving = await enrol('Doctor who leaves');
    third = await enrol('Doctor who comes later');
    await logIn(w, people.registrar);
    const demographics = {
      ...{ family: 'Rao', given: 'Asha', prefix: '', birthDate: '1980-05-01', birthDateEstimated: false, gender: 'female' as const },
      ...{ phone: '', address: '', identifiers: [] },
    };
    const registered = await w.ask('patients.register', { demographics, pin });
    patient = registered.patient.patient;
    card = registered.card;
    await w.ask('desk.open', { card, pin });
    await share(people.doctor);
    await share(leaving);
    await asDoctor(leaving);
    await write('Seen.');
    await write(`${long}ü`);
    await asDoctor(people.doctor);
    await history(620);
    before = await all(commits());
  }, 180_000);
  afterAll(() => w.stop());

  it('moves everything under the present keys, and nobody’s name', async () => {
    await atDesk();
    expect(await w.ask('earlier.view', {})).toMatchObject({ records: 0, categories: [], interrupted: null });
    await w.ask('desk.revoke', { grantee: granteeOfAccount(leaving), categories: [] });
    const { records } = await w.ask('earlier.view', {});
    expect(records).toBeGreaterThan(620);
    const told: number[] = [];
    const stop = w.core.workstation.facts.on('progress', ({ job, done, total }) => {
      if (job === `reencrypt:${patient}`) told.push((done ?? 0) / (total ?? 1));
    });
    expect(await w.ask('earlier.reencrypt', { categories: [] })).toEqual({
      ...{ done: records, total: records, unreadable: 0, later: 0, stopped: false },
    });
    stop();
    expect(told.at(-1)).toBe(1);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(await w.ask('earlier.view', {})).toMatchObject({ records: 0, interrupted: null });
    await anchored();
    await asDoctor(people.doctor);
    const lines = await w.until('marked', entries, (found) => found.every((e) => e.encryptedAnewAt !== null));
    expect(new Set(lines.map(({ author }) => author))).toEqual(new Set(['Doctor of Clinic', 'Doctor who leaves']));
    const visits = (await w.ask('chart.entries', { patient, resourceTypes: ['Encounter'], limit: 500 })).entries;
    expect(visits.map(({ author }) => author)).toEqual(['Doctor who leaves', 'Doctor who leaves']);
  });

  it('drops the old contents when the new commits are final, never the old commits', async () => {
    await gone(before);
    const { ipfs, crypto } = w.core.workstation;
    for (const { operation } of commits()) expect(ipfs.has(crypto.cidOfDigest(commitDigest(operation.payload)))).toBe(true);
    // Not in free pages or the write-ahead log either.
    const bytes = Buffer.concat(['blocks.db', 'blocks.db-wal'].map((name) => readFileSync(join(w.dir, name))));
    const [moved] = await all(commits().slice(-1));
    const there = await ipfs.get(moved ?? '');
    expect(bytes.includes(Buffer.from(there.subarray(0, 64)))).toBe(true);
  });

  it('reads and verifies as before, with the original author and time, for whoever remains', async () => {
    const report = await w.ask('chart.verify', { patient, offline: true });
    expect(report).toMatchObject({ failures: [], waiting: 0, notShared: 0 });
    expect(report.verified).toBeGreaterThan(620);
    const notes = (await w.ask('chart.entries', { patient, resourceTypes: ['DocumentReference'], limit: 10 })).entries;
    const records = await Promise.all(notes.map(({ recordId }) => w.ask('chart.record', { patient, recordId })));
    expect(records.some(({ json }) => json.length > 64 * 1024)).toBe(true);
    for (const { verification } of records) {
      expect(verification).toMatchObject({ state: { chip: 'verified' }, author: { name: 'Doctor who leaves' } });
      expect(verification.encryptedAnewAt).toBeGreaterThanOrEqual(verification.issuedAt);
    }
  });

  it('opens nothing of it any more to whoever was revoked', async () => {
    await asDoctor(leaving);
    const [entry] = (await w.ask('chart.entries', { patient, resourceTypes: ['DocumentReference'], limit: 1 })).entries;
    const record = await w.ask('chart.record', { patient, recordId: entry?.recordId ?? '' });
    expect(record.json).toBe('');
    expect(record.verification.content).toMatchObject({ ok: null, text: expect.stringContaining('encrypted anew') as string });
    const report = await w.ask('chart.verify', { patient });
    // The demographics, which everybody who works at the clinic may read.
    expect(report.failures).toEqual([]);
    expect(report.verified).toBeLessThanOrEqual(2);
    expect(report.notShared).toBeGreaterThan(2);
  });

  it('is shared whole with somebody new', async () => {
    await atDesk();
    await share(third);
    await anchored();
    await asDoctor(third);
    const report = await w.until(
      'read',
      () => w.ask('chart.verify', { patient }),
      (r) => r.records > 620,
    );
    expect(report).toMatchObject({ failures: [], notShared: 0 });
    expect((await entries()).every(({ title }) => title !== '')).toBe(true);
  });

  it('can be corrected, and the correction verifies with what it replaces', async () => {
    const { sessions, records, publisher, indexer } = w.core.workstation;
    const session = sessions.require();
    const [row] = session.index.records({ patient, resourceTypes: ['Observation'], limit: 1 });
    const { json } = await w.ask('chart.record', { patient, recordId: row?.recordId ?? '' });
    const corrected = JSON.stringify({ ...(JSON.parse(json) as object), status: 'corrected' });
    const version = {
      recordId: row?.recordId ?? '',
      versionId: crypto.randomUUID(),
      previous: [row?.versionId ?? ''],
      resourceType: 'Observation',
    };
    const made = await records.prepareAll(session.keys, session.index, patient, [
      { ...version, category: 'observations-and-results', json: corrected },
    ]);
    publisher.publish(
      made.flatMap(({ blocks }) => blocks),
      made.map(({ operation }) => operation),
    );
    indexer.addOwn(session, made);
    await anchored();
    const record = await w.ask('chart.record', { patient, recordId: version.recordId });
    expect(record.entry).toMatchObject({ status: 'corrected', encryptedAnewAt: null, author: 'Doctor who comes later' });
    expect(record.versions.map(({ current }) => current)).toEqual([false, true]);
    expect(await w.ask('chart.verify', { patient })).toMatchObject({ failures: [], waiting: 0 });
  });

  it('is exported so that the stand-alone program verifies it, by a reader and by the patient', async () => {
    const program = join(process.cwd(), 'resources', 'verify-export', 'verify.mjs');
    const { verifyExport } = (await import(pathToFileURL(program).href)) as {
      verifyExport(text: string, options?: { rpc?: string }): Promise<{ ok: boolean; findings: { level: string; text: string }[] }>;
    };
    const read = async (made: { file: string; size: number }) => (await fetchFile(w, made)).toString('utf8');
    const rpc = w.core.workstation.network.current()?.endpoint ?? '';
    const byReader = await verifyExport(await read(await w.ask('chart.export', { patient })), { rpc });
    expect(byReader.findings.filter(({ level }) => level !== 'holds')).toEqual([]);
    await atDesk();
    const byPatient = await verifyExport(await read(await w.ask('desk.export', {})), { rpc });
    expect(byPatient.findings.filter(({ level }) => level !== 'holds')).toEqual([]);
  });

  it('moves again after another revocation, and what it was moved to before goes', async () => {
    const first = (await all(commits().filter(({ operation }) => operation.actor === patient))).filter((cid) =>
      w.core.workstation.ipfs.has(cid),
    );
    expect(first.length).toBeGreaterThan(1);
    await atDesk();
    await w.ask('desk.revoke', { grantee: granteeOfAccount(third), categories: [] });
    const result = await w.ask('earlier.reencrypt', { categories: [] });
    expect(result).toMatchObject({ unreadable: 0, later: 0, stopped: false });
    expect(result.done).toBe(result.total);
    await anchored();
    await asDoctor(people.doctor);
    await gone(first);
    expect(await w.ask('chart.verify', { patient, offline: true })).toMatchObject({ failures: [], waiting: 0, notShared: 0 });
  });

  it('is the same in an index made anew', async () => {
    const { account } = w.core.workstation.sessions.require();
    await w.core.workstation.indexer.relearn(w.core.workstation.sessions.require(), patient);
    await w.core.workstation.indexer.settled();
    await asDoctor(account);
    const report = await w.until(
      'indexed',
      () => w.ask('chart.verify', { patient, offline: true }),
      (r) => r.records > 620,
    );
    expect(report.failures).toEqual([]);
    expect((await w.ask('chart.open', { patient })).problemsWithRecords).toEqual([]);
  });
});
