/**
 * Builds what has changed: contract bindings, the shell's and the core's bundles, the screens. `npm run build` (`-- --force` builds all,
 * `-- --only core` one step).
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lib/build-lock.ts';
import { buildSteps, type BuildStep } from './lib/build-steps.ts';
import { root } from './lib/project.ts';

const stamps = join(root, 'dist', '.build');

function isFresh(step: BuildStep, digest: string): boolean {
  const stamp = join(stamps, step.name);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === digest && step.results.every((file) => existsSync(join(root, file)));
}

/** Whether there was something to do. */
async function runStep(step: BuildStep, force: boolean): Promise<boolean> {
  const digest = step.fingerprint();
  if (!force && isFresh(step, digest)) return false;
  const started = performance.now();
  rmSync(join(stamps, step.name), { force: true });
  await step.run();
  writeFileSync(join(stamps, step.name), digest);
  process.stderr.write(`built ${step.name} in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
  return true;
}

interface BuildOptions {
  readonly force?: boolean;
  readonly only?: readonly string[];
}

/** Brings dist/ up to date. Throws with the compiler's text where a step fails. */
export async function build(options: BuildOptions = {}): Promise<void> {
  await buildChanged(options);
}

/** Like `build`; resolves to the names of the steps that had something to do. */
export async function buildChanged(options: BuildOptions = {}): Promise<BuildStep['name'][]> {
  mkdirSync(stamps, { recursive: true });
  const wanted = buildSteps.filter((step) => !options.only || options.only.includes(step.name));
  const built: BuildStep['name'][] = [];
  await withLock(join(stamps, 'lock'), async () => {
    for (const step of wanted) if (await runStep(step, options.force ?? false)) built.push(step.name);
  });
  return built;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2);
  const only = args.flatMap((arg, i) => (arg === '--only' ? [args[i + 1] ?? ''] : []));
  const unknown = only.filter((name) => !buildSteps.some((step) => step.name === name));
  if (unknown.length > 0)
    throw new Error(`There is no build step named ${unknown.join(', ')}: ${buildSteps.map((step) => step.name).join(', ')}.`);
  await build({ force: args.includes('--force'), ...(only.length > 0 ? { only } : {}) });
}
