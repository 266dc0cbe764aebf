/** The stages of `npm test`: what each runs, and how its passed and failed tests are counted from what the runner itself reports. */
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../build.ts';
import { runChecks } from '../check.ts';
import { ensureSystemPackages } from '../system-packages.ts';
import { root, runKept } from './project.ts';

export interface StageOutcome {
  readonly passed: number;
  readonly failed: number;
  /** What a reader of the summary should know. */
  readonly note?: string;
}

export interface Stage {
  readonly name: string;
  run(): Promise<StageOutcome>;
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

function hasTests(folder: string): boolean {
  return readdirSync(join(root, folder), { recursive: true }).some((name) => String(name).endsWith('.test.ts'));
}

/** Runs one project of vitest.config.ts. A file that fails before its first test, and a runner that fails without a failed test, count as a failure. */
async function vitest(project: string): Promise<StageOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'anamnesis-report-'));
  const file = join(folder, 'report.json');
  try {
    const { code } = await runKept('vitest', [
      'run',
      '--project',
      project,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
    ]);
    const report = JSON.parse(readFileSync(file, 'utf8')) as VitestReport;
    const brokenFiles = report.testResults.filter((result) => result.status === 'failed' && result.assertionResults.length === 0).length;
    const failed = report.numFailedTests + brokenFiles;
    return {
      passed: report.numPassedTests,
      failed: code !== 0 && failed === 0 ? 1 : failed,
      ...(report.numPendingTests > 0 ? { note: `${report.numPendingTests} skipped` } : {}),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function contracts(): Promise<StageOutcome> {
  const { code, output } = await runKept('npm', ['run', '--silent', 'contracts:test']);
  const count = (word: string): number =>
    [...output.matchAll(new RegExp(`(\\d+) ${word}`, 'g'))].reduce((sum, match) => Math.max(sum, Number(match[1])), 0);
  const solidity = { passed: count('passing'), failed: count('failing') };
  const failed = code !== 0 && solidity.failed === 0 ? 1 : solidity.failed;
  if (!hasTests('test/contracts')) return { passed: solidity.passed, failed };
  const typescript = await vitest('contracts');
  return { passed: solidity.passed + typescript.passed, failed: failed + typescript.failed };
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

/** In the order of `npm test`: what is quick and tells most comes first. */
export const stages: readonly Stage[] = [
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
      return { passed: outcomes.filter((outcome) => outcome.ok).length, failed: outcomes.filter((outcome) => !outcome.ok).length };
    },
  },
  { name: 'contracts', run: contracts },
  { name: 'unit', run: () => vitest('unit') },
  { name: 'integration', run: () => vitest('integration') },
  { name: 'faults', run: () => vitest('faults') },
  { name: 'e2e-browser', run: needsSystem(() => vitest('e2e-browser')) },
  { name: 'e2e-electron', run: needsSystem(() => vitest('e2e-electron')) },
];
