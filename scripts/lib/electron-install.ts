/**
 * Electron's program: its npm package has no install script and fetches the binary at first use. This looks whether it is there and,
 * where it is not, lets Electron's own installer try, as long as bytes keep coming; a machine that cannot reach the source finds out in seconds.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectEnv, root } from './project.ts';

const electronDir = join(root, 'node_modules', 'electron');
/** Without a first or a further byte for so long, the download is given up. */
const silenceMs = 6000;

/** The path of Electron's executable, or null where its binary is not installed. */
export function installedElectron(): string | null {
  const pathFile = join(electronDir, 'path.txt');
  if (!existsSync(pathFile)) return null;
  const executable = join(process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? join(electronDir, 'dist'), readFileSync(pathFile, 'utf8'));
  return existsSync(executable) ? executable : null;
}

function bytesUnder(folder: string): number {
  return readdirSync(folder, { withFileTypes: true, recursive: true }).reduce((sum, entry) => {
    const stat = entry.isFile() ? statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false }) : undefined;
    return sum + (stat?.size ?? 0);
  }, 0);
}

/** Runs Electron's installer. Resolves to null when it worked, else to the reason in words. */
export async function installElectron(): Promise<string | null> {
  // The installer downloads to a temporary folder: one of our own shows whether anything arrives.
  const temporary = mkdtempSync(join(tmpdir(), 'anamnesis-electron-'));
  const child = spawn('node', [join(electronDir, 'install.js')], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: projectEnv({ TMPDIR: temporary, TMP: temporary, TEMP: temporary }),
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString('utf8')).slice(0, 4000)));
  let silent = false;
  let seen = 0;
  let lastChange = Date.now();
  const watch = setInterval(() => {
    const bytes = bytesUnder(temporary) + (existsSync(join(electronDir, 'dist')) ? bytesUnder(join(electronDir, 'dist')) : 0);
    if (bytes !== seen) lastChange = Date.now();
    seen = bytes;
    if (Date.now() - lastChange < silenceMs) return;
    silent = true;
    child.kill('SIGKILL');
  }, 500);
  const code = await new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null));
    child.on('close', resolve);
  });
  clearInterval(watch);
  rmSync(temporary, { recursive: true, force: true });
  if (code === 0 && installedElectron()) return null;
  if (silent) return 'its download does not come through from this network';
  const cause =
    /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|HTTPError: .*|ENOSPC|EACCES)\b.*/.exec(complaint)?.[0] ??
    `its installer ended with code ${code}`;
  return `its download failed (${cause.slice(0, 120)})`;
}
