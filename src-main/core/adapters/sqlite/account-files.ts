/** Where an account's index lies, and how one that cannot be read is put out of the way without being destroyed. */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../../src-shared/errors.ts';

/** Path of an account's index; its folder is made if needed. */
export function accountFile(dir: string, account: string): string {
  if (!/^0x[0-9a-fA-F]{40}$/.test(account)) throw new AppError('INVALID_INPUT', 'That is no account. Nothing was opened.');
  const folder = join(dir, 'accounts');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return join(folder, `${account.toLowerCase()}.db`);
}

/** Renames a database with its write-ahead log to `<name>.damaged-<time>`, so that it can still be looked at. */
export function setAside(file: string): void {
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-');
  for (const suffix of ['-wal', '-shm', '']) {
    if (existsSync(file + suffix)) renameSync(file + suffix, `${file}.damaged-${stamp}${suffix}`);
  }
}

/** Notes that a file was found damaged in use: the cheap check at its next opening might not meet the damaged page. */
export function markDamaged(file: string): void {
  writeFileSync(`${file}.damaged`, '');
}

/** Whether it was noted; the note is taken off. */
export function takeDamagedMark(file: string): boolean {
  const marked = existsSync(`${file}.damaged`);
  rmSync(`${file}.damaged`, { force: true });
  return marked;
}
