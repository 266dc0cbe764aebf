/**
 * `soak-memory`: growth of the core's resident memory in percent while it saves, searches, reads and verifies, from the end of the first sixth of the time to
 * its end, each after a rest in which garbage is collected: under work, that waits until there is much of it. SOAK_MINUTES: how long, 60 unless given (2 where all figures
 * are measured). Limit: the aim, under 5 %.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { logIn, save, sharedPatient } from './lib/busy-clinic.ts';
import { foundClinic } from './lib/clinic.ts';
import { buildCore, residentMb } from './lib/core-process.ts';
import { figure, say } from './lib/figure.ts';
import { temporaryFolder } from './lib/folder.ts';

const minutes = Number(process.env['SOAK_MINUTES'] ?? (process.argv.includes('--only') ? 60 : 2));
const roundsPerPatient = 50;
const aim = 5;
const parts = 6;
const restMs = 20_000;

await figure('soak-memory', async () => {
  await buildCore();
  const dir = temporaryFolder();
  const account = await foundClinic(dir);
  const core = await logIn(dir, account);
  const rested: number[] = [];
  const begun = performance.now();
  const passed = () => (performance.now() - begun) / (minutes * 60_000);
  let patient = '';
  for (let round = 0; passed() < 1; round++) {
    if (round % roundsPerPatient === 0) patient = await sharedPatient(core, account);
    // As a screen does while somebody works at it: else it locks.
    await core.ask('session.touch', {});
    await save(core, patient);
    await core.ask('patients.search', { text: 'ra', limit: 50, offset: 0 });
    await core.ask('chart.entries', { patient, limit: 100 });
    if (round % 10 === 0) await core.ask('chart.verify', { patient });
    if (passed() < (rested.length + 1) / parts) continue;
    const busy = residentMb(core.child.pid);
    await delay(restMs);
    rested.push(residentMb(core.child.pid));
    say(`soak-memory: ${Math.round(passed() * 100)} %, round ${round}, ${busy.toFixed(1)} MB, ${rested.at(-1)?.toFixed(1)} MB at rest`);
  }
  await core.stop();
  const [before = 0, after = 0] = [rested[0], rested.at(-1)];
  return { value: (after / before - 1) * 100, unit: '%', limit: aim };
});
