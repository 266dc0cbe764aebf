/** What the build makes, from which files, and how. Each step is skipped while its sources and its results are as it left them. */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
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

const coreFolder = 'dist/core';
const isSource = (file: string): boolean => !file.endsWith('.test.ts');

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

/**
 * For the core, with the packages it uses: reading one file instead of the thousand of ethers and Helia halves its start. What is imported later
 * (the IPFS node) stays in chunks of its own. Left outside: what loads a binary by its own path.
 */
const coreBundle: BuildOptions = {
  ...common,
  entryPoints: { core: 'src-main/core/entry.ts', admin: 'src-main/core/admin.ts', hub: 'src-main/core/hub.ts' },
  outdir: coreFolder,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'chunk-[hash]',
  splitting: true,
  metafile: true,
  sourcesContent: false,
  format: 'esm',
  target: 'node22',
  external: ['better-sqlite3', '@foundry-rs/*'],
  // Some packages are CommonJS and ask for Node's modules when they run.
  banner: { js: `import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);` },
};

/** Workers have no part in the chunks: a packaged program starts them from outside its archive. */
const workerBundle: BuildOptions = {
  ...coreBundle,
  entryPoints: {
    'argon2-worker': 'src-main/core/adapters/crypto/argon2-worker.ts',
    'signer-worker': 'src-main/core/adapters/ledger/signer-worker.ts',
  },
  splitting: false,
  metafile: false,
};

const staleAfterMs = 24 * 3600 * 1000;

/** Chunks that are no longer used; those of the last day stay, for programs that run and have not loaded all of theirs. */
function removeStaleChunks(made: ReadonlySet<string>): void {
  const folder = join(root, coreFolder);
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    if (name.startsWith('chunk-') && !made.has(name.replace(/\.map$/, '')) && Date.now() - statSync(file).mtimeMs > staleAfterMs)
      rmSync(file);
  }
}

async function bundleCore(): Promise<void> {
  const [{ metafile }] = await Promise.all([bundle(coreBundle), bundle(workerBundle)]);
  removeStaleChunks(new Set(Object.keys(metafile?.outputs ?? {}).map((file) => basename(file))));
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
    results: ['core', 'admin', 'hub', 'argon2-worker', 'signer-worker'].map((name) => `${coreFolder}/${name}.mjs`),
    run: bundleCore,
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
