/** The application menu: editing, zoom, quit. What belongs to the work itself is on the screens. */
import { app, Menu, type MenuItemConstructorOptions } from 'electron';

/** Sets the menu; development tools only where the program is not packaged. */
export function setMenu(): void {
  const isMac = process.platform === 'darwin';
  const view: MenuItemConstructorOptions[] = [
    { role: 'zoomIn' },
    { role: 'zoomOut' },
    { role: 'resetZoom' },
    { type: 'separator' },
    { role: 'togglefullscreen' },
    ...(app.isPackaged
      ? []
      : ([{ type: 'separator' }, { role: 'reload' }, { role: 'toggleDevTools' }] satisfies MenuItemConstructorOptions[])),
  ];
  Menu.setApplicationMenu(
    Menu.buildFromTemplate([
      ...(isMac
        ? ([{ role: 'appMenu' }] satisfies MenuItemConstructorOptions[])
        : ([{ label: 'File', submenu: [{ role: 'quit' }] }] satisfies MenuItemConstructorOptions[])),
      { role: 'editMenu' },
      { label: 'View', submenu: view },
      { role: 'windowMenu' },
    ]),
  );
}
