/**
 * Anvil's state file. Anvil writes it in place, so a crash of the computer can leave half of one; therefore the last state that Anvil
 * has loaded is kept beside it, and a refused one is set aside. What a ledger loses by that, the workstations send again.
 */
import { copyFile, constants, rename, rm, stat } from 'node:fs/promises';
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

export function anvilState(dir: string): AnvilState {
  const file = join(dir, 'ledger.json');
  const candidate = join(dir, 'ledger.candidate.json');
  const previous = join(dir, 'ledger.previous.json');
  const damaged = join(dir, 'ledger.damaged.json');
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
