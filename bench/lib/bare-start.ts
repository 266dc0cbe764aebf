/** Starts the bare process over the same databases as the core's. */
import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Resolves when it is ready: with databases, those that the core opens at its start; without, only the native module loaded. */
export async function startBare(dir: string | null): Promise<ChildProcess> {
  const files = dir === null ? [] : databases(dir);
  const child = fork(join(import.meta.dirname, 'bare-process.ts'), [JSON.stringify(files)], { execArgv: [] });
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', () => reject(new Error('The bare process ended')));
  });
  return child;
}

function databases(dir: string): { file: string; key: string | null }[] {
  return [
    { file: join(dir, 'workstation.db'), key: readFileSync(join(dir, 'machine.key')).toString('hex') },
    { file: join(dir, 'blocks.db'), key: null },
  ];
}
