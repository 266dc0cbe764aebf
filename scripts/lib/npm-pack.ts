/** Fetches one exact version of an npm package into a cache folder outside the repository, with npm itself, and unpacks it. */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { runKept } from './project.ts';

/** The cache folder of this project's tools on this machine (`ANAMNESIS_CACHE` names another). */
export function cacheFolder(): string {
  return process.env['ANAMNESIS_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'anamnesis');
}

/** Unpacks a tar archive into a folder. Throws with tar's text. */
export async function unpack(archive: string, folder: string, members: readonly string[] = []): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { code, output } = await runKept('tar', ['-xzf', archive, '-C', folder, ...members], { quiet: true });
  if (code !== 0) throw new Error(`${archive} could not be unpacked:\n${output.slice(-500)}`);
}

/**
 * Makes `name` in the cache folder by packing `spec` and letting `lay` put its parts in place; a finished one is kept for later runs.
 * npm checks the archive against the registry's integrity value.
 * @param spec exact `name@version`
 */
export async function cached(name: string, spec: string, lay: (archive: string, folder: string) => Promise<void>): Promise<string> {
  const folder = join(cacheFolder(), name);
  if (existsSync(folder)) return folder;
  const work = mkdtempSync(join(tmpdir(), 'anamnesis-pack-'));
  try {
    const { code, output } = await runKept('npm', ['pack', '--silent', '--pack-destination', work, spec], { quiet: true, cwd: work });
    if (code !== 0) throw new Error(`npm could not fetch ${spec}:\n${output.slice(-1000)}`);
    const archive = join(work, output.trim().split('\n').at(-1) ?? '');
    const fresh = `${folder}.${process.pid}`;
    mkdirSync(fresh, { recursive: true });
    try {
      await lay(archive, fresh);
      renameSync(fresh, folder);
    } catch (error) {
      rmSync(fresh, { recursive: true, force: true });
      // Another run may have been quicker.
      if (!existsSync(folder)) throw error;
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}
