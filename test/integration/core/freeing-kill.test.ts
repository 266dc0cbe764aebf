/** A computer that is killed again and again while it frees space: nothing is lost, nothing is half gone, and nobody stays bound by what it asked for. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { CID } from 'multiformats/cid';
import { afterAll, expect, it } from 'vitest';
import { CoreProcess } from './core-process.ts';
import { passphrase, pin, startWorkstation, type TestWorkstation } from './workstation.ts';
import { openWorkstationDb } from './workstation-db.ts';

const patients = 8;
const rounds = 5;
const limits = { keepBytes: 0, recentDays: 0 };
const dir = mkdtempSync(join(tmpdir(), 'anamnesis-freeing-kill-'));
const desk = new CoreProcess(dir, { memoryKiB: 8192, passes: 1 });
let office: TestWorkstation | null = null;

afterAll(async () => {
  // Not killed: its Anvil would go on.
  await desk.end('SIGTERM');
  await office?.stop();
  rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
});

it(
  'a computer killed while it frees space has each record whole or not at all, and the others keep theirs',
  { timeout: 400_000 },
  async () => {
    desk.start();
    const { phrase } = await desk.ask('setup.createPhrase', {});
    await desk.ask('setup.createClinic', { clinicName: 'Clinic', personName: 'Dr Rao', passphrase, phrase });
    const account = (await desk.ask('workstation.snapshot', {})).session?.account ?? '';
    await desk.ask('staff.changeRoles', { account, roles: ['admin', 'registrar'] });
    office = await startWorkstation();
    const { invitation } = await desk.ask('computers.invitation', {});
    await office.ask('setup.joinClinic', { invitation, computerName: 'Office' });
    for (let i = 0; i < patients; i++) {
      await desk.ask('patients.register', {
        demographics: {
          ...{ family: `Family${'abcdefghijklmnop'[i]}`, given: 'Ada', prefix: '', birthDate: '1970-01-01', birthDateEstimated: false },
          ...{ gender: 'female', phone: '', address: '', identifiers: [] },
        },
        pin,
      });
    }
    await desk.ask('availability.setCopies', { computers: 1, hub: false, outside: false });
    const { store, care, availability } = office.core.workstation;
    const commits = () => store.workstation.operations({ kinds: ['Commit'] });
    await office.until(
      'anchored',
      () => desk.ask('workstation.snapshot', {}),
      ({ sync }) => sync.waiting === 0,
    );
    await mine();
    const at = await office.until(
      'all final',
      () => Promise.resolve(commits()),
      (list) => list.length === patients && list.every(({ state }) => state === 'final'),
    );
    const opIds = at.map(({ operation }) => operation.opId);
    const multihash = (cid: string) => Buffer.from(CID.parse(cid).multihash.bytes);
    const held = () => opIds.every((opId) => care.isWhole(opId));
    await office.until(
      'held by both',
      () => desk.ask('availability.view', {}),
      ({ counts }) => counts.onlyHere === 0 && counts.records === patients,
    );
    await office.until('held at the office', () => Promise.resolve(held()), Boolean);
    const contents = opIds.map((opId) => {
      const own = multihash(office?.core.workstation.crypto.cidOfDigest(opId) ?? '');
      return care
        .blocksOf(opId)
        .map(multihash)
        .filter((one) => !one.equals(own));
    });

    const states = { whole: 0, freed: 0 };
    let tookMs = 0;
    for (let round = 0; round < rounds; round++) {
      await desk.ask('availability.setFreeing', { limits });
      const before = performance.now();
      const running = desk.ask('availability.free', {}).catch((error: unknown) => error);
      // At first nobody disturbs it; then over the time that it took, from its beginning to its end.
      if (round === 0) {
        expect(await running).toMatchObject({ records: patients });
        tookMs = performance.now() - before;
      } else await new Promise((resolve) => setTimeout(resolve, (tookMs * round) / rounds));
      await desk.end('SIGKILL');
      await running;
      const rows = openWorkstationDb(dir);
      const blocks = new Database(join(dir, 'blocks.db'), { readonly: true });
      const here = blocks.prepare('SELECT count(*) FROM blocks WHERE multihash = ?').pluck();
      for (const [i, opId] of opIds.entries()) {
        const row = rows.prepare('SELECT whole, freed FROM holdings WHERE op_id = ?').get(Buffer.from(opId.slice(2), 'hex')) as {
          whole: number;
          freed: number;
        };
        const count = (contents[i] ?? []).reduce((sum, one) => sum + (here.get(one) as number), 0);
        // All of it or nothing; and what it says that it has is there.
        expect([0, contents[i]?.length]).toContain(count);
        if (row.whole === 1) expect(count).toBe(contents[i]?.length);
        if (row.freed === 1) expect(count).toBe(0);
        states[count === 0 ? 'freed' : 'whole'] += 1;
      }
      rows.close();
      blocks.close();
      expect(held()).toBe(true);
      expect(opIds.every((_, i) => (contents[i] ?? []).length > 0)).toBe(true);
      desk.start();
      await desk.ask('session.logIn', { account, passphrase });
      await office.until(
        'connected',
        () => desk.ask('availability.view', {}),
        ({ holders }) => holders.some(({ connected }) => connected),
      );
      await office.until(
        'nothing is owed',
        () => Promise.resolve(store.freeing.promisedTo()),
        (peers) => peers.length === 0,
      );
      await desk.ask('availability.setCopies', { computers: 2, hub: false, outside: false });
      await office.until(
        'all back',
        () => desk.ask('availability.view', {}),
        ({ counts }) => counts.freed === 0 && counts.incomplete === 0,
      );
      await desk.ask('availability.setCopies', { computers: 1, hub: false, outside: false });
    }
    expect(availability.counts().nowhere).toBe(0);
    // Killed before as well as after.
    expect(states.freed).toBeGreaterThan(0);
    expect(states.whole).toBeGreaterThan(0);

    async function mine(): Promise<void> {
      const { port } = JSON.parse(readFileSync(join(dir, 'ledger', 'anvil.pid.json'), 'utf8')) as { port: number };
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'anvil_mine', params: ['0x20'] });
      await fetch(`http://127.0.0.1:${port}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    }
  },
);
