/**
 * `core-memory`: resident memory (MB) of the core's process with 50,000 patients, after a log-in, a search typed letter by letter and a first page of
 * patients; ledger and IPFS node are up. Anvil is a process of its own and not counted. Limit: a bare Node process with the same native module loaded.
 * Ratio: limit/value.
 */
import { buildCore, residentMb, startCore } from './lib/core-process.ts';
import { startBare } from './lib/bare-start.ts';
import { passphrase, until } from './lib/clinic.ts';
import { figure, median, say } from './lib/figure.ts';
import { seededFolder } from './lib/folder.ts';
import { fillLargeClinic, patientCount } from './lib/large-clinic.ts';

const runs = 3;

async function used(dir: string): Promise<number> {
  const core = startCore(dir);
  const { people } = await core.ask('workstation.snapshot', {});
  await core.ask('session.logIn', { account: people[0]?.account ?? '', passphrase });
  await until(async () => {
    const { sync } = await core.ask('workstation.snapshot', {});
    return sync.state === 'online' && sync.indexing === 0;
  });
  for (const text of ['s', 'sm', 'smi', 'smith', 'smith ma', 'garcia', '712', '']) {
    const { total } = await core.ask('patients.search', { text, limit: 50, offset: 0 });
    if (text === '' && total !== patientCount) throw new Error(`${total} patients are there instead of ${patientCount}`);
  }
  const resident = residentMb(core.child.pid);
  await core.stop();
  return resident;
}

await figure('core-memory', async () => {
  await buildCore();
  const dir = await seededFolder('large-clinic', async (folder) => void (await fillLargeClinic(folder)));
  const values: number[] = [];
  for (let run = 0; run < runs; run++) values.push(await used(dir));
  const bare = await startBare(null);
  const limit = residentMb(bare.pid);
  bare.disconnect();
  say(`memory: ${values.map((mb) => Math.round(mb)).join(', ')} MB`);
  return { value: median(values), unit: 'MB', limit };
});
