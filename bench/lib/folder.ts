/**
 * Folders that figures keep their data in, under the system's temporary folder and removed afterwards. `npm run bench` names one in
 * ANAMNESIS_BENCH_DIR for the whole run, so that a large store is made once and used by all figures that ask for it.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that is gone when this process ends, also when it is interrupted. */
export function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'anamnesis-bench-'));
  const remove = (): void => rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  process.on('exit', remove);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  return dir;
}

/** A folder filled once in a run; one that was left half filled is filled anew. */
export async function seededFolder(name: string, fill: (dir: string) => Promise<void>): Promise<string> {
  const shared = process.env['ANAMNESIS_BENCH_DIR'];
  const dir = join(shared ?? temporaryFolder(), name);
  const done = `${dir}.complete`;
  if (existsSync(done)) return dir;
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  await fill(dir);
  writeFileSync(done, '');
  return dir;
}
