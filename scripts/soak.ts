/**
 * `npm run soak`: faults for as long as one likes. `-- --minutes M --seed S` runs all of test/faults: the model's histories, and kills and lies for clinics in
 * processes of their own. `-- --only access|model --runs N --seed S` runs property tests by number. The seed is printed; the same seed gives the same
 * histories again. What was counted is the last line, as JSON.
 */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { projectEnv, run } from './lib/project.ts';

interface Soak {
  readonly tests: readonly string[];
  /** The variables that the tests read, for so many runs or so many seconds. */
  readonly env: (much: { readonly runs: number; readonly seconds: number | null }, seed: string) => Readonly<Record<string, string>>;
  /** Unless given. */
  readonly runs?: number;
  readonly minutes?: number;
}

const faults = (seconds: number, seed: string) => ({ FAULTS_SECONDS: String(seconds), FAULTS_SEED: seed });
const model = (seconds: number, seed: string) => ({ MODEL_SECONDS: String(seconds), MODEL_SEED: seed });

/** What can be run for long. Two files run at once: the model's two parts take half the time each, beside the clinics in processes of their own. */
const soaks: Readonly<Record<string, Soak>> = {
  access: {
    tests: ['test/integration/core/access.property.test.ts'],
    env: ({ runs }, seed) => ({ ACCESS_RUNS: String(runs), ACCESS_SEED: seed }),
    runs: 10_000,
  },
  model: {
    tests: ['test/faults/model-'],
    env: ({ runs, seconds }, seed) => (seconds === null ? { MODEL_RUNS: String(runs), MODEL_SEED: seed } : model(seconds, seed)),
    runs: 10_000,
  },
  processes: { tests: ['test/faults/process.test.ts'], env: ({ seconds }, seed) => faults(seconds ?? 3600, seed), minutes: 60 },
  all: {
    tests: ['test/faults/'],
    env: ({ seconds }, seed) => ({ ...faults(seconds ?? 3600, seed), ...model((seconds ?? 3600) / 2, seed) }),
    minutes: 60,
  },
};

const options = { only: { type: 'string' }, runs: { type: 'string' }, minutes: { type: 'string' }, seed: { type: 'string' } } as const;
const { values } = parseArgs({ options });
const name = values.only ?? 'all';
const soak = soaks[name];
const numbers = [values.runs, values.minutes, values.seed].filter((value) => value !== undefined);
if (soak === undefined || numbers.some((value) => !/^\d{1,10}$/.test(value))) {
  process.stderr.write(
    `npm run soak -- [--only ${Object.keys(soaks).join('|')}] [--runs <number> | --minutes <number>] [--seed <number>]\n`,
  );
  process.exit(2);
}

/** Adds up what several files counted under one name. */
function sum(counted: readonly Readonly<Record<string, unknown>>[]): Record<string, unknown> {
  const total: Record<string, unknown> = {};
  for (const one of counted) {
    for (const [key, value] of Object.entries(one)) {
      const before = total[key];
      if (key !== 'seed' && typeof value === 'number') total[key] = (typeof before === 'number' ? before : 0) + value;
      else if (typeof value === 'object' && value !== null)
        total[key] = sum([(before ?? {}) as Record<string, unknown>, value as Record<string, unknown>]);
      else total[key] = value;
    }
  }
  return total;
}

const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 31));
const minutes = values.minutes ?? soak.minutes?.toString();
const much = { runs: Number(values.runs ?? soak.runs ?? 0), seconds: minutes === undefined ? null : Number(minutes) * 60 };
process.stdout.write(`${name}: ${much.seconds === null ? `${much.runs} runs` : `${much.seconds} seconds`}, seed ${seed}\n`);
const folder = mkdtempSync(join(tmpdir(), 'anamnesis-soak-'));
try {
  const code = await run('vitest', ['run', ...soak.tests], { env: projectEnv({ ...soak.env(much, seed), SOAK_COUNTS: folder }) });
  if (code !== 0) process.exitCode = code;
  const read = readdirSync(folder).map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, unknown>);
  const parts = new Map<string, Record<string, unknown>>();
  for (const { soak: part, ...counts } of read) parts.set(String(part), sum([parts.get(String(part)) ?? {}, counts]));
  process.stdout.write(`${JSON.stringify({ soak: name, seed: Number(seed), passed: code === 0, ...Object.fromEntries(parts) })}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
