/** Command-line switches of Chromium and Node with which a packaged workstation does not start. */

/** Switches that open the window or the process to a debugger, or weaken the page's isolation. */
export const refusedSwitches = [
  'remote-debugging-port',
  'remote-debugging-pipe',
  'remote-debugging-address',
  'remote-debugging-targets',
  'inspect',
  'inspect-brk',
  'inspect-port',
  'js-flags',
  'no-sandbox',
  'disable-web-security',
  'load-extension',
  'host-rules',
  'host-resolver-rules',
  'proxy-server',
  'proxy-pac-url',
  'ignore-certificate-errors',
] as const;

/** Of the given command line, the switches that a packaged workstation refuses to start with. */
export function switchesRefusedIn(args: readonly string[]): string[] {
  return refusedSwitches.filter((name) => args.some((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`)));
}
