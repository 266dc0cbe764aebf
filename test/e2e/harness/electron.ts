/** A whole workstation in a real Electron window. Where there is no screen, a virtual one (Xvfb) is started for the test file. */
import { spawn, type ChildProcess } from 'node:child_process';
import { _electron, errors, type ElectronApplication, type Page } from 'playwright-core';
import { electronRuntime } from '../../../scripts/electron-runtime.ts';
import { hasDisplay } from '../../../scripts/system-packages.ts';
import { corePidBelow, isRunning, until } from './processes.ts';

export interface ElectronOptions {
  readonly dataDir: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

export interface ElectronWorkstation {
  readonly app: ElectronApplication;
  readonly page: Page;
  corePid(): Promise<number>;
  killCore(): Promise<void>;
  output(): string;
  /** Closes the window and waits until program and core have ended. */
  stop(): Promise<void>;
}

let screen: Promise<{ readonly display: string; readonly process: ChildProcess }> | null = null;

/** Starts Xvfb on a display number that it finds free itself (-displayfd). */
async function virtualScreen(): Promise<string> {
  screen ??= (async () => {
    const child = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1920x1080x24', '-nolisten', 'tcp', '-noreset'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    });
    let number = '';
    let failure: Error | null = null;
    child.on('error', (error) => (failure = error));
    (child.stdio[3] as NodeJS.ReadableStream).on('data', (chunk: Buffer) => (number += chunk.toString('utf8')));
    await until('a virtual screen (Xvfb)', () => {
      if (failure) throw failure;
      return number.endsWith('\n');
    });
    return { display: `:${number.trim()}`, process: child };
  })();
  return (await screen).display;
}

/** Ends the virtual screen: in afterAll. */
export async function closeScreen(): Promise<void> {
  const started = await screen;
  screen = null;
  started?.process.kill('SIGTERM');
}

const attemptMs = 30_000;
const attempts = 3;

/**
 * Now and then Playwright waits for ever for a program that it holds back until it is attached (microsoft/playwright#9351): the program has not had its `ready` by
 * then. So it is begun again, and told.
 */
async function launch(options: NonNullable<Parameters<typeof _electron.launch>[0]>): Promise<ElectronApplication> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await _electron.launch({ ...options, timeout: attemptMs });
    } catch (error) {
      if (attempt === attempts || !(error instanceof errors.TimeoutError)) throw error;
      process.stdout.write(`Playwright did not attach to Electron within ${attemptMs / 1000} s; the window is started again.\n`);
    }
  }
}

async function commandOf(options: ElectronOptions): Promise<{ executablePath: string; args: string[]; env: Record<string, string> }> {
  const runtime = await electronRuntime();
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined && name !== 'ELECTRON_RUN_AS_NODE') env[name] = value;
  if (!hasDisplay()) env['DISPLAY'] = await virtualScreen();
  return {
    executablePath: runtime.executable,
    // Root has no Chromium sandbox; only tests say so.
    args: [
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-gpu',
      ...runtime.args,
      '--data',
      options.dataDir,
      ...(options.args ?? []),
    ],
    env: { ...env, ...runtime.env, ANAMNESIS_MDNS: 'off', ...options.env },
  };
}

/** Starts the program and waits for its end, without looking into it: for one that is to end at once. Gives its exit code. */
export async function runElectron(options: ElectronOptions): Promise<number | null> {
  const { executablePath, args, env } = await commandOf(options);
  const child = spawn(executablePath, args, { env, stdio: 'ignore' });
  return new Promise((resolve, reject) => child.on('error', reject).on('exit', resolve));
}

/** Starts the window; ready when its first screen is there. dist/ must be built. */
export async function launchElectron(options: ElectronOptions): Promise<ElectronWorkstation> {
  const app = await launch(await commandOf(options));
  let output = '';
  const keep = (chunk: Buffer): void => void (output = (output + chunk.toString('utf8')).slice(-100_000));
  app.process().stdout?.on('data', keep);
  app.process().stderr?.on('data', keep);
  const pid = app.process().pid ?? 0;
  const corePid = (): Promise<number> => until('a running core', () => corePidBelow(pid));
  const stop = async (): Promise<void> => {
    const core = corePidBelow(pid);
    await app.close();
    if (core !== null) await until('the core to end with its window', () => !isRunning(core));
  };
  try {
    const page = await app.firstWindow();
    page.setDefaultTimeout(30_000);
    await page.getByRole('heading').first().waitFor();
    return {
      app,
      page,
      corePid,
      async killCore() {
        const before = await corePid();
        process.kill(before, 'SIGKILL');
        await until('the killed core to be gone', () => corePidBelow(pid) !== before);
      },
      output: () => output,
      stop,
    };
  } catch (error) {
    await stop();
    throw new Error(`The workstation's window did not open. It wrote:\n${output}`, { cause: error });
  }
}
