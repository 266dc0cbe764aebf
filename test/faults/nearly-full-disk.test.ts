/**
 * A disk that gets full somewhere in the middle of what is done: a small file system in memory with so little room that the first steps of a save still fit, or more of
 * them. Whatever is answered as done is there afterwards, once; what is answered as refused is not; a registered patient's card opens; and the draft of a visit is
 * offered if and only if the visit is not saved.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { granteeOfAccount } from '../../src-main/core/services/bytes.ts';
import { categories } from '../../src-shared/categories.ts';
import { AppError } from '../../src-shared/errors.ts';
import { keepCounts } from './counts.ts';
import { Clinic, demographics, passphrase, pin, until } from './process/site.ts';
import { seeded } from './random.ts';

const seed = Number(process.env['FAULTS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const random = seeded(seed);
const mayMount = process.platform === 'linux' && process.getuid?.() === 0;
const fillings = 14;
const page = 4096;

describe.runIf(mayMount)('a disk with little room', () => {
  const mount = mkdtempSync(join(tmpdir(), 'anamnesis-nearly-full-'));
  const filler = join(mount, 'filler');
  const counts = { done: 0, refused: 0 };
  let clinic: Clinic;
  let patient = '';
  const cards = new Map<string, string>();
  const saved: string[] = [];

  beforeAll(async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', mount]);
    const dir = join(mount, 'data');
    mkdirSync(dir);
    clinic = new Clinic(dir);
    const { core } = clinic;
    core.start();
    const { phrase } = await core.ask('setup.createPhrase', {});
    await core.ask('setup.createClinic', { clinicName: 'Clinic', personName: 'Dr Rao', passphrase, phrase });
    const account = (await core.ask('workstation.snapshot', {})).session?.account ?? '';
    clinic.account = account;
    await core.ask('staff.changeRoles', { account, roles: ['admin', 'registrar', 'practitioner'] });
    const registered = await core.ask('patients.register', { demographics, pin });
    ({ patient } = registered.patient);
    await core.ask('desk.open', { card: registered.card, pin });
    const terms = { categories: [...categories], write: true, purpose: 'treatment' as const, until: 0 };
    await core.ask('desk.grant', { ...terms, grantee: granteeOfAccount(account) });
    await core.ask('desk.close', {});
    await clinic.settled();
  }, 120_000);
  afterAll(async () => {
    keepCounts('nearly full disk', { seed, ...counts });
    await clinic.core.end('SIGTERM');
    // The ledger of a core that was cut short may still end.
    execFileSync('umount', ['-l', mount]);
    rmSync(mount, { recursive: true });
  }, 60_000);

  /** First no room at all, at the end enough, in between anything. */
  const roomIn = (n: number) => (n === 0 ? 0 : n === fillings - 1 ? 2000 : random.below(120));
  const fill = (pagesLeft: number) => {
    const { bavail, bsize } = statfsSync(mount);
    try {
      writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - pagesLeft * page)));
    } catch (error) {
      // The core wrote meanwhile: fuller than meant.
      expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
    }
  };
  /** Null where it was refused, which must be for the disk. */
  const attempt = async <T>(call: Promise<T>): Promise<T | null> => {
    try {
      const result = await call;
      counts.done += 1;
      return result;
    } catch (error) {
      expect(error).toBeInstanceOf(AppError);
      expect((error as AppError).code).toMatch(/^DISK_(FULL|FAILED)$/);
      counts.refused += 1;
      return null;
    }
  };

  it(`keeps what was done, and nothing of what was refused (FAULTS_SEED=${seed})`, { timeout: 240_000 }, async () => {
    const { core } = clinic;
    const draft = `encounter:${patient}`;
    const visit = { patient, class: 'AMB' as const, start: '2026-11-23T10:00:00Z', diagnoses: [], note: '', draft };
    const refusedVisits: string[] = [];
    for (let n = 0; n < fillings; n++) {
      fill(roomIn(n));
      const family = `Full${n}`;
      const made = await attempt(core.ask('patients.register', { demographics: { ...demographics, family }, pin }));
      if (made) cards.set(family, made.card);
      rmSync(filler);

      const reason = `Visit ${n}`;
      await core.ask('drafts.save', { id: draft, patient, kind: 'encounter', json: JSON.stringify({ reason }) });
      fill(roomIn(n));
      const isSaved = (await attempt(core.ask('chart.saveEncounter', { ...visit, reason }))) !== null;
      (isSaved ? saved : refusedVisits).push(reason);
      rmSync(filler);
      const drafts = await core.ask('drafts.list', { patient });
      expect(
        drafts.some(({ json }) => json.includes(`"${reason}"`)),
        `the draft of ${reason}, saved: ${isSaved}`,
      ).toBe(!isSaved);
    }

    await clinic.settled();
    const { hits } = await until(
      'all who were registered are in the list',
      () => core.ask('patients.search', { text: 'Full', limit: 100, offset: 0 }),
      ({ total }) => total >= cards.size,
    );
    expect(hits.map(({ family }) => family).sort()).toEqual([...cards.keys()].sort());
    const entries = await until(
      'all that was saved is in the chart',
      async () => (await core.ask('chart.entries', { patient, resourceTypes: ['Encounter'], limit: 500 })).entries,
      (list) => list.length >= saved.length,
    );
    const titles = JSON.stringify(entries);
    expect(entries).toHaveLength(saved.length);
    expect(saved.filter((reason) => !titles.includes(`${reason}"`))).toEqual([]);
    expect((await core.ask('chart.verify', { patient })).failures).toEqual([]);
    for (const card of cards.values()) {
      await core.ask('desk.open', { card, pin });
      await core.ask('desk.close', {});
    }
    // Both happened, or nothing was shown.
    expect(cards.size).toBeGreaterThan(0);
    expect(saved.length).toBeGreaterThan(0);
    expect(refusedVisits.length).toBeGreaterThan(0);
  });
});
