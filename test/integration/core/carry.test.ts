/** Two computers of a clinic that never run at the same time: what waits goes from one to the other in a file, and on to the ledger from where it can be reached. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCar } from '../../../src-main/core/adapters/ipfs/car.ts';
import type { CarryInView } from '../../../src-shared/view-types.ts';
import { commands, type CommandInput } from '../../../src-main/core/admin/commands.ts';
import type { EncodedFileBlock, StoredOperation } from '../../../src-main/core/ports.ts';
import { bytesOf } from '../../../src-main/core/services/bytes.ts';
import { toWire } from '../../../src-main/core/services/peers/operation-messages.ts';
import {
  addComputer,
  demographicsOf,
  enrolAt,
  foundClinic,
  ledgerOf,
  logIn,
  pin,
  startWorkstation,
  type TestWorkstation,
} from './workstation.ts';

const car = createCar();
const commandLine: CommandInput = {
  ...{ arguments: [], demo: false, verifiable: false, offline: false, as: undefined, out: undefined },
  ...{ dataDir: '', passphrase: undefined, keepKeyPlain: () => false },
};
const families = async (w: TestWorkstation) =>
  (await w.ask('patients.search', { text: '', limit: 50, offset: 0 })).hits.map((hit) => hit.family);
const store = (w: TestWorkstation) => w.core.workstation.store.workstation;
const waiting = (w: TestWorkstation) => store(w).operations({ states: ['pending', 'submitted'] });

const opIds = (list: readonly StoredOperation[]) => list.map(({ operation }) => operation.opId);

async function carryOut(w: TestWorkstation): Promise<Uint8Array> {
  await w.ask('carry.out', {});
  const slices: Uint8Array[] = [];
  for (;;) {
    const { base64 } = await w.ask('carry.read', {});
    if (base64 === null) return Buffer.concat(slices);
    slices.push(Buffer.from(base64, 'base64'));
  }
}

async function carryIn(w: TestWorkstation, file: Uint8Array, sliceBytes = 50_000): Promise<CarryInView> {
  await w.ask('carry.begin', {});
  for (let at = 0; at < file.length; at += sliceBytes) {
    const { more } = await w.ask('carry.append', { base64: Buffer.from(file.subarray(at, at + sliceBytes)).toString('base64') });
    if (!more) break;
  }
  return w.ask('carry.end', {});
}

async function fileOf(root: EncodedFileBlock, ...blocks: EncodedFileBlock[]): Promise<Uint8Array> {
  const all = async function* () {
    yield* [root, ...blocks];
    await Promise.resolve();
  };
  const parts: Uint8Array[] = [];
  for await (const part of car.write(root.cid, all())) parts.push(part);
  return Buffer.concat(parts);
}

describe('what is carried by hand', () => {
  let desk: TestWorkstation;
  let office: TestWorkstation;
  let people: Awaited<ReturnType<typeof foundClinic>>;
  let doctor: string;
  let file: Uint8Array;
  let offline: StoredOperation[];
  /** What waits there already. */
  let before: string[];

  beforeAll(async () => {
    desk = await startWorkstation();
    office = await startWorkstation();
    people = await foundClinic(desk, 'Clinic');
    await addComputer(desk, office, 'Office');
    doctor = await enrolAt(office, desk, 'Dr. Office', ['practitioner']);
    await desk.until(
      'all anchored',
      () => desk.snapshot(),
      (s) => s.sync.waiting === 0,
    );
    await office.core.stop();
    ledgerOf(desk).away();
    await logIn(desk, people.registrar);
    for (const family of ['First', 'Second']) await desk.ask('patients.register', { demographics: demographicsOf(family), pin });
    offline = waiting(desk);
    file = await carryOut(desk);
    ledgerOf(desk).back();
    await desk.core.stop();
    await office.restart();
    await logIn(office, doctor);
    before = opIds(waiting(office));
    // Two whole workstations and a clinic: some seconds, more on a busy machine.
  }, 240_000);
  afterAll(async () => {
    await office.stop();
    await desk.stop();
  });

  it('is no file of another kind, of another network, or with lengths beyond all bounds', async () => {
    const { id } = office.core.workstation.network.require();
    const fields = { type: 'anamnesis/carry/1', network: bytesOf(id), madeAt: 1, operations: 0 };
    const foreign = car.node({ ...fields, network: new Uint8Array(32) }, []);
    await expect(carryIn(office, await fileOf(foreign))).rejects.toMatchObject({ message: expect.stringContaining('another network') });
    const files = [
      new Uint8Array(),
      new TextEncoder().encode('<html>'.repeat(1000)),
      await fileOf(car.node({ ...fields, type: 'anamnesis/carry/2' }, [])),
      await fileOf(car.node({ ...fields, madeAt: -1 }, [])),
      // A header of 1 TB, and a header as it should be before a block of 1 TB.
      Buffer.concat([new Uint8Array([0x80, 0x80, 0x80, 0x80, 0x80, 0x20]), new Uint8Array(100_000)]),
      Buffer.concat([(await fileOf(foreign)).subarray(0, 59), new Uint8Array([0x80, 0x80, 0x80, 0x80, 0x80, 0x20]), new Uint8Array(4000)]),
    ];
    for (const bad of files) await expect(carryIn(office, bad)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(opIds(waiting(office))).toEqual(before);
  });

  it('gives nothing for operations that nobody signed, and keeps no block that none of those taken refers to', async () => {
    const { id } = office.core.workstation.network.require();
    const fields = { type: 'anamnesis/carry/1', network: bytesOf(id), madeAt: 1, operations: 12 };
    const stray = car.node({ stray: true }, []);
    const forged = offline
      .slice(0, 1)
      .flatMap(({ operation }) =>
        Array.from({ length: 12 }, (_, i) => ({ ...operation, opId: `0x${String(i % 10).repeat(63)}${i > 9 ? 'a' : 'b'}` })),
      );
    const batch = car.node({ operations: forged.map(toWire), blocks: 1 }, []);
    const result = await carryIn(office, await fileOf(car.node(fields, [batch.cid]), batch, stray));
    expect(result).toMatchObject({ ending: 'forged', read: 12, added: 0, refused: 12, blocks: 0 });
    expect(office.core.workstation.ipfs.has(stray.cid)).toBe(false);
    const nonsense: EncodedFileBlock = car.node({ operations: [{ kind: 1 }], blocks: 0 }, []);
    expect(await carryIn(office, await fileOf(car.node(fields, [nonsense.cid]), nonsense))).toMatchObject({ ending: 'damaged', read: 0 });
    expect(opIds(waiting(office))).toEqual(before);
  });

  it('is kept as far as it was whole when the stick is pulled out or the file is damaged, and goes on from there', async () => {
    const early = await carryIn(office, file.subarray(0, 5000));
    expect(early.ending).toBe('cut-off');
    const late = await carryIn(office, file.subarray(0, file.length - 100));
    expect(late).toMatchObject({ ending: 'cut-off', read: offline.length, total: offline.length });
    expect(late.missing).toBeGreaterThan(0);
    const damaged = Uint8Array.from(file);
    damaged[file.length - 50]! ^= 1;
    expect(await carryIn(office, damaged)).toMatchObject({ ending: 'damaged', added: 0, known: offline.length });
  });

  it('brings patients registered at the desk into the doctor’s list, without any network', async () => {
    const whole = await carryIn(office, file);
    expect(whole).toMatchObject({ ending: 'whole', known: offline.length, added: 0, refused: 0, missing: 0 });
    expect(await carryIn(office, file)).toMatchObject({ ending: 'whole', known: offline.length, added: 0, blocks: 0, missing: 0 });
    await office.until(
      'the patients at the doctor’s',
      () => families(office),
      (list) => list.includes('First') && list.includes('Second'),
    );
    expect(office.core.workstation.ipfs.peers()).toEqual([]);
    const rows = offline.map(({ operation }) => store(office).operation(operation.opId));
    expect(rows.map((row) => [row?.origin, row?.block])).toEqual(offline.map(() => ['peer', null]));
    await office.until(
      'their blocks known to be here',
      () => Promise.resolve(store(office).awaitingBlocks(1, 0)),
      (list) => list.length === 0,
    );
  });

  it('goes back the same way, and is anchored once by whoever reaches the ledger', async () => {
    const { hits } = await office.ask('patients.search', { text: 'First', limit: 1, offset: 0 });
    await office.ask('requests.ask', {
      ...{ patient: hits[0]?.patient ?? '', categories: ['observations-and-results'], write: false, purpose: 'treatment', until: 0 },
      reason: 'A second opinion',
    });
    const [made] = store(office).operations({ kinds: ['RequestAccess'], states: ['pending'] });
    const opId = made?.operation.opId ?? '';
    const out = join(office.dir, 'back.car');
    const written = await commands['carry-out'](office.core.workstation, { ...commandLine, out });
    expect(written.output).toMatchObject({ file: out, missing: 0 });
    expect(existsSync(`${out}.part`)).toBe(false);
    await expect(office.ask('sync.withdraw', { opId, edit: false })).rejects.toMatchObject({ code: 'ALREADY_SENT' });
    await office.core.stop();
    await desk.restart();
    await logIn(desk, people.registrar);
    const cut = join(office.dir, 'cut.car');
    writeFileSync(cut, readFileSync(out).subarray(0, 300));
    expect(await commands['carry-in'](desk.core.workstation, { ...commandLine, arguments: [cut] })).toMatchObject({ exitCode: 5 });
    const taken = await commands['carry-in'](desk.core.workstation, { ...commandLine, arguments: [out] });
    expect(taken).toMatchObject({ exitCode: 0, output: { ending: 'whole', added: 1, refused: 0, missing: 0 } });
    await desk.until(
      'anchored by the desk',
      () => Promise.resolve(store(desk).operation(opId)),
      (row) => row?.block !== null && row?.block !== undefined,
    );
    await office.restart();
    await logIn(office, doctor);
    const all = [...offline.map(({ operation }) => operation.opId), opId];
    await office.until(
      'all anchored, as the ledger says',
      () => Promise.resolve(all.map((id) => store(office).operation(id)?.block)),
      (blocks) => blocks.every((block) => typeof block === 'number'),
    );
    expect(all.map((id) => store(office).operation(id)?.block)).toEqual(all.map((id) => store(desk).operation(id)?.block));
    expect((await office.snapshot()).sync.rejected).toBe(0);
  });

  it('is not written where nothing waits', async () => {
    await desk.until(
      'all anchored',
      () => Promise.resolve(waiting(desk)),
      (list) => list.length === 0,
    );
    await expect(desk.ask('carry.out', {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(desk.ask('carry.read', {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(desk.ask('carry.append', { base64: '' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('holds nothing of a former network, which no workstation could judge, and says so', async () => {
    ledgerOf(desk).away();
    const { id } = desk.core.workstation.network.require();
    store(desk).moveFrom(id, []);
    const former = waiting(desk).length;
    await expect(desk.ask('carry.out', {})).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('from which the clinic moved'),
    });
    await desk.ask('patients.register', { demographics: demographicsOf('Third'), pin });
    const made = waiting(desk).length - former;
    expect(await desk.ask('carry.out', {})).toMatchObject({ operations: made, staying: former, missing: 0 });
    expect(made).toBeGreaterThan(0);
    expect(former).toBeGreaterThan(0);
    ledgerOf(desk).back();
  });
});
