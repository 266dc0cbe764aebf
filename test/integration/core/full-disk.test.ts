/** A disk that is really full, and one that became read-only: a small file system in memory, mounted for the test (root, Linux). */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { foundClinic, logIn, pin, startWorkstation, type TestWorkstation } from './workstation.ts';

const mayMount = process.platform === 'linux' && process.getuid?.() === 0;
const demographics = {
  ...{ family: 'Rao', given: 'Asha', prefix: '', birthDate: '1980', birthDateEstimated: true },
  ...{ gender: 'female' as const, phone: '', address: '', identifiers: [] },
};
const code = (call: Promise<unknown>) =>
  call.then(
    () => 'saved',
    (error: { code?: string }) => error.code,
  );

// Elsewhere nobody may mount; store.test.ts shows the same there by a limit on the database's size.
describe.runIf(mayMount)('a disk', () => {
  const mount = mkdtempSync(join(tmpdir(), 'anamnesis-full-'));
  let w: TestWorkstation;
  let people: Awaited<ReturnType<typeof foundClinic>>;

  beforeAll(async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', mount]);
    w = await startWorkstation(join(mount, 'data'));
    people = await foundClinic(w, 'Clinic');
    await logIn(w, people.registrar);
    await w.until('anchoring', w.snapshot, (s) => s.sync.waiting === 0 && s.sync.state === 'online');
    // Without the ledger, whose own state needs room too.
    const { workstation } = w.core.workstation.store;
    const network = workstation.setting<Record<string, unknown>>('network');
    workstation.setSetting('network', { ...network, embedded: null, endpoint: 'http://127.0.0.1:9' });
    await w.restart();
    await logIn(w, people.registrar);
  }, 90_000);
  afterAll(async () => {
    execFileSync('mount', ['-o', 'remount,rw', mount]);
    await w.stop();
    execFileSync('umount', [mount]);
    rmSync(mount, { recursive: true });
  });

  const register = (given: string) => w.ask('patients.register', { demographics: { ...demographics, given }, pin });
  const made = async () => (await w.ask('sync.outbox', { show: 'all', limit: 500 })).entries.map(({ opId }) => opId);
  const names = async () => (await w.ask('patients.search', { text: '', limit: 100, offset: 0 })).hits.map(({ given }) => given).sort();
  const fill = () => {
    const file = join(mount, 'filler');
    for (let size = 4096; size > 0; size = size >> 1) {
      try {
        for (let part = 0; part < 4096 && statfsSync(mount).bfree > 0; part++) writeFileSync(file, Buffer.alloc(size * 16), { flag: 'a' });
      } catch (error) {
        expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
      }
    }
    return file;
  };

  it(
    'that fills up refuses the next save in words, loses nothing that was saved, and goes on when there is room',
    { timeout: 60_000 },
    async () => {
      await register('Before');
      await w.ask('drafts.save', { id: 'registration', patient: '', kind: 'registration', json: '{"family":"Kept"}' });
      const filler = fill();
      const saved: string[] = ['Before'];
      let refused: string | undefined = 'saved';
      // What lies in the logs already may still take a few.
      for (let n = 0; n < 200 && refused === 'saved'; n++) {
        refused = await code(register(`While ${n}`));
        if (refused === 'saved') saved.push(`While ${n}`);
      }
      expect(refused).toBe('DISK_FULL');
      expect(await code(register('Again'))).toBe('DISK_FULL');
      expect((await w.ask('drafts.list', {})).find(({ kind }) => kind === 'registration')?.json).toBe('{"family":"Kept"}');
      rmSync(filler);
      const before = await made();
      await register('After');
      expect((await made()).filter((opId) => !before.includes(opId)).length).toBeGreaterThan(3);
      await w.restart();
      await logIn(w, people.registrar);
      expect(await names()).toEqual([...saved, 'After'].sort());
    },
  );

  it('that became read-only says so, and everything is there and writable when it is mended', { timeout: 60_000 }, async () => {
    const before = { names: await names(), made: await made() };
    await w.core.stop();
    execFileSync('mount', ['-o', 'remount,ro', mount]);
    expect(await code(w.restart())).toBe('NOT_ALLOWED');
    execFileSync('mount', ['-o', 'remount,rw', mount]);
    w = await startWorkstation(join(mount, 'data'));
    await logIn(w, people.registrar);
    expect({ names: await names(), made: await made() }).toEqual(before);
    await register('Mended');
    expect(await names()).toContain('Mended');
  });
});
