import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import Database from 'better-sqlite3';
import { CID } from 'multiformats/cid';
import { shareAll } from './two-clinics.ts';
import { openWorkstationDb } from './workstation-db.ts';
import { demographicsOf, foundClinic, logIn, pin, startWorkstation, type Staff, type TestWorkstation } from './workstation.ts';

const encounter = { class: 'AMB' as const, start: '2026-11-23T10:00:00Z', reason: 'Visit', diagnoses: [], note: 'Seen.' };

describe('tampering', () => {
  let w: TestWorkstation;
  let people: Staff;
  let patient = '';

  beforeAll(async () => {
    w = await startWorkstation();
    people = await foundClinic(w, 'Clinic');
    await logIn(w, people.registrar);
    const registered = await w.ask('patients.register', { demographics: demographicsOf('Rao'), pin });
    patient = registered.patient.patient;
    await shareAll(w, registered, [people.doctor]);
    await logIn(w, people.doctor);
    await w.until(
      'the chart',
      () => w.ask('patients.search', { text: '', limit: 1, offset: 0 }),
      (r) => r.total === 1,
    );
  });
  afterAll(() => w.stop());

  const write = async (reason: string) => {
    const saved = await w.until(
      'saved',
      () => w.ask('chart.saveEncounter', { ...encounter, patient, reason }).catch(() => null),
      (s) => s !== null,
    );
    await w.until(
      'anchored',
      () => w.snapshot(),
      (s) => s.sync.waiting === 0,
    );
    const [record] = saved?.records ?? [];
    return { recordId: record?.recordId ?? '', opId: saved?.operations[0] ?? '' };
  };
  const open = (recordId: string) => w.ask('chart.record', { patient, recordId });
  const commitOf = (opId: string) => {
    const operation = w.core.workstation.store.workstation.operation(opId);
    return w.core.workstation.crypto.cidOfDigest(`0x${operation?.operation.payload.slice(-64) ?? ''}`);
  };
  const blocks = (change: (db: Database.Database) => void) => {
    const db = new Database(join(w.dir, 'blocks.db'));
    try {
      change(db);
    } finally {
      db.close();
    }
  };
  const flip = (cid: string, at: (length: number) => number) =>
    blocks((db) => {
      const hash = CID.parse(cid).multihash.bytes;
      const { bytes } = db.prepare('SELECT bytes FROM blocks WHERE multihash = ?').get(hash) as { bytes: Buffer };
      const i = at(bytes.length);
      bytes.writeUInt8(bytes.readUInt8(i) ^ 1, i);
      db.prepare('UPDATE blocks SET bytes = ? WHERE multihash = ?').run(bytes, hash);
    });

  it('verifies a record that nobody touched', async () => {
    const { recordId } = await write('Untouched');
    expect((await open(recordId)).verification.state.chip).toBe('verified');
  });

  it('refuses a commit block in which one byte was flipped', async () => {
    const { recordId, opId } = await write('Flipped commit');
    flip(commitOf(opId), (length) => length >> 1);
    const record = await open(recordId);
    expect(record.json).toBe('');
    expect(record.verification.state).toMatchObject({ chip: 'tampered' });
    expect(record.verification.content).toMatchObject({ ok: false });
  });

  it('refuses content in which one byte was flipped, and says which record it is', async () => {
    const { recordId, opId } = await write('Flipped content');
    const { reader, crypto } = { reader: w.core.workstation.ipfs, crypto: w.core.workstation.crypto };
    const pack = crypto.decodeCommit(await reader.get(commitOf(opId))).pack ?? '';
    flip(pack, (length) => length - 3);
    expect((await open(recordId)).verification.state.chip).toBe('tampered');
    const report = await w.ask('chart.verify', { patient });
    expect(report.failures.some((f) => f.recordId === recordId && f.check === 'content')).toBe(true);
  });

  it('refuses a commit that does not match its anchor', async () => {
    const { recordId, opId } = await write('Other epoch');
    const { store } = w.core.workstation;
    const operation = store.workstation.operation(opId);
    // The signed operation says another epoch than the commit block, as a forger would who has only one of them.
    alter(opId, 'payload', (payload) => {
      payload.writeUInt32BE(7, 32 * 3 - 4);
      return payload;
    });
    expect(operation).toBeDefined();
    const keks = w.core.workstation.sessions.require().index.keks({ patient });
    const compartment = `0x${operation?.operation.payload.slice(66, 130) ?? ''}`;
    const kek = keks.find((k) => k.compartment === compartment);
    if (kek) w.core.workstation.sessions.require().index.addKeks([{ ...kek, epoch: 7 }]);
    const record = await open(recordId);
    expect(record.json).toBe('');
    expect(record.verification.anchor.ok).toBe(false);
    expect(record.verification.state.chip).toBe('tampered');
  });

  it('refuses a forged signature', async () => {
    const { recordId, opId } = await write('Forged');
    const other = w.core.workstation.store.workstation.operations({ kinds: ['RegisterPatient'] })[0]?.operation.signatures[0];
    alter(opId, 'signatures', () => JSON.stringify([other]));
    const record = await open(recordId);
    expect(record.verification.signature).toMatchObject({ ok: false });
    expect(record.verification.state.chip).toBe('tampered');
    expect((await w.ask('chart.open', { patient })).latestEncounters.find((e) => e.recordId === recordId)?.state.chip).toBe('tampered');
  });

  /** Changes a stored operation behind the workstation's back: with the machine's key, as somebody who holds the disk could. */
  function alter(opId: string, column: 'payload' | 'signatures', change: (value: Buffer) => Buffer | string) {
    const db = openWorkstationDb(w.dir);
    try {
      const id = Buffer.from(opId.slice(2), 'hex');
      const row = db.prepare(`SELECT ${column} AS value FROM operations WHERE op_id = ?`).get(id) as { value: Buffer };
      const changed = db.prepare(`UPDATE operations SET ${column} = ? WHERE op_id = ?`).run(change(row.value), id);
      expect(changed.changes).toBe(1);
    } finally {
      db.close();
    }
  }
});
