/** Freeing space at computers of a clinic, over real connections: what goes, what stays, who is believed, and what comes back. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { CID } from 'multiformats/cid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shareAll } from './two-clinics.ts';
import { addComputer, demographicsOf, foundClinic, logIn, pin, startWorkstation, type Staff, type TestWorkstation } from './workstation.ts';

const everything = { keepBytes: 0, recentDays: 0 };

describe('freeing space', () => {
  let desk: TestWorkstation;
  let office: TestWorkstation;
  let people: Staff;
  const patients: { readonly patient: string; readonly card: string; readonly opId: string }[] = [];
  const availability = (w: TestWorkstation) => w.core.workstation.availability;
  const table = (w: TestWorkstation) => w.core.workstation.store.freeing;
  const peerOf = (w: TestWorkstation) => w.core.workstation.store.workstation.setting<string>('ownPeer') ?? '';
  const here = (w: TestWorkstation, opId: string) => availability(w).records.known([opId]).here;
  const copies = (w: TestWorkstation, opId: string) => availability(w).records.known([opId]).copies.length;
  /** As they lie at the office, which knows them all as long as it holds them. */
  const contents = new Map<string, readonly string[]>();
  const has = (w: TestWorkstation, opId: string) => (contents.get(opId) ?? []).every((cid) => w.core.workstation.ipfs.has(cid));
  const free = (w: TestWorkstation) => {
    availability(w).freeing.set(everything);
    return availability(w).freeing.run();
  };
  const until = (w: TestWorkstation, what: string, holds: () => boolean) => w.until(what, () => Promise.resolve(holds()), Boolean);
  const open = async (w: TestWorkstation, { card }: (typeof patients)[number]) => {
    await w.ask('desk.open', { card, pin });
    await w.ask('desk.close', {});
  };
  const statesAt = (w: TestWorkstation) => w.core.workstation.store.workstation.operations({ kinds: ['Commit'] }).map(({ state }) => state);
  /** As others' work would. */
  const mine = async () => {
    const url = desk.core.workstation.network.current()?.endpoint ?? '';
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'anvil_mine', params: ['0x20'] });
    await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  };
  /** Both hold all of it, and both know that. */
  const bothHold = async () => {
    for (const w of [desk, office])
      for (const { opId } of patients) await until(w, 'held by both', () => here(w, opId) === 'whole' && copies(w, opId) === 1);
  };
  const bringBack = async () => {
    await logIn(desk, people.registrar);
    for (const one of patients) await open(desk, one);
    for (const { patient } of patients) availability(office).freeing.visited(patient);
    await bothHold();
  };

  beforeAll(async () => {
    desk = await startWorkstation();
    office = await startWorkstation();
    people = await foundClinic(desk, 'Clinic');
    await addComputer(desk, office, 'Office');
    await logIn(desk, people.registrar);
    for (const family of ['First', 'Second', 'Third']) {
      const { patient, card } = await desk.ask('patients.register', { demographics: demographicsOf(family), pin });
      const [commit] = desk.core.workstation.store.workstation.operations({ kinds: ['Commit'], patient: patient.patient });
      patients.push({ patient: patient.patient, card, opId: commit?.operation.opId ?? '' });
    }
    await until(desk, 'mined', () => statesAt(desk).every((state) => state !== 'pending' && state !== 'submitted'));
    await mine();
    for (const w of [desk, office]) await until(w, 'final', () => statesAt(w).join() === 'final,final,final');
    await bothHold();
    for (const { opId } of patients) {
      const cids = office.core.workstation.care.blocksOf(opId);
      // By multihash, so with the raw codec. A commit's id is its block's digest.
      const { multihash } = CID.parse(office.core.workstation.crypto.cidOfDigest(opId));
      contents.set(
        opId,
        cids.filter((cid) => !CID.parse(cid).multihash.bytes.every((byte, i) => byte === multihash.bytes[i])),
      );
    }
  }, 240_000);
  afterAll(async () => {
    await office?.stop();
    await desk?.stop();
  });

  it('is off until an admin turns it on here', async () => {
    await logIn(desk, people.registrar);
    await expect(desk.ask('availability.setFreeing', { limits: everything })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    await logIn(desk, people.admin);
    await expect(desk.ask('availability.free', {})).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
    expect((await desk.ask('availability.view', {})).freeing).toMatchObject({ limits: null, running: false, last: null });
  });

  it('frees nothing that would be on fewer computers than the clinic wants', async () => {
    expect(await free(desk)).toEqual({ bytes: 0, records: 0, end: 'nothing-left' });
    await desk.ask('availability.setCopies', { computers: 1, hub: true, outside: false });
    expect(await free(desk)).toEqual({ bytes: 0, records: 0, end: 'nothing-left' });
    await desk.ask('availability.setCopies', { computers: 1, hub: false, outside: true });
    expect(await free(desk)).toEqual({ bytes: 0, records: 0, end: 'nothing-left' });
    await desk.ask('availability.setCopies', { computers: 1, hub: false, outside: false });
    await until(office, 'known at the office', () => !availability(office).policy.wanted().outside);
  });

  it('leaves what is new, and what is at hand', async () => {
    expect(await desk.ask('availability.previewFreeing', { keepBytes: 0, recentDays: 30 })).toMatchObject({ bytes: 0, records: 0 });
    await logIn(desk, people.registrar);
    await desk.ask('desk.open', { card: patients[0]?.card ?? '', pin });
    const preview = await availability(desk).freeing.preview(everything);
    expect(preview).toMatchObject({ records: 2, patients: 2, computers: 1 });
    expect(preview.bytes).toBeGreaterThan(0);
    expect(preview.over).toBe(preview.bytes + preview.stays);
    await desk.ask('desk.close', {});
  });

  it('takes out what the other computer promised to keep; the others know, and nobody is warned', async () => {
    const { bytes, records, end } = await free(desk);
    expect({ records, end }).toEqual({ records: 3, end: 'nothing-left' });
    expect(bytes).toBeGreaterThan(0);
    for (const { opId } of patients) {
      expect(contents.get(opId)?.length).toBeGreaterThan(0);
      expect((contents.get(opId) ?? []).some((cid) => desk.core.workstation.ipfs.has(cid))).toBe(false);
      expect(has(office, opId)).toBe(true);
      expect(here(desk, opId)).toBe('freed');
    }
    expect(availability(desk).counts()).toMatchObject({ records: 3, freed: 3, incomplete: 0, nowhere: 0, tooFew: 0 });
    await until(office, 'known at the office', () => patients.every(({ opId }) => copies(office, opId) === 0));
    // The round is over: the office owes nothing, and yet cannot free what only it has.
    await until(office, 'released', () => table(office).promisedTo().length === 0);
    expect(await free(office)).toEqual({ bytes: 0, records: 0, end: 'nothing-left' });
  });

  it('stays so over a restart, and a look at the disk brings nothing back', async () => {
    await desk.restart();
    await until(desk, 'connected', () => desk.core.workstation.ipfs.peers().length > 0);
    await availability(desk).check();
    expect(availability(desk).counts()).toMatchObject({ freed: 3, incomplete: 0 });
    expect(patients.some(({ opId }) => has(desk, opId))).toBe(false);
  });

  it('brings back what somebody opens', async () => {
    await logIn(desk, people.registrar);
    const [first] = patients;
    if (first) await open(desk, first);
    await until(desk, 'here again', () => here(desk, first?.opId ?? '') === 'whole' && has(desk, first?.opId ?? ''));
    expect(availability(desk).counts().freed).toBe(2);
  });

  it('brings back what the clinic wants in more copies from now on', async () => {
    await logIn(desk, people.admin);
    await desk.ask('availability.setCopies', { computers: 2, hub: false, outside: false });
    await bothHold();
    expect(availability(desk).counts().freed).toBe(0);
    await desk.ask('availability.setCopies', { computers: 1, hub: false, outside: false });
    await until(office, 'known at the office', () => availability(office).policy.wanted().computers === 1);
  });

  it('never happens at both at the same time', async () => {
    for (let round = 0; round < 6; round++) {
      await Promise.all([free(desk), free(office)]);
      for (const { opId } of patients) expect([has(desk, opId), has(office, opId)]).toContain(true);
      for (const w of [desk, office]) expect(availability(w).counts().nowhere).toBe(0);
      await bringBack();
    }
  });

  it('believes no computer that says it has what its disk has lost, which it thereby finds out', async () => {
    const { opId } = patients[0] ?? { opId: '' };
    const [cid = ''] = contents.get(opId) ?? [];
    const db = new Database(join(office.dir, 'blocks.db'));
    db.prepare('UPDATE blocks SET bytes = ? WHERE multihash = ?').run(randomBytes(64), CID.parse(cid).multihash.bytes);
    db.close();
    expect(copies(desk, opId)).toBe(1);
    expect((await free(desk)).records).toBe(2);
    expect(has(desk, opId)).toBe(true);
    await until(office, 'repaired from the desk', () => has(office, opId) && here(office, opId) === 'whole');
    await bringBack();
  });

  it('keeps a promise of before, also over a restart, until whoever asked is there again', async () => {
    const { opId } = patients[1] ?? { opId: '' };
    // As if the desk had been killed after the promise.
    expect(table(office).promise(peerOf(desk), new Uint8Array(16).fill(1), [opId])).toEqual([opId]);
    await desk.core.stop();
    await office.restart();
    expect(table(office).isPromised(opId)).toBe(true);
    expect(table(office).decide(opId)).toBe(false);
    await desk.restart();
    await until(office, 'released', () => !table(office).isPromised(opId));
  });

  it('was not done where the program ended between the decision and taking out', async () => {
    await bothHold();
    const { opId } = patients[2] ?? { opId: '' };
    expect(table(desk).decide(opId)).toBe(true);
    expect(table(desk).promise(peerOf(office), new Uint8Array(16), [opId])).toEqual([]);
    await desk.restart();
    expect(table(desk).decided()).toEqual([]);
    expect([here(desk, opId), has(desk, opId)]).toEqual(['whole', true]);
    await bothHold();
  });

  it('says of a record that it is not available while nobody who has it is there, and shows it when somebody is', async () => {
    const [{ patient, card, opId } = { patient: '', card: '', opId: '' }] = patients;
    await logIn(desk, people.registrar);
    await shareAll(desk, { card }, [people.doctor]);
    await desk.ask('desk.close', {});
    await logIn(desk, people.doctor);
    const entries = () => desk.ask('chart.entries', { patient, resourceTypes: ['Patient'], limit: 10 });
    const [entry] = (await desk.until('indexed', entries, (list) => list.entries.length === 1)).entries;
    const record = () => desk.ask('chart.record', { patient, recordId: entry?.recordId ?? '', versionId: entry?.versionId ?? '' });
    expect((await record()).json).toContain('First');
    await logIn(desk, people.registrar);
    expect((await free(desk)).records).toBe(3);
    await office.core.stop();
    await logIn(desk, people.doctor);
    await desk.ask('chart.open', { patient });
    const away = await record();
    expect(away.verification.state.chip).toBe('unavailable');
    expect(away.json).toBe('');
    expect(here(desk, opId)).toBe('partly');
    await office.restart();
    const back = await desk.until('shown again', record, ({ json }) => json !== '');
    expect(back.json).toContain('First');
    await until(desk, 'whole again', () => here(desk, opId) === 'whole');
  });
});
