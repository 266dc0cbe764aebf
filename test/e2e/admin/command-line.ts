/** Runs the command line as a script does, and reads what it writes. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../../../scripts/lib/project.ts';

export interface Outcome<T> {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The one line of --json. */
  readonly json: () => T;
}

export interface Failure {
  readonly error: { readonly code: string; readonly message: string; readonly details: Readonly<Record<string, unknown>> };
}

/** Runs `admin <arguments>` to its end. dist/ must be built. */
export const admin = <T = unknown>(...args: readonly string[]) => runProgram<T>(join(root, 'dist', 'core', 'admin.mjs'), args);

/** The same from source, where what it seals costs little to open from then on. */
export const cheapAdmin = <T = unknown>(...args: readonly string[]) =>
  runProgram<T>(join(import.meta.dirname, '..', 'harness', 'cheap-admin.ts'), args);

function runProgram<T>(program: string, args: readonly string[]): Promise<Outcome<T>> {
  return new Promise((resolve, reject) => {
    const limits = { maxBuffer: 256 * 1024 * 1024, cwd: root };
    execFile(process.execPath, [program, ...args], limits, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : error.code;
      if (typeof exitCode !== 'number') return reject(error ?? new Error('No exit code'));
      resolve({ exitCode, stdout, stderr, json: () => JSON.parse(stdout) as T });
    });
  });
}
