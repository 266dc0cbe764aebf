/**
 * `npm run soak -- --only access|model --runs N --seed S`: property tests for as long as one likes. The seed is printed; the same seed and number of runs
 * give the same histories again. What a test counted is the last line, as JSON.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { projectEnv, run } from './lib/project.ts';

/** What can be run for long: the test, and the prefix of the variables that it reads. */
const soaks: Readonly<Record<string, { readonly test: string; readonly prefix: string; readonly runs: number }>> = {
  access: { test: 'test/integration/core/access.property.test.ts', prefix: 'ACCESS', runs: 10_000 },
  model: { test: 'test/faults/model.property.test.ts', prefix: 'MODEL', runs: 10_000 },
};

const { values } = parseArgs({ options: { only: { type: 'string' }, runs: { type: 'string' }, seed: { type: 'string' } } });
const wanted = Object.entries(soaks).filter(([name]) => values.only === undefined || values.only === name);
const numbers = [values.runs, values.seed].filter((value) => value !== undefined);
if (wanted.length === 0 || numbers.some((value) => !/^\d{1,10}$/.test(value))) {
  process.stderr.write(`npm run soak -- [--only ${Object.keys(soaks).join('|')}] [--runs <number>] [--seed <number>]\n`);
  process.exit(2);
}
for (const [name, { test, prefix, runs }] of wanted) {
  const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
  const count = values.runs ?? String(runs);
  process.stdout.write(`${name}: ${count} runs, seed ${seed}\n`);
  const folder = mkdtempSync(join(tmpdir(), 'anamnesis-soak-'));
  const file = join(folder, 'counts.json');
  try {
    const env = projectEnv({ [`${prefix}_RUNS`]: count, [`${prefix}_SEED`]: seed, SOAK_COUNTS: file });
    const code = await run('vitest', ['run', test], { env });
    if (code !== 0) process.exitCode = code;
    if (existsSync(file)) process.stdout.write(`${readFileSync(file, 'utf8')}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
