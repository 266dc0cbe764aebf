/** Runs vitest's test files inside Electron, on its Node and its BoringSSL; and, to compare with, what vitest makes of them on this Node. */
import { execFile, fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { electronRuntime } from '../../../scripts/electron-runtime.ts';
import { root } from '../../../scripts/lib/project.ts';
import type { CryptoRuntime, SuiteMessage } from './electron-suite-process.ts';
import type { TestOutcome } from './thin-vitest.ts';

export interface ElectronSuite {
  readonly runtime: CryptoRuntime;
  readonly outcomes: readonly TestOutcome[];
}

/** A hanging suite is ended and told as such, well after any test's own limit. */
const limitMs = 150_000;

const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const thinVitest = beside('./thin-vitest.ts');

/** `vitest` is the thin one for the tests, and itself for the thin one, which takes `expect` from it. */
const vitestOfTests: Plugin = {
  name: 'vitest-of-tests',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^vitest$/ }, ({ importer }) => (importer === thinVitest ? undefined : { path: thinVitest })),
};

/** Names of the test files in a folder of the repository. */
export function testFilesIn(folder: string): string[] {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.test.ts'))
    .sort();
}

/**
 * As the core is bundled (scripts/lib/build-steps.ts), the Argon2 worker beside it, but for the Node of the older Electron. The folder
 * lies as deep in the repository as test/unit/crypto: test files find what lies beside the repository by their own place.
 */
async function bundle(folder: string, outdir: string): Promise<void> {
  const tests = testFilesIn(folder).map((name) => [basename(name, '.ts'), join(folder, name)] as const);
  await build({
    absWorkingDir: root,
    entryPoints: {
      process: beside('./electron-suite-process.ts'),
      'argon2-worker': 'src-main/core/adapters/crypto/argon2-worker.ts',
      ...Object.fromEntries(tests),
    },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node18',
    // Stacks of failed tests tell the source.
    sourcemap: 'inline',
    logLevel: 'warning',
    plugins: [vitestOfTests],
    banner: { js: `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);` },
  });
}

/** Runs every test file of a folder in Electron. Throws where there is no Electron, and where it ends before the last test. */
export async function runInElectron(folder: string): Promise<ElectronSuite> {
  const { executable, own } = await electronRuntime();
  mkdirSync(join(root, '.cache', 'electron-suite'), { recursive: true });
  const outdir = mkdtempSync(join(root, '.cache', 'electron-suite', 'run-'));
  try {
    await bundle(folder, outdir);
    const files = testFilesIn(folder).map((name) => join(outdir, name.replace(/\.ts$/, '.mjs')));
    return await runProcess(executable, join(outdir, 'process.mjs'), files, [
      '--enable-source-maps',
      // Node 18 hides the WebCrypto global that Electron 45 has; this shows it, in the worker too.
      ...(own ? [] : ['--experimental-global-webcrypto']),
    ]);
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

function runProcess(execPath: string, program: string, files: readonly string[], execArgv: readonly string[]): Promise<ElectronSuite> {
  return new Promise((resolve, reject) => {
    const child = fork(program, files, {
      execPath,
      execArgv: [...execArgv],
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const outcomes: TestOutcome[] = [];
    let runtime: CryptoRuntime | null = null;
    let current = 'its start';
    let ended = false;
    let output = '';
    const keep = (chunk: Buffer): void => void (output = (output + chunk.toString('utf8')).slice(-20_000));
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
    child.on('message', (message: SuiteMessage) => {
      if ('runtime' in message) runtime = message.runtime;
      else if ('file' in message) current = message.file;
      else if ('outcome' in message) outcomes.push(message.outcome);
      else ended = true;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (ended && runtime && code === 0) return resolve({ runtime, outcomes });
      const last = outcomes.at(-1)?.name ?? 'no test';
      reject(new Error(`Electron ended (${code ?? signal}) in ${current}, after '${last}'. It wrote:\n${output}`));
    });
  });
}

interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** The same files by vitest itself on this Node: file, name and state of each test. */
export async function runInVitest(folder: string): Promise<Pick<TestOutcome, 'file' | 'name' | 'state'>[]> {
  const report = mkdtempSync(join(tmpdir(), 'anamnesis-vitest-'));
  const file = join(report, 'report.json');
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined && !/^(VITEST|TEST$)/.test(name)) env[name] = value;
  const args = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--project', 'unit', folder];
  try {
    // It ends with an error where a test failed; its report says which.
    const output = await new Promise<string>((resolve) =>
      execFile(
        process.execPath,
        [...args, '--reporter=json', `--outputFile=${file}`],
        { cwd: root, env, timeout: limitMs },
        (error, out, err) => resolve(`${error?.message ?? ''}\n${out}\n${err}`),
      ),
    );
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (cause) {
      throw new Error(`vitest made no report of ${folder}:${output.slice(-4000)}`, { cause });
    }
    return (JSON.parse(text) as VitestReport).testResults.flatMap(({ name, assertionResults }) =>
      assertionResults.map(({ fullName, status }) => ({
        file: basename(name),
        name: fullName,
        state: status === 'passed' || status === 'failed' ? status : 'skipped',
      })),
    );
  } finally {
    rmSync(report, { recursive: true, force: true });
  }
}
