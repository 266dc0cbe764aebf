/** A whole workstation in the browser shell: its own process, core, data folder, and a page in real Chromium. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { root } from '../../../scripts/lib/project.ts';
import { newContext } from './browser.ts';
import { corePidBelow, until } from './processes.ts';

export interface ShellOptions {
  readonly dataDir: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Further arguments of the shell. */
  readonly args?: readonly string[];
}

export interface ShellProcess {
  /** The address with the one-time token. */
  readonly url: string;
  readonly origin: string;
  readonly pid: number;
  /** The running core's process id; waits for one where it is being restarted. */
  corePid(): Promise<number>;
  /** SIGKILL to the core: the shell starts it again. */
  killCore(): Promise<void>;
  /** Everything the shell and the core wrote. */
  output(): string;
  /** SIGTERM to the shell; resolves when shell and core have ended. */
  stop(): Promise<void>;
}

export interface Workstation extends ShellProcess {
  readonly page: Page;
}

/** Starts the browser shell without a page. dist/ must be built. */
export async function startShell(options: ShellOptions): Promise<ShellProcess> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'cheap-shell.ts'), '--data', options.dataDir, '--no-open', '--stop-with-stdin', ...(options.args ?? [])],
    { cwd: root, stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ANAMNESIS_MDNS: 'off', ...options.env } },
  );
  let output = '';
  let ended = false;
  const keep = (chunk: Buffer): void => void (output = (output + chunk.toString('utf8')).slice(-100_000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const exited = new Promise<void>((resolve) =>
    child.on('close', () => {
      ended = true;
      resolve();
    }),
  );
  const url = await until('the shell to show its address', () => {
    if (ended) throw new Error(`The shell ended while starting:\n${output}`);
    return /^ANAMNESIS_URL=(\S+)$/m.exec(output)?.[1] ?? null;
  });
  const pid = child.pid ?? 0;
  const corePid = (): Promise<number> => until('a running core', () => corePidBelow(pid));
  return {
    url,
    origin: new URL(url).origin,
    pid,
    corePid,
    async killCore() {
      const before = await corePid();
      process.kill(before, 'SIGKILL');
      await until('the killed core to be gone', () => corePidBelow(pid) !== before);
    },
    output: () => output,
    async stop() {
      if (!ended) child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Starts the browser shell and opens it in a Chromium context of its own; ready when the first screen is there. */
export async function launchBrowserShell(options: ShellOptions): Promise<Workstation> {
  const shell = await startShell(options);
  try {
    const context = await newContext();
    const page = await context.newPage();
    await page.goto(shell.url);
    await page.getByRole('heading').first().waitFor();
    return {
      ...shell,
      page,
      async stop() {
        await context.close();
        await shell.stop();
      },
    };
  } catch (error) {
    await shell.stop();
    throw new Error(`The workstation's page did not open. The shell wrote:\n${shell.output()}`, { cause: error });
  }
}
