/** Where a workstation keeps its data when it is not told otherwise: the same folder for the window, the browser shell and the command line. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** The operating system's place for a program's data, in a folder of our own. */
export function defaultDataFolder(platform: NodeJS.Platform = process.platform, env: NodeJS.ProcessEnv = process.env): string {
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Anamnesis');
  if (platform === 'win32') return join(env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'Anamnesis');
  // XDG Base Directory Specification: a relative path is invalid and to be ignored.
  const data = env['XDG_DATA_HOME'];
  return join(data?.startsWith('/') ? data : join(homedir(), '.local', 'share'), 'anamnesis');
}

/** The value of `--data <folder>` or `--data=<folder>` as an absolute path, else the default. Throws where the folder is missing after `--data`. */
export function dataFolderOf(args: readonly string[], cwd: string = process.cwd()): string {
  const given = optionValue(args, '--data');
  return given === undefined ? defaultDataFolder() : resolve(cwd, given);
}

/** The value of an option in either form, or undefined where it is not given. Throws where it is given without a value. */
export function optionValue(args: readonly string[], name: string): string | undefined {
  for (let i = args.length - 1; i >= 0; i -= 1) {
    const arg = args[i] ?? '';
    const value = arg === name ? args[i + 1] : arg.startsWith(`${name}=`) ? arg.slice(name.length + 1) : undefined;
    if (arg === name || value !== undefined) {
      if (value === undefined || value === '' || value.startsWith('--')) throw new Error(`${name} needs a value after it.`);
      return value;
    }
  }
  return undefined;
}
