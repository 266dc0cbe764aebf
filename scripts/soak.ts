/**
 * `npm run soak`: faults for as long as one likes. `-- --minutes M --seed S` kills and lies to clinics in processes of their own; `-- --only access|model --runs N
 * --seed S` runs property tests. The seed is printed; the same seed and number of runs give the same histories again. What was counted is the last line, as JSON.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { projectEnv, run } from './lib/project.ts';

interface Soak {
  readonly test: string;
  /** The variables that the test reads: how much, which seed. */
  readonly much: string;
  readonly seed: string;
  /** Unless given. */
  readonly runs?: number;
  readonly minutes?: number;
}

/** What can be run for long. */
const soaks: Readonly<Record<string, Soak>> = {
  access: { test: 'test/integration/core/access.property.test.ts', much: 'ACCESS_RUNS', seed: 'ACCESS_SEED', runs: 10_000 },
  model: { test: 'test/faults/model.property.test.ts', much: 'MODEL_RUNS', seed: 'MODEL_SEED', runs: 10_000 },
  processes: { test: 'test/faults/process.test.ts', much: 'FAULTS_SECONDS', seed: 'FAULTS_SEED', minutes: 60 },
};

const options = { only: { type: 'string' }, runs: { type: 'string' }, minutes: { type: 'string' }, seed: { type: 'string' } } as const;
const { values } = parseArgs({ options });
const only = values.only ?? (values.minutes === undefined ? undefined : 'processes');
const wanted = Object.entries(soaks).filter(([name]) => only === undefined || only === name);
const numbers = [values.runs, values.minutes, values.seed].filter((value) => value !== undefined);
if (wanted.length === 0 || numbers.some((value) => !/^\d{1,10}$/.test(value))) {
  process.stderr.write(
    `npm run soak -- [--only ${Object.keys(soaks).join('|')}] [--runs <number> | --minutes <number>] [--seed <number>]\n`,
  );
  process.exit(2);
}
for (const [name, { test, ...soak }] of wanted) {
  const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
  const count = soak.minutes === undefined ? (values.runs ?? String(soak.runs)) : String(Number(values.minutes ?? soak.minutes) * 60);
  process.stdout.write(`${name}: ${count} ${soak.minutes === undefined ? 'runs' : 'seconds'}, seed ${seed}\n`);
  const folder = mkdtempSync(join(tmpdir(), 'anamnesis-soak-'));
  const file = join(folder, 'counts.json');
  try {
    const env = projectEnv({ [soak.much]: count, [soak.seed]: seed, SOAK_COUNTS: file });
    const code = await run('vitest', ['run', test], { env });
    if (code !== 0) process.exitCode = code;
    if (existsSync(file)) process.stdout.write(`${readFileSync(file, 'utf8')}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
