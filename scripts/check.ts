/**
 * `npm run check`: format, lint with the layer rule, types, screens, dead code, contracts. Runs all of them and fails if any did.
 * `--fix` lets the formatter and the linter mend what they can; `--only <name>` runs one.
 */
import { fileURLToPath } from 'node:url';
import { build } from './build.ts';
import { projectEnv, runKept } from './lib/project.ts';

interface Check {
  readonly name: string;
  readonly command: readonly string[];
  /** With --fix. */
  readonly fix?: readonly string[];
}

const prettier = ['prettier', '--cache', '--cache-location', '.cache/prettier', '--log-level', 'warn', '--no-error-on-unmatched-pattern'];
const formatted = ['src-*/**/*.{ts,svelte,css,html}', 'scripts/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts', '*.{ts,js,json,yml}'];

/** What takes longest comes first. */
const checks: readonly Check[] = [
  { name: 'lint', command: ['eslint', '--cache', '--cache-location', '.cache/eslint', '.'], fix: ['eslint', '--fix', '.'] },
  {
    name: 'format',
    command: [...prettier, '--check', ...formatted],
    fix: [...prettier, '--write', ...formatted],
  },
  { name: 'types', command: ['tsc', '-p', 'tsconfig.json'] },
  {
    name: 'screens',
    command: ['svelte-check', '--tsconfig', './tsconfig.json', '--output', 'human', '--threshold', 'warning', '--fail-on-warnings'],
  },
  { name: 'dead-code', command: ['knip', '--no-progress', '--no-config-hints'] },
  { name: 'contracts', command: ['solhint', '--max-warnings', '0', 'contracts/src/**/*.sol'] },
];

export interface CheckOutcome {
  readonly name: string;
  readonly ok: boolean;
  readonly seconds: number;
}

async function runCheck(check: Check, fix: boolean): Promise<CheckOutcome> {
  const [command = '', ...args] = fix && check.fix ? check.fix : check.command;
  const started = performance.now();
  const { code, output } = await runKept(command, args, {
    quiet: true,
    env: projectEnv({ FORCE_COLOR: process.stdout.isTTY ? '1' : '0' }),
  });
  const seconds = (performance.now() - started) / 1000;
  const ok = code === 0;
  if (!ok) process.stdout.write(`${output.trim()}\n`);
  process.stdout.write(`${ok ? 'ok    ' : 'FAILED'} ${check.name.padEnd(10)} ${seconds.toFixed(1)} s\n`);
  return { name: check.name, ok, seconds };
}

/** Runs the checks two at a time, or one where they change files, and tells as each ends what it found. */
export async function runChecks(options: { readonly fix?: boolean; readonly only?: string } = {}): Promise<CheckOutcome[]> {
  // Types need the contracts' generated bindings.
  await build({ only: ['contracts'] });
  const fix = options.fix === true;
  const waiting = checks.filter(({ name }) => options.only === undefined || options.only === name);
  const outcomes: CheckOutcome[] = [];
  const work = async (): Promise<void> => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) outcomes.push(await runCheck(check, fix));
  };
  await Promise.all(fix ? [work()] : [work(), work()]);
  return outcomes;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2);
  const only = args.includes('--only') ? args[args.indexOf('--only') + 1] : undefined;
  if (only !== undefined && !checks.some((check) => check.name === only)) {
    throw new Error(`There is no check named ${only}: ${checks.map((check) => check.name).join(', ')}.`);
  }
  const outcomes = await runChecks({ fix: args.includes('--fix'), ...(only === undefined ? {} : { only }) });
  process.exitCode = outcomes.every((outcome) => outcome.ok) ? 0 : 1;
}
