import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import Database from 'better-sqlite3';
import { CID } from 'multiformats/cid';
import { categories } from '../../../src-shared/categories.ts';
import { checkWords, standingOf } from '../../../src-shared/verification-words.ts';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { foundClinic, logIn, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

describe('checking a whole record', () => {
  let w: TestWorkstation;
  let people: Awaited<ReturnType<typeof foundClinic>>;
  let patient = '';

  const anchored = () =>
    w.until(
      'anchored',
      () => w.snapshot(),
      (s) => s.sync.waiting === 0,
    );
  const write = async (reason: string) => {
    const encounter = { class: 'AMB' as const, start: '2026-11-23T10:00:00Z', reason, diagnoses: [], note: '' };
    const saved = await w.until(
      'saved',
      () => w.ask('chart.saveEncounter', { ...encounter, patient }).catch(() => null),
      (s) => s !== null,
    );
    await anchored();
    return saved?.operations ?? [];
  };
  const verify = (offline = false) => w.ask('chart.verify', { patient, offline });
  const failuresOf = async (digest: string) => (await verify(true)).failures.filter(({ commit }) => commit === digest);
  const digestOf = (opId: string) => `0x${w.core.workstation.store.workstation.operation(opId)?.operation.payload.slice(-64) ?? ''}`;
  const workstationDb = (change: (db: Database.Database) => void) => {
    const db = new Database(join(w.dir, 'workstation.db'));
    db.pragma(`cipher = 'chacha20'`);
    db.pragma(`key = "raw:${readFileSync(join(w.dir, 'machine.key')).toString('hex')}"`);
    try {
      change(db);
    } finally {
      db.close();
    }
  };
  const block = (digest: string, change: (db: Database.Database, multihash: Uint8Array) => void) => {
    const db = new Database(join(w.dir, 'blocks.db'));
    try {
      change(db, CID.parse(w.core.workstation.crypto.cidOfDigest(digest)).multihash.bytes);
    } finally {
      db.close();
    }
  };

  beforeAll(async () => {
    w = await startWorkstation();
    people = await foundClinic(w, 'Clinic');
    await logIn(w, people.registrar);
    const registered = await w.ask('patients.register', {
      demographics: {
        ...{ family: 'Rao', given: 'Asha', prefix: '', birthDate: '1980-05-01', birthDateEstimated: false },
        ...{ gender: 'female' as const, phone: '', address: '', identifiers: [] },
      },
      pin,
    });
    patient = registered.patient.patient;
    await w.ask('desk.open', { card: registered.card, pin });
    await w.ask('desk.grant', {
      ...{ grantee: granteeOfAccount(people.doctor), categories: [...categories], write: true },
      ...{ purpose: 'treatment' as const, until: 0 },
    });
    await logIn(w, people.doctor);
    await w.until(
      'the patient',
      () => w.ask('patients.search', { text: '', limit: 1, offset: 0 }),
      (r) => r.total === 1,
    );
  });
  afterAll(() => w.stop());

  it('finds nothing wrong, and says as of which block and from where', async () => {
    await write('First');
    const report = await w.until(
      'a report as of the newest block',
      () => verify(),
      (r) => r.ledger === 'current',
    );
    expect(report).toMatchObject({ failures: [], offline: false, waiting: 0, notShared: 0 });
    expect(report.verified).toBe(report.records);
    expect(standingOf(report)).toContain(`as of block ${report.asOfBlock}`);
  });

  it('says of content that was changed whose it is and what to do', async () => {
    const [opId = ''] = await write('Changed');
    const digest = digestOf(opId);
    const bytes = readBlock(digest);
    block(digest, (db, hash) => {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(40) ^ 1, 40);
      db.prepare('UPDATE blocks SET bytes = ? WHERE multihash = ?').run(changed, hash);
    });
    expect(await failuresOf(digest)).toEqual([expect.objectContaining({ check: 'content', author: 'Doctor of Clinic' })]);
    expect(checkWords.content.advice).not.toBe('');
  });

  it('tells a block that is away from one that was changed', async () => {
    const [opId = ''] = await write('Away');
    const digest = digestOf(opId);
    block(digest, (db, hash) => db.prepare('DELETE FROM blocks WHERE multihash = ?').run(hash));
    expect(await failuresOf(digest)).toEqual([expect.objectContaining({ check: 'unavailable' })]);
  });

  it('notes a commit that another one follows and that is not known', async () => {
    const [opId = ''] = await write('Withheld');
    const digest = digestOf(opId);
    const [after = ''] = await write('Follows');
    workstationDb((db) => db.prepare('DELETE FROM operations WHERE op_id = ?').run(Buffer.from(opId.slice(2), 'hex')));
    const failures = await failuresOf(digestOf(after));
    expect(failures).toEqual([expect.objectContaining({ check: 'withheld' })]);
    expect(failures[0]?.text).toContain(w.core.workstation.crypto.cidOfDigest(digest));
  });

  function readBlock(digest: string): Uint8Array {
    let bytes: Uint8Array = Buffer.alloc(0);
    block(digest, (db, hash) => {
      bytes = (db.prepare('SELECT bytes FROM blocks WHERE multihash = ?').get(hash) as { bytes: Buffer }).bytes;
    });
    return bytes;
  }
});
