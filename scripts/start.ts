/**
 * `npm start`: builds what changed and opens the workstation: Electron's window, or (announced, with the reason) a page in the browser.
 * Options: `--browser`, `--data <folder>`; for the browser shell also `--port <n>` and `--no-open`.
 */
import { spawn } from 'node:child_process';
import { build } from './build.ts';
import { installElectron, installedElectron } from './lib/electron-install.ts';
import { planStart } from './lib/start-plan.ts';
import { projectEnv, root } from './lib/project.ts';

const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function openWindow(electron: string, args: readonly string[]): Promise<never> {
  const env = projectEnv();
  delete env['ELECTRON_RUN_AS_NODE'];
  const child = spawn(electron, [root, ...args], { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exit) => resolve(exit ?? 1));
  });
  process.exit(code);
}

async function openBrowser(args: readonly string[], why: string | null): Promise<void> {
  if (why !== null) say(`The workstation opens in your browser instead of a window of its own: ${why}.`);
  const { runBrowserShell } = await import('../src-main/browser-shell.ts');
  await runBrowserShell(args);
}

async function main(args: readonly string[]): Promise<void> {
  const isLinux = process.platform === 'linux';
  const plan = planStart({
    wantsBrowser: args.includes('--browser'),
    platform: process.platform,
    isRoot: isLinux && process.getuid?.() === 0,
    hasDisplay: Boolean(process.env['DISPLAY'] || process.env['WAYLAND_DISPLAY']),
  });
  await build();
  if (plan.shell === 'browser') return openBrowser(args, plan.why);
  if (!installedElectron()) {
    say("Electron's program is not installed yet (about 120 MB): fetching it…");
    const why = await installElectron();
    if (why !== null) return openBrowser(args, `Electron's program is not installed, and ${why}. To try again later: npx install-electron`);
  }
  return openWindow(installedElectron() ?? '', args);
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
