/**
 * `cold-start`: milliseconds from the start of the core's process until it has answered its first call (the snapshot that a screen begins with), over
 * the data of a clinic with 50,000 patients; the embedded ledger starts meanwhile, as it does for a person. Limit: a bare Node process that opens the
 * same databases. Ratio: limit/value.
 */
import { buildCore, startCore } from './lib/core-process.ts';
import { startBare } from './lib/bare-start.ts';
import { figure, median, say, timed } from './lib/figure.ts';
import { seededFolder } from './lib/folder.ts';
import { fillLargeClinic } from './lib/large-clinic.ts';

const starts = 9;

await figure('cold-start', async () => {
  await buildCore();
  const dir = await seededFolder('large-clinic', async (folder) => void (await fillLargeClinic(folder)));
  const values: number[] = [];
  const limits: number[] = [];
  for (let i = 0; i < starts; i++) {
    const started = performance.now();
    const core = startCore(dir);
    const { phase } = await core.ask('workstation.snapshot', {});
    values.push(performance.now() - started);
    if (phase !== 'ready') throw new Error(`The workstation says it is ${phase}`);
    await core.stop();
    limits.push(
      await timed(async () => {
        const bare = await startBare(dir);
        bare.disconnect();
      }),
    );
  }
  say(`starts: ${values.map((ms) => Math.round(ms)).join(', ')} ms`);
  return { value: median(values), unit: 'ms', limit: median(limits) };
});
