/**
 * `kills`: encounters that were said to be saved and are not there after SIGKILL of the core while it saves, over KILLS kills at random moments
 * (1,000 unless given; 20 where all figures are measured). Value and limit are counts: lost, and kills; the aim is 0 lost.
 */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { logIn, save, sharedPatient } from './lib/busy-clinic.ts';
import { cheapPassphrase, foundClinic } from './lib/clinic.ts';
import { buildCore } from './lib/core-process.ts';
import { figure, say } from './lib/figure.ts';
import { temporaryFolder } from './lib/folder.ts';

const kills = Number(process.env['KILLS'] ?? (process.argv.includes('--only') ? 1000 : 20));
/** A chart's page holds 500. */
const mostPerPatient = 400;

await figure('kills', async () => {
  await buildCore();
  const dir = temporaryFolder();
  const account = await foundClinic(dir, cheapPassphrase);
  let core = await logIn(dir, account);
  let patient = await sharedPatient(core, account);
  let saved: string[] = [];
  let lost = 0;
  let total = 0;
  for (let kill = 1; kill <= kills; kill++) {
    if (saved.length > mostPerPatient) {
      total += saved.length;
      saved = [];
      patient = await sharedPatient(core, account);
    }
    const gone = once(core.child, 'exit');
    const writing = writeUntilGone(core, patient, saved);
    const target = saved.length + 2;
    while (saved.length < target) await delay(1);
    await delay(Math.random() * 60);
    core.child.kill('SIGKILL');
    await gone;
    await writing;
    core = await logIn(dir, account);
    const { entries } = await core.ask('chart.entries', { patient, resourceTypes: ['Encounter'], limit: 500 });
    const here = new Set(entries.map(({ recordId }) => recordId));
    lost += saved.filter((recordId) => !here.has(recordId)).length;
    if (kill % 10 === 0) say(`kills: ${kill} of ${kills}, ${total + saved.length} saved, ${lost} lost`);
  }
  await core.stop();
  return { value: lost, unit: 'lost', limit: kills };
});

async function writeUntilGone(core: Awaited<ReturnType<typeof logIn>>, patient: string, saved: string[]): Promise<void> {
  try {
    for (;;) {
      const recordId = await save(core, patient);
      if (recordId !== null) saved.push(recordId);
    }
  } catch (error) {
    // It was killed: what was not answered counts for nothing.
    if (core.child.signalCode !== 'SIGKILL') throw error;
  }
}
