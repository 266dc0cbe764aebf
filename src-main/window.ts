/** The one window: sandboxed and isolated, hidden until its first frame, in the colours it will have. */
import { BrowserWindow, nativeTheme } from 'electron';
import { appOrigin } from './app-protocol.ts';
import { keepWindowState, readWindowState, type WindowState } from './window-state.ts';

/** The surface colours of the screens (tokens.css), so that nothing flashes before the page is there. */
const background = { light: '#f8fafc', dark: '#0f172a' } as const;

export interface WindowOptions {
  readonly preload: string;
  readonly icon: string;
  readonly stateFile: string;
  readonly theme: () => WindowState['theme'];
}

/** Makes the window and loads a page of app://anamnesis in it. */
export function openWindow(options: WindowOptions, path: string): BrowserWindow {
  const state = readWindowState(options.stateFile);
  nativeTheme.themeSource = state.theme;
  const window = new BrowserWindow({
    title: 'Anamnesis',
    width: 1366,
    height: 768,
    ...(state.bounds ?? {}),
    minWidth: 800,
    minHeight: 560,
    show: false,
    autoHideMenuBar: true,
    icon: options.icon,
    backgroundColor: nativeTheme.shouldUseDarkColors ? background.dark : background.light,
    webPreferences: {
      preload: options.preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webSecurity: true,
      webviewTag: false,
      spellcheck: false,
      navigateOnDragDrop: false,
      safeDialogs: true,
    },
  });
  window.once('ready-to-show', () => {
    if (state.maximized) window.maximize();
    window.show();
  });
  keepWindowState(options.stateFile, window, options.theme);
  void window.loadURL(`${appOrigin}${path}`);
  return window;
}
