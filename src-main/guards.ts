/** What the window may not do, by default everything that the workstation does not need: Electron's security checklist, applied once for all contents. */
import { app, session, type WebContents, type WebFrameMain } from 'electron';
import { appOrigin } from './app-protocol.ts';

/** Whether a message comes from our page's own top frame, not from a frame inside it or another page. */
export function isOwnFrame(frame: WebFrameMain | null): boolean {
  return frame !== null && frame.parent === null && frame.url.startsWith(`${appOrigin}/`);
}

function guardContents(contents: WebContents): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.on('will-navigate', (event, url) => {
    if (!url.startsWith(`${appOrigin}/`)) event.preventDefault();
  });
  contents.on('will-redirect', (event, url) => {
    if (!url.startsWith(`${appOrigin}/`)) event.preventDefault();
  });
}

/** The permissions our own page needs; all others, and any other page's, are denied. Copying an account needs the first. */
const allowedPermissions: ReadonlySet<string> = new Set(['clipboard-sanitized-write']);

/** After the app is ready, before a window is made. */
export function guardApp(): void {
  const own = session.defaultSession;
  own.setPermissionRequestHandler((contents, permission, callback) => {
    callback(allowedPermissions.has(permission) && contents.getURL().startsWith(`${appOrigin}/`));
  });
  own.setPermissionCheckHandler((_contents, permission, origin) => allowedPermissions.has(permission) && origin.startsWith(appOrigin));
  own.setDevicePermissionHandler(() => false);
  own.on('will-download', (event, item) => {
    // What our own page made (an export) is saved where the person says; nothing else is taken in.
    if (!item.getURL().startsWith(`blob:${appOrigin}/`)) event.preventDefault();
    else item.setSaveDialogOptions({ title: 'Save the export', defaultPath: item.getFilename() });
  });
  // The page has no business on the network: the core speaks to ledger and peers. Development tools stay usable.
  own.webRequest.onBeforeRequest((details, callback) => {
    callback({ cancel: !/^(app|blob|data|devtools|chrome-extension):/.test(details.url) });
  });
  own.setSpellCheckerEnabled(false);
  app.on('web-contents-created', (_event, contents) => guardContents(contents));
}
