/**
 * System packages that the end-to-end tests need: a browser, and what a window needs without a screen. On Debian as root the missing ones
 * are installed; elsewhere they are named, with how to install them. `npm run` needs none of this to start the workstation.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runKept } from './lib/project.ts';

/** Stage of the tests -> the packages it cannot do without (Debian names). */
export const packagesOf = {
  'e2e-browser': ['chromium', 'fonts-noto-core'],
  'e2e-electron': [
    'xvfb',
    'xauth',
    'libnss3',
    'libatk-bridge2.0-0',
    'libgtk-3-0',
    'libgbm1',
    'libasound2',
    'libxss1',
    'libxtst6',
    'libdrm2',
    // A real keychain, on a session bus of its own.
    'dbus-daemon',
    'gnome-keyring',
  ],
  integration: ['iproute2'],
} as const;

const all: readonly string[] = Object.values(packagesOf).flat();

function isDebian(): boolean {
  return existsSync('/etc/debian_version') && existsSync('/usr/bin/dpkg-query');
}

/** Which of the packages are not installed; on systems without dpkg it cannot be told and none is named. */
export async function missingPackages(names: readonly string[] = all): Promise<string[]> {
  if (!isDebian()) return [];
  const { output } = await runKept('dpkg-query', ['-W', '-f', '${Package} ${Provides} ${db:Status-Status}\\n'], { quiet: true });
  const installed = new Set<string>();
  for (const line of output.split('\n')) {
    const words = line.trim().split(/[\s,]+/);
    // Newer releases provide the old names (libasound2 by libasound2t64).
    if (words.at(-1) === 'installed') for (const word of words) installed.add(word);
  }
  return names.filter((name) => !installed.has(name));
}

/**
 * Installs what is missing where that is possible.
 * @returns the packages still missing, and what to tell the person (null where nothing is missing)
 */
export async function ensureSystemPackages(): Promise<{ readonly missing: readonly string[]; readonly advice: string | null }> {
  if (process.platform === 'linux' && !isDebian()) {
    return {
      missing: [],
      advice: `This is no Debian: the end-to-end tests need a Chromium (CHROMIUM_PATH names it where it is not /usr/bin/chromium), and on a machine without a screen what Debian calls ${packagesOf['e2e-electron'].join(' ')}.`,
    };
  }
  const missing = await missingPackages();
  if (missing.length === 0) return { missing, advice: null };
  const install = ['install', '-y', '-q', '--no-install-recommends', ...missing];
  if (process.getuid?.() !== 0) {
    return {
      missing,
      advice: `Missing system packages: ${missing.join(' ')}. Install them with: sudo apt-get ${install.filter((arg) => arg !== '-q').join(' ')}`,
    };
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // Another installation may be running: wait for it rather than fail.
  const wait = ['-o', 'DPkg::Lock::Timeout=300'];
  await runKept('apt-get', [...wait, 'update', '-q'], { env, quiet: true });
  const { code, output } = await runKept('apt-get', [...wait, ...install], { env, quiet: true });
  const left = await missingPackages();
  if (left.length === 0) return { missing: [], advice: null };
  return { missing: left, advice: `apt-get could not install ${left.join(' ')} (exit ${code}):\n${output.slice(-2000)}` };
}

/** The Chromium that the tests drive. Throws where there is none. */
export function chromiumPath(): string {
  const candidates = [process.env['CHROMIUM_PATH'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  const found = candidates.find((path) => path !== undefined && path !== '' && existsSync(path));
  if (found) return found;
  throw new Error('The end-to-end tests need Chromium: install it (Debian: apt-get install chromium), or set CHROMIUM_PATH.');
}

/** Whether the kernel reports this process as running in a container or virtual session without a screen. */
export function hasDisplay(): boolean {
  return process.platform !== 'linux' || Boolean(process.env['DISPLAY'] || process.env['WAYLAND_DISPLAY']);
}

/** For the record of a test run. */
export function systemName(): string {
  if (process.platform !== 'linux' || !existsSync('/etc/os-release')) return process.platform;
  return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { missing, advice } = await ensureSystemPackages();
  if (advice !== null) process.stderr.write(`${advice}\n`);
  process.exitCode = missing.length > 0 ? 1 : 0;
}
