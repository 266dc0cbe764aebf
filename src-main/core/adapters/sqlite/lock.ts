/**
 * One core per data folder. The lock is an exclusive transaction on a small database: the operating system holds it for the process
 * and lets go of it when the process ends in any way, SIGKILL included, so that there is never a stale lock to clear by hand.
 *
 * On POSIX systems a process loses its file locks when it closes any handle on that file: nothing else may open `lock.db`.
 */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { AppError } from '../../../../src-shared/errors.ts';
import { translate, translated } from './errors.ts';

export interface FolderLock {
  release(): void;
}

/** @throws AppError STORE_IN_USE while another process (or another store in this one) holds the folder. */
export function lockFolder(dir: string): FolderLock {
  // A process that was killed a moment ago may still be on its way out: wait for it shortly.
  const db = translated('lock.db', () => new Database(join(dir, 'lock.db'), { timeout: 1000 }));
  try {
    db.pragma('journal_mode = DELETE');
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) {
      throw new AppError(
        'STORE_IN_USE',
        'Anamnesis is already running with this data folder. Nothing was changed. Use the open window, or close it and start again.',
        {},
        { cause: error },
      );
    }
    throw translate(error, 'lock.db');
  }
  return { release: () => db.close() };
}
