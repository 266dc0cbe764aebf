/** The stages of `npm test`: what each runs, and how its passed and failed tests are counted from what the runner itself reports. */
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { build } from '../build.ts';
import { runChecks } from '../check.ts';
import { ensureSystemPackages } from '../system-packages.ts';
import { root, runKept } from './project.ts';

export interface StageOutcome {
  readonly passed: number;
  readonly failed: number;
  /** What a reader of the summary should know. */
  readonly note?: string;
  /** What failed, by file and name, with the first line of why. */
  readonly failures?: readonly string[];
}

export interface Stage {
  readonly name: string;
  run(): Promise<StageOutcome>;
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

/** The failed tests of a report, and the files that failed before their first test. */
function failuresOf(report: VitestReport): string[] {
  return report.testResults.flatMap((file) => {
    const path = relative(root, file.name);
    if (file.status === 'failed' && file.assertionResults.length === 0) return [`${path}: ${firstLine(file.message)}`];
    return file.assertionResults
      .filter((test) => test.status === 'failed')
      .map((test) => `${path}: ${test.fullName}: ${firstLine(test.failureMessages[0] ?? '')}`);
  });
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

function hasTests(folder: string): boolean {
  return readdirSync(join(root, folder), { recursive: true }).some((name) => String(name).endsWith('.test.ts'));
}

/**
 * Runs one project of vitest.config.ts, so many files at a time: more than there are processors where tests mostly wait, for a ledger or a peer. A file that
 * fails before its first test, and a runner that fails without a failed test, count as a failure.
 */
async function vitest(project: string, workers = 2, quiet = false): Promise<StageOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'anamnesis-report-'));
  const file = join(folder, 'report.json');
  try {
    const options = ['--project', project, `--maxWorkers=${workers}`, '--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const { code, output } = await runKept('vitest', ['run', ...options], { quiet });
    if (quiet) process.stdout.write(output);
    const report = JSON.parse(readFileSync(file, 'utf8')) as VitestReport;
    const failures = failuresOf(report);
    if (code !== 0 && failures.length === 0) failures.push(`${project}: the runner failed outside a test (see above)`);
    return {
      passed: report.numPassedTests,
      failed: failures.length,
      failures,
      ...(report.numPendingTests > 0 ? { note: `${report.numPendingTests} skipped` } : {}),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Shown when it has ended: another stage is under way. */
async function contracts(): Promise<StageOutcome> {
  const { code, output } = await runKept('npm', ['run', '--silent', 'contracts:test'], { quiet: true });
  process.stdout.write(output);
  const count = (word: string): number =>
    [...output.matchAll(new RegExp(`(\\d+) ${word}`, 'g'))].reduce((sum, match) => Math.max(sum, Number(match[1])), 0);
  const solidity = { passed: count('passing'), failed: count('failing') };
  const failed = code !== 0 && solidity.failed === 0 ? 1 : solidity.failed;
  if (!hasTests('test/contracts')) return { passed: solidity.passed, failed };
  const typescript = await vitest('contracts', 2, true);
  return { passed: solidity.passed + typescript.passed, failed: failed + typescript.failed, failures: typescript.failures ?? [] };
}

let systemAdvice: string | null = null;

/** A stage that needs system packages fails with what is missing instead of with what that leads to. */
function needsSystem(run: () => Promise<StageOutcome>): () => Promise<StageOutcome> {
  return async () => {
    if (systemAdvice === null) {
      const { missing, advice } = await ensureSystemPackages();
      if (missing.length > 0 && advice !== null) systemAdvice = advice;
    }
    if (systemAdvice === null) return run();
    process.stdout.write(`${systemAdvice}\n`);
    return { passed: 0, failed: 1, note: 'system packages are missing' };
  };
}

/** What runs one after the other: what is quick and tells most comes first. */
const stages: readonly Stage[] = [
  {
    name: 'system',
    async run() {
      const { missing, advice } = await ensureSystemPackages();
      if (advice !== null) process.stdout.write(`${advice}\n`);
      return { passed: missing.length === 0 ? 1 : 0, failed: 0, ...(missing.length > 0 ? { note: `missing: ${missing.join(' ')}` } : {}) };
    },
  },
  {
    name: 'build',
    async run() {
      await build();
      return { passed: 1, failed: 0 };
    },
  },
  {
    name: 'check',
    async run() {
      const outcomes = await runChecks();
      const failed = outcomes.filter((outcome) => !outcome.ok);
      return { passed: outcomes.length - failed.length, failed: failed.length, failures: failed.map((outcome) => outcome.name) };
    },
  },
  { name: 'unit', run: () => vitest('unit') },
  { name: 'integration', run: () => vitest('integration', 3) },
  { name: 'faults', run: () => vitest('faults', 3) },
  { name: 'e2e-browser', run: needsSystem(() => vitest('e2e-browser', 3)) },
];

/** In the order of `npm test`. Those of a group run at the same time: neither compiling contracts nor one window after the other keeps two processors busy. */
export const stageGroups: readonly (readonly Stage[])[] = [
  ...stages.map((stage) => [stage]),
  [
    { name: 'e2e-electron', run: needsSystem(() => vitest('e2e-electron')) },
    { name: 'contracts', run: contracts },
  ],
];
