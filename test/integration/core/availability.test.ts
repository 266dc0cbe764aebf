/** Where blocks are: what the computers of a clinic know of each other, damage on a disk, and its repair. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CID } from 'multiformats/cid';
import { addComputer, demographicsOf, foundClinic, logIn, pin, startWorkstation, type Staff, type TestWorkstation } from './workstation.ts';

const none = { records: 0, onlyHere: 0, tooFew: 0, noHub: 0, notOutside: 0, incomplete: 0, nowhere: 0, freed: 0 };

describe('where blocks are', () => {
  let desk: TestWorkstation;
  let office: TestWorkstation;
  let people: Staff;
  let patient: string;
  const availability = (w: TestWorkstation) => w.core.workstation.availability;
  const commitsOf = (of: string) =>
    desk.core.workstation.store.workstation.operations({ kinds: ['Commit'], patient: of }).map(({ operation }) => operation.opId);
  const register = async (family: string) => {
    await logIn(desk, people.registrar);
    return (await desk.ask('patients.register', { demographics: demographicsOf(family), pin })).patient.patient;
  };
  const copies = (w: TestWorkstation, opId: string) => availability(w).records.known([opId]);
  const spoil = (w: TestWorkstation, cids: readonly string[], change: 'flip' | 'take out') => {
    const db = new Database(join(w.dir, 'blocks.db'));
    for (const cid of cids) {
      const { bytes } = CID.parse(cid).multihash;
      if (change === 'flip') db.prepare('UPDATE blocks SET bytes = ? WHERE multihash = ?').run(randomBytes(64), bytes);
      else db.prepare('DELETE FROM blocks WHERE multihash = ?').run(bytes);
    }
    db.close();
  };

  beforeAll(async () => {
    desk = await startWorkstation();
    office = await startWorkstation();
    people = await foundClinic(desk, 'Clinic');
    patient = await register('First');
  });
  afterAll(async () => {
    await office.stop();
    await desk.stop();
  });

  it('are only here, as long as there is one computer', async () => {
    await availability(desk).holdings.settled();
    const counts = await desk.until(
      'counted',
      () => Promise.resolve(availability(desk).counts()),
      ({ records }) => records > 0,
    );
    expect(counts).toEqual({ ...none, records: 1, onlyHere: 1, tooFew: 1 });
    expect(copies(desk, commitsOf(patient)[0] ?? '')).toEqual({ here: 'whole', copies: [] });
  });

  it('are at both computers once the second has fetched them, and both know it', async () => {
    await logIn(desk, people.admin);
    await addComputer(desk, office, 'Office');
    for (const [w, name] of [
      [desk, 'Office'],
      [office, 'Computer'],
    ] as const) {
      const [opId = ''] = commitsOf(patient);
      const known = await w.until(
        `a copy at ${name}`,
        () => Promise.resolve(copies(w, opId)),
        (found) => found.here === 'whole' && found.copies.length === 1,
      );
      expect(known.copies[0]).toMatchObject({ kind: 'workstation' });
      expect(availability(w).counts()).toEqual({ ...none, records: 1 });
    }
    expect(copies(desk, commitsOf(patient)[0] ?? '').copies[0]?.name).toBe('Office');
  });

  it('are asked for by difference: after a restart nothing is read again', async () => {
    const before = desk.core.workstation.store.holdings.holders();
    expect(before).toHaveLength(1);
    await office.restart();
    await desk.until(
      'confirmed again',
      () => Promise.resolve(desk.core.workstation.store.holdings.holders()),
      ([holder]) => (holder?.confirmedAt ?? 0) > (before[0]?.confirmedAt ?? 0),
    );
    expect(desk.core.workstation.store.holdings.holders()).toMatchObject([{ place: before[0]?.place }]);
    expect(availability(desk).counts().onlyHere).toBe(0);
  });

  it('are repaired from the other computer, whether damaged or gone', async () => {
    const second = await register('Second');
    const [opId = ''] = commitsOf(second);
    await office.until(
      'a copy',
      () => Promise.resolve(copies(office, opId)),
      ({ here, copies }) => here === 'whole' && copies.length === 1,
    );
    const { care } = office.core.workstation;
    for (const change of ['flip', 'take out'] as const) {
      const blocks = care.blocksOf(opId);
      expect(blocks.length).toBeGreaterThan(1);
      spoil(office, blocks, change);
      await availability(office).repair.checkAll();
      await office.until(
        'whole again',
        () => Promise.resolve([copies(office, opId).here, care.wanted(10)]),
        ([here, wanted]) => here === 'whole' && wanted?.length === 0,
      );
      expect((await availability(office).repair.checkAll()).damaged).toBe(0);
    }
  });

  it('that are damaged are read from the other computer at once', async () => {
    const [opId = ''] = commitsOf(patient);
    const cid = office.core.workstation.crypto.cidOfDigest(opId);
    spoil(office, [cid], 'flip');
    expect((await office.core.workstation.ipfs.get(cid)).length).toBeGreaterThan(64);
    expect(office.core.workstation.care.wanted(1)).toEqual([]);
  });

  it('are known to be nowhere, where both disks lost them', async () => {
    const third = await register('Third');
    const [opId = ''] = commitsOf(third);
    await office.until(
      'a copy',
      () => Promise.resolve(copies(office, opId)),
      ({ here, copies }) => here === 'whole' && copies.length === 1,
    );
    const blocks = office.core.workstation.care.blocksOf(opId);
    const kept = await Promise.all(blocks.map(async (cid) => ({ cid, bytes: await desk.core.workstation.ipfs.get(cid) })));
    for (const w of [desk, office]) spoil(w, blocks, 'flip');
    for (const w of [desk, office]) await availability(w).repair.checkAll();
    const lost = { ...none, records: 3, incomplete: 1, nowhere: 1 };
    for (const w of [desk, office]) {
      expect(
        await w.until(
          'nobody has it',
          () => Promise.resolve(availability(w).counts()),
          ({ nowhere }) => nowhere === 1,
        ),
      ).toEqual(lost);
    }
    // From a stick, or a backup.
    desk.core.workstation.ipfs.put(kept);
    await availability(desk).repair.checkAll();
    availability(desk).holdings.arrived([]);
    for (const w of [desk, office]) {
      await w.until(
        'whole everywhere again',
        () => {
          availability(w).repair.wake();
          return Promise.resolve(availability(w).counts());
        },
        ({ incomplete, onlyHere }) => incomplete === 0 && onlyHere === 0,
      );
    }
  });

  it('may be wanted in other places, which an admin says at one computer for all', async () => {
    await logIn(desk, people.admin);
    await desk.ask('availability.setCopies', { computers: 2, hub: false, outside: true });
    await office.until(
      'known at the office',
      () => Promise.resolve(availability(office).view()),
      ({ wanted }) => wanted.outside,
    );
    for (const w of [desk, office]) {
      expect(availability(w).counts()).toEqual({ ...none, records: 3, notOutside: 3 });
      expect(availability(w).warning()).toMatchObject({ onlyHere: 0, notOutside: 3, noHub: 0, since: expect.any(Number) as number });
    }
    // What the desk's pinning service has counts for the office too, as the desk says.
    const { holdings } = desk.core.workstation.store;
    const all = holdings.changesAfter(0, 1000).map(({ opId }) => ({ opId, whole: true }));
    const service = { holder: 'pinning:1', kind: 'pinning' as const, place: 0, run: `0x${'00'.repeat(16)}`, confirmedAt: Date.now() };
    const notOutside = (count: number) =>
      office.until(
        `${count} nowhere outside`,
        () => Promise.resolve(availability(office).counts()),
        (counts) => counts.notOutside === count,
      );
    holdings.hear(service, all, false);
    holdings.retell(all.map(({ opId }) => opId));
    availability(desk).copies.tellNews();
    await notOutside(0);
    const holders = availability(office)
      .view()
      .holders.filter(({ kind }) => kind === 'pinning');
    expect(holders).toMatchObject([{ name: 'Pinning service of First computer', connected: true, held: all.length }]);
    holdings.retell(holdings.forget('pinning:1'));
    availability(desk).copies.tellNews();
    await notOutside(3);
    const wanted = { computers: 3, hub: true, outside: false };
    await desk.ask('availability.setCopies', wanted);
    const view = await office.until(
      'known at the office',
      () => Promise.resolve(availability(office).view()),
      (now) => now.wanted.hub,
    );
    expect(view.counts).toEqual({ ...none, records: 3, tooFew: 3, noHub: 3 });
    expect(await desk.ask('availability.view', {})).toMatchObject({ wanted, holders: [{ name: 'Office', connected: true }] });
    await logIn(desk, people.registrar);
    await expect(desk.ask('availability.setCopies', { ...wanted, computers: 1 })).rejects.toMatchObject({ code: 'NOT_ALLOWED' });
  });

  it('and which, is believed of no computer that changed it', () => {
    const { policy } = availability(office);
    const said = policy.toShow();
    expect(said).toMatchObject({ computers: 3, hub: true, outside: false });
    for (const forged of [
      { ...said, computers: 1, sequence: 9 },
      { ...said, hub: false, sequence: 9 },
      { ...said, outside: true, sequence: 9 },
      { ...said, sequence: 9 },
      { ...said, by: people.registrar, sequence: 9 },
      'x',
      null,
    ])
      expect(policy.learn(forged)).toBe(false);
    expect(policy.wanted()).toEqual({ computers: 3, hub: true, outside: false });
  });

  it('count no more at a computer that was taken out', async () => {
    await logIn(desk, people.admin);
    const { peer = '' } = (await desk.ask('computers.list', {})).find(({ here }) => !here) ?? {};
    await desk.ask('computers.remove', { peer });
    expect(availability(desk).counts()).toEqual({ ...none, records: 3, onlyHere: 3, tooFew: 3, noHub: 3 });
  });
});
