/**
 * The power is cut while a core saves: writes that were not synced are gone, or there in part; the embedded ledger, which syncs nothing, may have lost its
 * state. Everything that was answered as saved is there, comes onto the ledger once, and verifies. FAULTS_SECONDS and FAULTS_SEED choose how long and which.
 */
import { rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appliedOnLedger } from '../integration/ledger/site.ts';
import { keepCounts } from './counts.ts';
import { ClinicOnDisk } from './disk/clinic-on-disk.ts';
import { noFaultyDisk } from './disk/faulty-disk.ts';
import { passphrase, until } from './process/site.ts';
import { seeded } from './random.ts';

const seconds = Number(process.env['FAULTS_SECONDS'] ?? 0);
const seed = Number(process.env['FAULTS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const random = seeded(seed);
const leastCuts = 2;
const missingHere = noFaultyDisk();
if (missingHere !== null) process.stdout.write(`The power is not cut here: ${missingHere}.\n`);

describe.skipIf(missingHere !== null)('a workstation whose power is cut', () => {
  const counts = { cuts: 0, acknowledged: 0, lost: 0, anchoredTwice: 0, ledgersDamaged: 0 };
  let at: ClinicOnDisk;
  beforeAll(async () => {
    at = new ClinicOnDisk();
    await at.found();
  }, 240_000);
  afterAll(async () => {
    keepCounts('power', { seed, ...counts });
    await at.close();
  }, 60_000);

  /** What Anvil had not written yet, or wrote half. */
  const damageLedger = () => {
    const state = join(at.ledgerDir, 'ledger.json');
    const what = random.pick(['nothing', 'nothing', 'cut short', 'gone']);
    const size = statSync(state, { throwIfNoEntry: false })?.size ?? 0;
    if (what === 'nothing' || size === 0) return;
    if (what === 'gone') rmSync(state);
    else truncateSync(state, random.below(size));
    counts.ledgersDamaged += 1;
  };

  it(
    `has everything that it said was saved (FAULTS_SEED=${seed})`,
    async () => {
      const { clinic, disk, patient } = at;
      const end = Date.now() + seconds * 1000;
      do {
        const before = clinic.saved.length;
        /** Where each save was when it was answered. */
        const moments: number[] = [];
        clinic.onSaved = () => moments.push(disk.moment);
        let over = false;
        const writing = clinic.write(patient, () => over);
        const target = 2 + random.below(6);
        while (moments.length < target) await delay(2);
        await delay(random.below(60));
        await clinic.core.end('SIGKILL');
        over = true;
        await writing;
        await at.end();
        // Any moment: after one of the saves was answered, and before all else that was done until the core ended.
        const kept = 1 + random.below(moments.length);
        const from = moments[kept - 1] ?? expect.fail();
        disk.cut(random, from + random.below((moments[kept] ?? disk.moment) - from + 1));
        clinic.saved.length = before + kept;
        damageLedger();
        counts.cuts += 1;

        disk.begin();
        clinic.core.start();
        await clinic.core.ask('session.logIn', { account: clinic.account, passphrase });
        // A person's index is not synced at each save: it is made up from what is, after the log-in.
        await until(
          'all that was saved is in the chart',
          () => clinic.missing(patient),
          (missing) => (counts.lost = missing.length) === 0,
        );
      } while (counts.cuts < leastCuts || (Date.now() < end && clinic.saved.length < 300));

      counts.acknowledged = clinic.saved.length;
      await clinic.settled();
      const { endpoint, chainId, operations } = await clinic.core.ask('network.view', {});
      const applied = await appliedOnLedger(endpoint, { chainId, operations });
      const times = clinic.saved.flatMap((saved) => saved.operations.map((opId) => applied.get(opId)));
      counts.anchoredTwice = times.filter((one) => (one ?? 0) > 1).length;
      expect(times).toEqual(times.map(() => 1));
      const report = await until(
        'all of it verifies',
        () => clinic.core.ask('chart.verify', { patient }),
        ({ verified, waiting, failures }) => failures.length > 0 || (waiting === 0 && verified >= counts.acknowledged),
      );
      expect(report.failures).toEqual([]);
    },
    seconds * 1000 + 300_000,
  );
});
