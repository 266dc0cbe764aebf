/**
 * `npm run contracts:gas`: measures what operations cost on the ledger and compares with `contracts/gas-snapshot.json`. Fails where a figure
 * changed, also for the better: then `npm run contracts:gas -- --update` notes it, for the commit to show.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectEnv, root, runKept } from './lib/project.ts';

type Gas = Record<string, number>;

/** Any change of the contracts changes their addresses, so the signatures, and with them how many bytes of calldata are zero. */
const noise = 50;

const snapshotFile = join(root, 'contracts', 'gas-snapshot.json');
const read = (file: string): Gas => JSON.parse(readFileSync(file, 'utf8')) as Gas;

/** Runs the test that measures, which keeps the limits as well. */
async function measure(): Promise<Gas> {
  const folder = mkdtempSync(join(tmpdir(), 'anamnesis-gas-'));
  const report = join(folder, 'gas.json');
  try {
    const { code, output } = await runKept('vitest', ['run', '--project', 'contracts', 'test/contracts/gas.test.ts'], {
      quiet: true,
      env: projectEnv({ ANAMNESIS_GAS_REPORT: report }),
    });
    if (code !== 0 || !existsSync(report)) throw new Error(`The measurement failed:\n${output.slice(-3000)}`);
    return read(report);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const measured = await measure();
const noted = existsSync(snapshotFile) ? read(snapshotFile) : {};
let changed = 0;
for (const name of new Set([...Object.keys(measured), ...Object.keys(noted)])) {
  const [now, before] = [measured[name], noted[name]];
  const same = now !== undefined && before !== undefined && Math.abs(now - before) <= noise;
  if (!same) changed += 1;
  const difference = now === undefined ? 'is gone' : before === undefined ? 'new' : same ? '' : `was ${before}`;
  process.stdout.write(`${name.padEnd(40)}${String(now ?? '-').padStart(8)}  ${difference}\n`);
}
if (process.argv.includes('--update')) {
  writeFileSync(snapshotFile, `${JSON.stringify(measured, null, 2)}\n`);
} else if (changed !== 0) {
  process.stdout.write(`${changed} figures differ from contracts/gas-snapshot.json. If that is meant: npm run contracts:gas -- --update\n`);
  process.exitCode = 1;
}
