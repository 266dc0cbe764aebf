import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { CID } from 'multiformats/cid';
import { afterAll, describe, expect, it } from 'vitest';
import { categories } from '../../../src-shared/categories.ts';
import { operationKinds } from '../../../src-shared/operations.ts';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { createRecordCrypto } from '../../../src-main/core/adapters/crypto/record-crypto.ts';
import { createBlockstore } from '../../../src-main/core/adapters/sqlite/blockstore.ts';
import { createIpfs } from '../../../src-main/core/adapters/ipfs/ipfs.ts';
import { CoreProcess } from './core-process.ts';
import { openWorkstationDb } from './workstation-db.ts';

const passphrase = 'correct horse battery';
const pin = '246810';
const observations = 1_100;
const cheap = { memoryKiB: 8192, passes: 1 };

describe('a core that is killed while old records are encrypted anew', () => {
  const dir = mkdtempSync(join(tmpdir(), 'anamnesis-reencrypt-kill-'));
  const core = new CoreProcess(dir, cheap);
  afterAll(async () => {
    await core.end('SIGTERM');
    rmSync(dir, { recursive: true, force: true });
  });

  it('loses nothing, leaves every record readable, goes on where it was, and leaves nothing lying about', async () => {
    core.start();
    const { phrase } = await core.ask('setup.createPhrase', {});
    await core.ask('setup.createClinic', { clinicName: 'Clinic', personName: 'Dr Rao', passphrase, phrase });
    const account = (await core.ask('workstation.snapshot', {})).session?.account ?? '';
    await core.ask('staff.changeRoles', { account, roles: ['admin', 'registrar', 'practitioner'] });
    const second = await core.ask('people.createKey', {
      ...{ personName: 'Dr Kumar', passphrase },
      phrase: (await core.ask('setup.createPhrase', {})).phrase,
    });
    await core.ask('staff.approve', { enrolmentCode: second.enrolmentCode, roles: ['practitioner'] });
    const { card, patient } = await core.ask('patients.register', {
      demographics: {
        ...{ family: 'Rao', given: 'Asha', prefix: '', birthDate: '1980-05-01', birthDateEstimated: false, gender: 'female' },
        ...{ phone: '', address: '', identifiers: [] },
      },
      pin,
    });
    const share = { categories: [...categories], write: true, purpose: 'treatment' as const, until: 0 };
    await core.ask('desk.open', { card, pin });
    for (const one of [account, second.account]) await core.ask('desk.grant', { grantee: granteeOfAccount(one), ...share });
    await importHistory(patient.patient);
    await core.ask('desk.open', { card, pin });
    await settled();
    await core.ask('desk.revoke', { grantee: granteeOfAccount(second.account), categories: [] });
    const { records } = await core.ask('earlier.view', {});
    expect(records).toBeGreaterThan(observations);

    // Killed in the first step, on the way, and near the end, where the large files are.
    let left = records;
    for (const share of [0.01, 0.5, 0.9]) {
      await killedAt(share);
      core.start();
      await core.ask('session.logIn', { account, passphrase });
      const [interrupted] = await core.ask('earlier.interrupted', {});
      expect(interrupted).toMatchObject({ patient: patient.patient, name: expect.stringContaining('RAO') as string });
      await settled();
      expect(await core.ask('chart.verify', { patient: patient.patient, offline: true })).toMatchObject({ failures: [], notShared: 0 });
      await core.ask('desk.open', { card, pin });
      const now = await core.ask('earlier.view', {});
      expect(now.interrupted).not.toBeNull();
      // What was done is not done again.
      expect(now.records).toBeLessThanOrEqual(left);
      left = now.records;
    }
    expect(left).toBeLessThan(records);
    expect(await core.ask('earlier.reencrypt', { categories: [] })).toMatchObject({ done: left, unreadable: 0, later: 0, stopped: false });
    expect(await core.ask('earlier.view', {})).toMatchObject({ records: 0, interrupted: null });
    expect(await core.ask('earlier.interrupted', {})).toEqual([]);
    await settled();
    await core.end('SIGKILL');

    core.start();
    await core.ask('session.logIn', { account, passphrase });
    await settled();
    const report = await core.ask('chart.verify', { patient: patient.patient, offline: true });
    expect(report).toMatchObject({ failures: [], waiting: 0, notShared: 0 });
    expect(report.verified).toBeGreaterThanOrEqual(records);
    await core.end('SIGTERM');
    expect(await strayBlocks()).toEqual([]);
  }, 600_000);

  /** Runs until this share of it is told to be done, then kills the process. */
  async function killedAt(share: number): Promise<void> {
    const reached = new Promise<void>((resolve) => {
      core.onEvent = (message) => {
        if (message.event !== 'progress' || !message.payload.job.startsWith('reencrypt:')) return;
        if ((message.payload.done ?? 0) >= share * (message.payload.total ?? 1)) resolve();
      };
    });
    const running = core.ask('earlier.reencrypt', { categories: [] }).catch((error: unknown) => error);
    const ended = await Promise.race([reached, running]);
    expect(ended).toBeUndefined();
    core.onEvent = null;
    await core.end('SIGKILL');
    expect(await running).toBeInstanceOf(Error);
  }

  async function importHistory(patient: string): Promise<void> {
    const self = {
      resourceType: 'Patient',
      id: 'p',
      name: [{ family: 'Rao', given: ['Asha'] }],
      gender: 'female',
      birthDate: '1980-05-01',
    };
    const results = Array.from({ length: observations }, (_, i) => ({
      ...{ resourceType: 'Observation', id: `o-${i}`, status: 'final', subject: { reference: 'Patient/p' } },
      ...{ code: { text: `Glucose ${i}` }, effectiveDateTime: '2020-01-01', valueQuantity: { value: i, unit: 'mmol/L' } },
    }));
    const documents = Array.from({ length: 2 }, (_, i) => ({
      ...{ resourceType: 'DocumentReference', id: `d-${i}`, status: 'current', subject: { reference: 'Patient/p' } },
      content: [{ attachment: { contentType: 'text/plain', data: Buffer.alloc(3_000_000, i).toString('base64') } }],
    }));
    const entry = [self, ...results, ...documents].map((resource) => ({ fullUrl: `Patient/p/${resource.id}`, resource }));
    const bundle = Buffer.from(JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry }));
    const { file } = await core.ask('files.begin', { name: 'history.json', size: bundle.length });
    for (let at = 0; at < bundle.length; at += 1_000_000)
      await core.ask('files.append', { file, offset: at, base64: bundle.subarray(at, at + 1_000_000).toString('base64') });
    await core.ask('import.run', { file, patient });
  }

  async function settled(): Promise<void> {
    const end = Date.now() + 60_000;
    for (;;) {
      const { sync } = await core.ask('workstation.snapshot', {});
      if (sync.waiting === 0 && sync.state === 'online' && sync.indexing === 0) return;
      if (Date.now() > end) throw new Error(`Not anchored: ${JSON.stringify(sync)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Raw blocks (contents) that no commit of the patient's names. */
  async function strayBlocks(): Promise<string[]> {
    const crypto = createRecordCrypto();
    const operations = openWorkstationDb(dir);
    const digests = (
      operations.prepare('SELECT digest FROM operations WHERE kind = ?').all(operationKinds.Commit.code) as { digest: Buffer }[]
    ).map(({ digest }) => `0x${digest.toString('hex')}`);
    operations.close();
    const blocks = createBlockstore({ dir });
    const ipfs = createIpfs({ blocks });
    const named = new Set<string>();
    const note = (cid: string) => named.add(Buffer.from(CID.parse(cid).multihash.bytes).toString('hex'));
    for (const digest of digests) {
      const cid = crypto.cidOfDigest(digest);
      const { pack, entries } = crypto.decodeCommit(await ipfs.get(cid, { offline: true }));
      note(cid);
      for (const file of [...(pack === null ? [] : [pack]), ...entries.flatMap(({ location }) => location.file?.cid ?? [])])
        if (ipfs.has(file)) for (const one of await ipfs.fileBlocks(file, { offline: true })) note(one);
    }
    blocks.close();
    const db = new Database(join(dir, 'blocks.db'), { readonly: true });
    const stray = (db.prepare('SELECT multihash, bytes FROM blocks').all() as { multihash: Buffer; bytes: Buffer }[])
      .filter(({ multihash }) => !named.has(multihash.toString('hex')))
      // Profiles, envelopes and the like are CBOR maps; contents are not.
      .filter(({ bytes }) => (bytes.readUInt8(0) & 0xe0) !== 0xa0 || bytes.length > 100_000);
    db.close();
    return stray.map(({ multihash }) => multihash.toString('hex'));
  }
});
