/** Electron's main process: starts the core and the window, and joins them. Everything that matters happens in the core. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { app, dialog, nativeTheme, safeStorage, type BrowserWindow } from 'electron';
import type { WireError } from '../src-shared/errors.ts';
import type { Snapshot } from '../src-shared/view-types.ts';
import { registerAppScheme, serveApp, appOrigin } from './app-protocol.ts';
import { forkCore } from './core-child.ts';
import { superviseCore } from './core-process.ts';
import { dataFolderOf } from './data-folder.ts';
import { errorPage, errorPagePath, quitPath, restartPath } from './error-page.ts';
import { guardApp } from './guards.ts';
import { keychainOf } from './keychain.ts';
import { setMenu } from './menu.ts';
import { onNewScreens } from './reload-on-change.ts';
import { switchesRefusedIn } from './refused-switches.ts';
import { relay } from './relay.ts';
import { utilityCore } from './utility-core.ts';
import { readWindowState } from './window-state.ts';
import { openWindow } from './window.ts';

const dist = join(__dirname, '..');
/** Beside dist in a checkout and in the package alike; native parts lie outside the archive, where electron-builder unpacks them. */
const resourcesDir = join(dist, '..', 'resources');

function prepare(): string {
  if (app.isPackaged) {
    const refused = switchesRefusedIn(process.argv.slice(1));
    if (refused.length > 0)
      throw new Error(`Anamnesis does not start with --${refused.join(', --')}: it would open patients' data to other programs.`);
  }
  const dataDir = dataFolderOf(process.argv.slice(1));
  const shellDir = join(dataDir, 'shell');
  mkdirSync(shellDir, { recursive: true, mode: 0o700 });
  // Chromium's own files; also what the single-instance lock is about: one window per data folder.
  app.setPath('userData', shellDir);
  // Given by tests that run as root, where Chromium has no sandbox; a packaged program refused it above.
  if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox();
  for (const name of ['disable-background-networking', 'disable-component-update', 'disable-domain-reliability', 'no-pings'])
    app.commandLine.appendSwitch(name);
  app.commandLine.appendSwitch('disable-features', 'SpareRendererForSitePerProcess,MediaRouter,Translate,AutofillServerCommunication');
  registerAppScheme();
  return dataDir;
}

function start(dataDir: string): void {
  let window: BrowserWindow | null = null;
  let failure: WireError | null = null;
  const stateFile = join(dataDir, 'shell', 'window.json');
  let theme = readWindowState(stateFile).theme;

  const coreFile = join(dist, 'core', 'core.mjs');
  // For an Electron whose Node is too old for the core; only where the program is run from source.
  const otherNode = app.isPackaged ? undefined : process.env['ANAMNESIS_CORE_NODE'];
  const core = superviseCore(
    otherNode ? forkCore(coreFile, otherNode) : utilityCore(coreFile),
    { dataDir, resourcesDir, mdns: process.env['ANAMNESIS_MDNS'] !== 'off', version: app.getVersion() },
    keychainOf(safeStorage, process.platform),
  );

  guardApp();
  setMenu();
  const rendererDir = join(dist, 'renderer');
  serveApp(rendererDir, new Map([[errorPagePath, () => (failure ? errorPage(failure) : '')]]));
  relay(core, () => window);
  if (!app.isPackaged) onNewScreens(rendererDir, () => window?.webContents.reload());

  const show = (): void => {
    const preload = join(__dirname, 'preload.cjs');
    const icon = join(resourcesDir, 'icons', 'icon.png');
    const opened = openWindow({ preload, icon, stateFile, theme: () => theme }, failure ? errorPagePath : '/');
    window = opened;
    opened.on('closed', () => {
      window = null;
    });
    // The error page's two ways out.
    opened.webContents.on('will-navigate', (event, url) => {
      if (url === `${appOrigin}${restartPath}`) {
        event.preventDefault();
        failure = null;
        core.restart();
        void opened.loadURL(`${appOrigin}/`);
      } else if (url === `${appOrigin}${quitPath}`) {
        event.preventDefault();
        app.quit();
      }
    });
  };

  const follow = (snapshot: Snapshot): void => {
    theme = snapshot.settings.theme;
    nativeTheme.themeSource = theme;
  };
  core.onEvent((message) => {
    if (message.event === 'snapshot') follow(message.payload);
  });
  void core.call({ id: 0, call: 'workstation.snapshot', input: {} }).then((reply) => {
    if (reply.ok) follow(reply.output as Snapshot);
  });
  core.onFailure((error) => {
    failure = error;
    void window?.loadURL(`${appOrigin}${errorPagePath}`);
  });

  app.on('second-instance', () => {
    if (!window) return show();
    if (window.isMinimized()) window.restore();
    window.focus();
  });
  app.on('activate', () => {
    if (!window) show();
  });
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });
  let stopped = false;
  app.on('will-quit', (event) => {
    if (stopped) return;
    // The core closes its store and its ledger before the program is gone.
    event.preventDefault();
    void core.stop().finally(() => {
      stopped = true;
      app.quit();
    });
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => app.quit());
  show();
}

try {
  const dataDir = prepare();
  if (app.requestSingleInstanceLock()) void app.whenReady().then(() => start(dataDir));
  else app.quit();
} catch (error) {
  dialog.showErrorBox('Anamnesis cannot start', error instanceof Error ? error.message : String(error));
  app.exit(1);
}
