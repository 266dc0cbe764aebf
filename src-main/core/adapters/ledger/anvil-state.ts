/**
 * Anvil's state file. Anvil writes it in place, so a crash of the computer can leave half of one; therefore the last state that Anvil
 * has loaded is kept beside it, and a refused one is set aside. What a ledger loses by that, the workstations send again.
 */
import { copyFile, constants, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const mebibyte = 1024 * 1024;

export interface AnvilState {
  readonly file: string;
  /** Seconds between two dumps: a dump writes everything, so a long chain is written less often. */
  interval(): Promise<number>;
  /** Before a start: copies the state, not yet known to be good. */
  keepCandidate(): Promise<void>;
  /** After Anvil has loaded the state: the copy is good. */
  confirmCandidate(): Promise<void>;
  /** While Anvil runs: keeps the present state as the last good one, if it is whole. */
  keepWhole(): Promise<void>;
  /** After Anvil has refused the state: the last good one takes its place. False where there was nothing left to fall back to but an empty ledger. */
  fallBack(): Promise<boolean>;
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Whether a file is not half-written: Anvil writes one JSON object from front to back. */
async function isWhole(path: string): Promise<boolean> {
  const handle = await open(path, 'r+');
  try {
    const { size } = await handle.stat();
    const last = Buffer.alloc(1);
    await handle.read(last, 0, 1, Math.max(0, size - 1));
    await handle.sync();
    return last.toString() === '}';
  } finally {
    await handle.close();
  }
}

/** The file at the path of the workstation's ledger folder, and its copies. */
export function anvilState(dir: string): AnvilState {
  const file = join(dir, 'ledger.json');
  const candidate = join(dir, 'ledger.candidate.json');
  const previous = join(dir, 'ledger.previous.json');
  const damaged = join(dir, 'ledger.damaged.json');
  const copy = join(dir, 'ledger.copy.json');
  return {
    file,
    async interval() {
      const size = (await sizeOf(file)) ?? 0;
      if (size < 16 * mebibyte) return 5;
      return size < 128 * mebibyte ? 30 : 300;
    },
    async keepCandidate() {
      if ((await sizeOf(file)) !== null) await copyFile(file, candidate, constants.COPYFILE_FICLONE);
    },
    async confirmCandidate() {
      if ((await sizeOf(candidate)) !== null) await rename(candidate, previous);
    },
    async keepWhole() {
      const before = await stat(file).catch(() => null);
      if (before === null) return;
      await copyFile(file, copy, constants.COPYFILE_FICLONE);
      const { mtimeMs } = await stat(file);
      // Written meanwhile: the copy may be of two states. The next one is as good.
      if (mtimeMs === before.mtimeMs && (await isWhole(copy))) await rename(copy, previous);
      else await rm(copy, { force: true });
    },
    async fallBack() {
      await rm(candidate, { force: true });
      if ((await sizeOf(file)) !== null) await rename(file, damaged);
      if ((await sizeOf(previous)) === null) return false;
      // Moved, not copied: should it be refused too, the next fall-back ends with an empty ledger.
      await rename(previous, file);
      return true;
    },
  };
}
