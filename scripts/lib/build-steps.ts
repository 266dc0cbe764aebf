/** What the build makes, from which files, and how. Each step is skipped while its sources and its results are as it left them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build as bundle, type BuildOptions } from 'esbuild';
import { fingerprint } from './fingerprint.ts';
import { root, runKept } from './project.ts';

export interface BuildStep {
  readonly name: 'contracts' | 'shell' | 'core' | 'verifier' | 'renderer';
  /** Digest of everything that the result depends on. */
  fingerprint(): string;
  /** Files that must exist for the step to be skipped. */
  readonly results: readonly string[];
  run(): Promise<void>;
}

const isSource = (file: string): boolean => !file.endsWith('.test.ts');

/** Bundles of the core: the process, and programs beside it. Those not written yet are left out. */
function coreEntries(): Record<string, string> {
  const entries: Record<string, string> = {
    core: 'src-main/core/entry.ts',
    admin: 'src-main/core/admin.ts',
    'argon2-worker': 'src-main/core/adapters/crypto/argon2-worker.ts',
  };
  return Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(join(root, file))));
}

const common: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  sourcemap: true,
  logLevel: 'warning',
  legalComments: 'none',
};

/** For Electron's main process: CommonJS and no packages, for every Electron from 25 (Node 18) on. */
export const shellBundle: BuildOptions = {
  ...common,
  entryPoints: { main: 'src-main/main.ts', preload: 'src-main/preload.ts' },
  outdir: 'dist/main',
  outExtension: { '.js': '.cjs' },
  format: 'cjs',
  target: 'node18',
  external: ['electron'],
};

/** For the core: one file per program, packages from node_modules. */
export function coreBundle(): BuildOptions {
  return {
    ...common,
    entryPoints: coreEntries(),
    outdir: 'dist/core',
    outExtension: { '.js': '.mjs' },
    format: 'esm',
    target: 'node22',
    packages: 'external',
  };
}

async function runOrThrow(command: string, args: readonly string[]): Promise<void> {
  const { code, output } = await runKept(command, args, { quiet: true });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} failed (exit ${code}):\n${output}`);
}

export const buildSteps: readonly BuildStep[] = [
  {
    name: 'contracts',
    fingerprint: () =>
      fingerprint(['contracts/src', 'contracts/compiler-settings.ts', 'scripts/contracts-bindings.ts', 'package-lock.json']),
    results: ['src-main/core/adapters/ledger/generated/contracts.ts'],
    run: () => runOrThrow('node', ['scripts/contracts-bindings.ts']),
  },
  {
    name: 'shell',
    fingerprint: () =>
      fingerprint(['src-main', 'src-shared', 'scripts/lib/build-steps.ts'], (file) => !file.startsWith(join('src-main', 'core', ''))),
    results: ['dist/main/main.cjs', 'dist/main/preload.cjs'],
    run: async () => void (await bundle(shellBundle)),
  },
  {
    name: 'core',
    fingerprint: () => fingerprint(['src-main/core', 'src-shared', 'scripts/lib/build-steps.ts', 'package-lock.json'], isSource),
    results: ['dist/core/core.mjs'],
    run: async () => void (await bundle(coreBundle())),
  },
  {
    // One file that whoever receives an export can run with nothing but Node.
    name: 'verifier',
    fingerprint: () => fingerprint(['resources/verify-export', 'scripts/lib/build-steps.ts', 'package-lock.json']),
    results: ['dist/verify-export.mjs'],
    run: async () =>
      void (await bundle({
        ...common,
        sourcemap: false,
        legalComments: 'inline',
        entryPoints: ['resources/verify-export/verify.mjs'],
        outfile: 'dist/verify-export.mjs',
        format: 'esm',
        target: 'node20',
      })),
  },
  {
    name: 'renderer',
    fingerprint: () => fingerprint(['src-renderer', 'src-shared', 'vite.config.ts', 'svelte.config.js', 'package-lock.json'], isSource),
    results: ['dist/renderer/index.html'],
    run: () => runOrThrow('vite', ['build', '--logLevel', 'warn']),
  },
];
