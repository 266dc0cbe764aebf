/** The built core in a process of its own, started and spoken to as the shell does it. */
import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FromCore } from '../../src-main/core/entry.ts';
import { AppError } from '../../src-shared/errors.ts';
import type { CallInput, CallName, CallOutput } from '../../src-shared/ipc-schema.ts';
import { build } from '../../scripts/build.ts';
import { coreOptions } from './clinic.ts';

export interface CoreProcess {
  readonly child: ChildProcess;
  ask<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>>;
  stop(): Promise<void>;
}

/** Brings dist/core up to date: a figure of what was built before would be a figure of something else. */
export const buildCore = (): Promise<void> => build({ only: ['contracts', 'core'] });

export function startCore(dir: string): CoreProcess {
  const child = fork(join(import.meta.dirname, '../../dist/core/core.mjs'), [JSON.stringify(coreOptions(dir))], {
    serialization: 'advanced',
    execArgv: [],
  });
  const waiting = new Map<number, { resolve: (message: FromCore) => void; reject: (error: Error) => void }>();
  child.on('message', (message: FromCore) => {
    if (!('id' in message)) return;
    waiting.get(message.id)?.resolve(message);
    waiting.delete(message.id);
  });
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('The core ended'));
  });
  let id = 0;
  return {
    child,
    async ask(call, input) {
      const reply = await new Promise<FromCore>((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        child.send({ id: id++, call, input });
      });
      if ('ok' in reply && reply.ok) return reply.output as never;
      if ('ok' in reply) throw new AppError(reply.error.code, reply.error.message, reply.error.details);
      throw new Error('The core answered with something else than a reply');
    },
    stop: () => ended(child, () => child.send({ control: 'stop' })),
  };
}

/** Resolves when a process has ended. */
async function ended(child: ChildProcess, end: () => void): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  end();
  await gone;
}

/** Resident memory of a process in MB. */
export function residentMb(pid: number | undefined): number {
  if (pid === undefined) throw new Error('The process did not start');
  if (process.platform === 'linux') {
    const [, kib] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kib) / 1024;
  }
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024;
}
