/**
 * `soak-memory`: growth of the core's resident memory in percent while it saves, searches, reads and verifies, from the end of the first sixth of the time to
 * its last sixth (medians). SOAK_MINUTES: how long, 60 unless given (2 where all figures are measured). Limit: the aim, under 5 %.
 */
import { logIn, save, sharedPatient } from './lib/busy-clinic.ts';
import { foundClinic } from './lib/clinic.ts';
import { buildCore, residentMb } from './lib/core-process.ts';
import { figure, median, say } from './lib/figure.ts';
import { temporaryFolder } from './lib/folder.ts';

const minutes = Number(process.env['SOAK_MINUTES'] ?? (process.argv.includes('--only') ? 60 : 2));
const roundsPerPatient = 50;
const aim = 5;

await figure('soak-memory', async () => {
  await buildCore();
  const dir = temporaryFolder();
  const account = await foundClinic(dir);
  const core = await logIn(dir, account);
  const samples: { readonly at: number; readonly mb: number }[] = [];
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
    samples.push({ at: passed(), mb: residentMb(core.child.pid) });
    if (round % 100 === 0) say(`soak-memory: ${Math.round(passed() * 100)} %, round ${round}, ${Math.round(samples.at(-1)?.mb ?? 0)} MB`);
  }
  await core.stop();
  const between = (from: number, to: number) => median(samples.flatMap(({ at, mb }) => (at >= from && at < to ? [mb] : [])));
  const before = between(1 / 6, 2 / 6);
  const after = between(5 / 6, 1);
  say(`soak-memory: ${samples.length} rounds, from ${before.toFixed(1)} to ${after.toFixed(1)} MB`);
  return { value: (after / before - 1) * 100, unit: '%', limit: aim };
});
