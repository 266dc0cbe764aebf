/** Where things are in this repository, and how scripts run the programs of node_modules on the project's own Node. */
import { spawn, type SpawnOptions } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const binaries = join(root, 'node_modules', '.bin');

/** The environment with node_modules/.bin first on PATH, so that `node` is the project's Node 24 whatever the machine has. */
export function projectEnv(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${binaries}${delimiter}${process.env['PATH'] ?? ''}`, ...extra };
}

/** Runs a program in the repository with its output shown. Resolves to its exit code (128 + n after a signal is told as 1). */
export function run(command: string, args: readonly string[], options: SpawnOptions = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', env: projectEnv(), shell: process.platform === 'win32', ...options });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

/** Like `run`, also keeping what was written (both streams, at most 4 MB of the end), for counting. */
export async function runKept(
  command: string,
  args: readonly string[],
  options: SpawnOptions & { quiet?: boolean } = {},
): Promise<{ code: number; output: string }> {
  let output = '';
  const { quiet, ...spawnOptions } = options;
  const code = await new Promise<number>((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      env: projectEnv(),
      shell: process.platform === 'win32',
      ...spawnOptions,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer, to: NodeJS.WriteStream): void => {
      if (!quiet) to.write(chunk);
      output = (output + chunk.toString('utf8')).slice(-4 * 1024 * 1024);
    };
    child.stdout?.on('data', (chunk: Buffer) => keep(chunk, process.stdout));
    child.stderr?.on('data', (chunk: Buffer) => keep(chunk, process.stderr));
    child.on('error', reject);
    child.on('close', (exit) => resolve(exit ?? 1));
  });
  return { code, output };
}
