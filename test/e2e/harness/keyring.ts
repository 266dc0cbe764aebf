/**
 * A real keychain for a window: a session bus and an unlocked GNOME Keyring of their own, with a home of their own, so that neither this
 * user's keyring nor another test's is touched.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, until } from './processes.ts';

export interface Keyring {
  /** For the window's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** For the window's command line: Chromium asks the keyring, whatever desktop it believes to be on. */
  readonly args: readonly string[];
  stop(): Promise<void>;
}

/** @param home keeps what the keyring holds: the same folder later is the same keyring, another one is an empty one */
export async function startKeyring(home: string): Promise<Keyring> {
  const runtimeDir = join(home, 'run');
  mkdirSync(runtimeDir, { recursive: true });
  chmodSync(runtimeDir, 0o700);
  const children: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    // The keyring before its bus.
    for (const child of children.reverse()) {
      child.kill('SIGTERM');
      await until('the keyring to end', () => !isRunning(child.pid ?? 0));
    }
  };
  try {
    const bus = spawn('dbus-daemon', ['--session', '--nofork', '--print-address=1'], { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(bus);
    const env = { HOME: home, XDG_RUNTIME_DIR: runtimeDir, DBUS_SESSION_BUS_ADDRESS: await firstLine('a session bus', bus) };
    const daemon = spawn('gnome-keyring-daemon', ['--foreground', '--unlock', '--components=secrets'], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    children.push(daemon);
    daemon.stdin?.end('keyring password');
    // It unlocks, then takes its name on the bus.
    await until('an unlocked keyring', () => answersTo('org.freedesktop.secrets', env));
    return { env, args: ['--password-store=gnome-libsecret'], stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function answersTo(name: string, env: Readonly<Record<string, string>>): Promise<boolean> {
  const ask = [
    '--session',
    '--print-reply=literal',
    '--dest=org.freedesktop.DBus',
    '/',
    'org.freedesktop.DBus.NameHasOwner',
    `string:${name}`,
  ];
  return new Promise((resolve, reject) =>
    execFile('dbus-send', ask, { env: { ...process.env, ...env } }, (error, answer) =>
      error ? reject(error) : resolve(/true/.test(answer)),
    ),
  );
}

async function firstLine(what: string, child: ChildProcess): Promise<string> {
  let output = '';
  let failure: Error | null = null;
  child.on('error', (error) => (failure = error));
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  return until(what, () => {
    if (failure) throw failure;
    return output.includes('\n') ? output.slice(0, output.indexOf('\n')) : null;
  });
}
