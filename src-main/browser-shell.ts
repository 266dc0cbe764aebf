/**
 * The workstation without a window of its own: the same screens in a browser of this machine. For tests, and for machines where
 * Electron's program cannot be had. It is run from source by `npm start -- --browser` and is in no packaged build.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { forkCore } from './core-child.ts';
import type { CoreOptions } from './core/entry.ts';
import { superviseCore } from './core-process.ts';
import { dataFolderOf, optionValue } from './data-folder.ts';
import { openInBrowser } from './open-in-browser.ts';
import { onNewScreens } from './reload-on-change.ts';
import { serveWorkstation } from './shell-server.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/**
 * Runs the shell until it is told to stop (Ctrl-C, SIGTERM, or the parent's end of stdin where `--stop-with-stdin` is given).
 * @param passphraseCost as for the core: what a test lowers
 */
export async function runBrowserShell(args: readonly string[], passphraseCost?: CoreOptions['passphraseCost']): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const port = Number(optionValue(args, '--port') ?? '0');
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error('--port needs a number from 0 to 65535.');

  const core = superviseCore(forkCore(join(root, 'dist', 'core', 'core.mjs'), process.execPath), {
    dataDir: dataFolderOf(args),
    resourcesDir: join(root, 'resources'),
    mdns: process.env['ANAMNESIS_MDNS'] !== 'off',
    version,
    ...(passphraseCost ? { passphraseCost } : {}),
  });
  core.onFailure((error) => process.stderr.write(`${error.message} (${error.code})\n`));
  const rendererDir = join(root, 'dist', 'renderer');
  const server = await serveWorkstation({ core, rendererDir, port });
  onNewScreens(rendererDir, () => server.reload());

  let stopping: Promise<void> | null = null;
  const stop = (): void => {
    stopping ??= Promise.all([server.stop(), core.stop()]).then(() => process.exit(0));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  if (args.includes('--stop-with-stdin')) process.stdin.on('end', stop).resume();

  // Tests and scripts read this line.
  process.stdout.write(`ANAMNESIS_URL=${server.url}\n`);
  process.stdout.write('The address works once, in a browser of this computer. Ctrl-C stops the workstation.\n');
  if (!args.includes('--no-open')) openInBrowser(server.url);
}
