/** Opens a page in the user's own browser, where the system has a way to. */
import { spawn } from 'node:child_process';

/** Best effort: the address is printed as well, so a system without a browser loses nothing. */
export function openInBrowser(url: string): void {
  const [command, args] =
    process.platform === 'darwin'
      ? ['open', [url]]
      : process.platform === 'win32'
        ? ['rundll32', ['url.dll,FileProtocolHandler', url]]
        : ['xdg-open', [url]];
  if (process.platform === 'linux' && !process.env['DISPLAY'] && !process.env['WAYLAND_DISPLAY']) return;
  const child = spawn(command as string, args as string[], { stdio: 'ignore', detached: true });
  child.on('error', () => process.stdout.write('No browser could be opened from here: open the address above yourself.\n'));
  child.unref();
}
