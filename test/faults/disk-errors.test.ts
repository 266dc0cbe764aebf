/**
 * A disk that breaks under a core that runs: writing, syncing or reading fails (EIO), or the system makes it read-only (EROFS). Each is said in words and
 * with what is safe; what was typed stays; nothing that was answered as saved is lost; and when the disk is well again the same process goes on.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../src-shared/errors.ts';
import { keepCounts } from './counts.ts';
import { ClinicOnDisk } from './disk/clinic-on-disk.ts';
import { noFaultyDisk, type DiskFault } from './disk/faulty-disk.ts';
import { passphrase, until } from './process/site.ts';
import { seeded } from './random.ts';

const seed = Number(process.env['FAULTS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const random = seeded(seed);
const missingHere = noFaultyDisk();
if (missingHere !== null) process.stdout.write(`No disk breaks here: ${missingHere}.\n`);

const words = {
  DISK_FAILED:
    /^(The disk (is full or )?reports an error .+ Nothing of this step was saved; what was saved before is as it was\.|The key file could not be read\. What is stored here is safe) /,
  // Reading alone: SQLite does not tell it from damage.
  STORE_DAMAGED: /^The data file .+ cannot be read: .* the disk fails.+ It was left as it is\. Restart the computer; /,
} as Readonly<Record<string, RegExp>>;
const expectWords = ({ code, message }: AppError) => expect(message, code).toMatch(words[code] ?? /no such code/);
const draft = (reason: string) => ({ id: 'visit', patient: '', kind: 'encounter', json: JSON.stringify({ reason }) });
const writing: readonly DiskFault[] = ['writing fails', 'syncing fails', 'read-only'];

describe.skipIf(missingHere !== null)('a workstation whose disk breaks', () => {
  const counts = { saved: 0, refused: 0, lost: 0 };
  let at: ClinicOnDisk;
  beforeAll(async () => {
    at = new ClinicOnDisk();
    await at.found();
    await at.clinic.settled();
  }, 240_000);
  afterAll(async () => {
    keepCounts('disk errors', { seed, ...counts });
    await at.close();
  }, 60_000);

  /** Saves until the disk has refused so many, or did not refuse at all. */
  const saveUntilRefused = async (times: number): Promise<AppError[]> => {
    const refused: AppError[] = [];
    for (let n = 0; n < 30 && refused.length < times; n++) {
      try {
        let once = false;
        await at.clinic.write(at.patient, () => once || !(once = true));
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        refused.push(error);
      }
    }
    counts.refused += refused.length;
    return refused;
  };
  const kept = async () => (await at.clinic.core.ask('drafts.list', {})).flatMap(({ kind, json }) => (kind === 'encounter' ? [json] : []));
  const nothingLost = async () => {
    await until(
      'all that was saved is in the chart',
      () => at.clinic.missing(at.patient),
      (missing) => (counts.lost = missing.length) === 0,
    );
    counts.saved = at.clinic.saved.length;
  };

  it.each<DiskFault>([...writing, 'reading fails'])(
    `where %s says so, keeps what was typed and saved, and goes on afterwards (FAULTS_SEED=${seed})`,
    async (fault) => {
      // What was read before need not be read again: it may go on.
      const refuses = writing.includes(fault);
      const { clinic, disk, patient } = at;
      const { core } = clinic;
      await core.ask('drafts.save', draft(fault));
      for (const spared of [0, random.below(40)]) {
        disk.set(fault, spared);
        const refused = await saveUntilRefused(3);
        if (refuses) expect(refused.length).toBe(3);
        refused.forEach(expectWords);
        if (refuses) expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['DISK_FAILED']));
        if (refuses) await expect(core.ask('drafts.save', draft('lost'))).rejects.toMatchObject({ code: 'DISK_FAILED' });
        disk.set('none');
        expect(await kept()).toEqual([draft(fault).json]);
        await nothingLost();
        const before = clinic.saved.length;
        expect(await saveUntilRefused(1)).toEqual([]);
        expect(clinic.saved.length).toBeGreaterThan(before);
      }
      await clinic.settled();
      await nothingLost();
      const { failures } = await core.ask('chart.verify', { patient });
      expect(failures).toEqual([]);
    },
    180_000,
  );

  it.each<DiskFault>(['writing fails', 'reading fails'])(
    'where %s at the start starts when it is well again, with everything',
    async (fault) => {
      const { clinic, disk } = at;
      for (const spared of [0, 1 + random.below(10)]) {
        await at.end();
        disk.set(fault, spared);
        clinic.core.start();
        const said = await clinic.core.ask('session.logIn', { account: clinic.account, passphrase }).then(
          () => null,
          (error: unknown) => error,
        );
        const isTold = said === null || (said as AppError).code === 'NOT_ALLOWED';
        if (!isTold) expectWords(said as AppError);
        disk.set('none');
        await clinic.revive();
      }
      await nothingLost();
      expect(await kept()).toHaveLength(1);
    },
    180_000,
  );
});
