/** Remembers where the window was, and whether it was dark, so that the next start looks like the last one from its first frame. */
import { readFileSync, writeFileSync } from 'node:fs';
import { screen, type BrowserWindow, type Rectangle } from 'electron';

export interface WindowState {
  readonly bounds: Rectangle | null;
  readonly maximized: boolean;
  readonly theme: 'system' | 'light' | 'dark';
}

const fresh: WindowState = { bounds: null, maximized: false, theme: 'system' };

/** The state kept in a file; a missing or unreadable one means a fresh start, since nothing of value is in it. */
export function readWindowState(file: string): WindowState {
  try {
    const { bounds, maximized, theme } = JSON.parse(readFileSync(file, 'utf8')) as Partial<WindowState>;
    return {
      bounds: isRectangle(bounds) && isOnScreen(bounds) ? bounds : null,
      maximized: maximized === true,
      theme: theme === 'light' || theme === 'dark' ? theme : 'system',
    };
  } catch {
    return fresh;
  }
}

function isRectangle(value: unknown): value is Rectangle {
  const { x, y, width, height } = (value ?? {}) as Rectangle;
  return [x, y, width, height].every(Number.isInteger) && width >= 640 && height >= 480 && width < 20_000 && height < 20_000;
}

/** A monitor may have been unplugged since. */
function isOnScreen(bounds: Rectangle): boolean {
  return screen.getAllDisplays().some(({ workArea: area }) => {
    const width = Math.min(bounds.x + bounds.width, area.x + area.width) - Math.max(bounds.x, area.x);
    return width > 200 && bounds.y >= area.y && bounds.y < area.y + area.height - 100;
  });
}

/** Writes the window's state whenever it is closed. */
export function keepWindowState(file: string, window: BrowserWindow, theme: () => WindowState['theme']): void {
  window.on('close', () => {
    const state: WindowState = { bounds: window.getNormalBounds(), maximized: window.isMaximized(), theme: theme() };
    try {
      writeFileSync(file, JSON.stringify(state), { mode: 0o600 });
    } catch (error) {
      process.stderr.write(`The window's place could not be remembered: ${String((error as NodeJS.ErrnoException).code)}\n`);
    }
  });
}
