/**
 * SQLite's failures in the words of a person at a workstation. Every call into a store goes through `translating`, so that a full
 * disk or a damaged file never surfaces as a bare "SQLITE_…" text.
 */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import Database from 'better-sqlite3';
import { AppError } from '../../../../src-shared/errors.ts';

/** The AppError for a failure of SQLite, or the error itself where it is none. */
export function translate(error: unknown, file: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  const { code } = error;
  const details = { file, sqlite: code };
  if (code === 'SQLITE_FULL') {
    return new AppError(
      'DISK_FULL',
      `The disk could not be written (${file}). Nothing of this step was saved; what was saved before is safe. Free some space, then try again.`,
      details,
      { cause: error },
    );
  }
  if (code.startsWith('SQLITE_IOERR')) return diskFailed(file, details, error);
  if (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB')) {
    return new AppError(
      'STORE_DAMAGED',
      // SQLite calls it corrupt, too, where reading the file fails (EIO).
      `The data file ${file} cannot be read: it is damaged, the disk fails, or it was encrypted with another key. It was left as it is. Restart the computer; if that does not help, restore the last backup, or the key of this computer.`,
      details,
      { cause: error },
    );
  }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new AppError(
      'STORE_IN_USE',
      `Another program is using ${file}. Nothing was changed. Close the other program, then try again.`,
      details,
      { cause: error },
    );
  }
  if (
    code.startsWith('SQLITE_CANTOPEN') ||
    code.startsWith('SQLITE_READONLY') ||
    code.startsWith('SQLITE_PERM') ||
    code.startsWith('SQLITE_AUTH')
  ) {
    return new AppError(
      'NOT_ALLOWED',
      `The data file ${file} cannot be opened for writing. Nothing was changed. Check the permissions of the data folder.`,
      details,
      { cause: error },
    );
  }
  return error;
}

/** Any disk error but a full one: it breaks, was pulled out, or the operating system made it read-only because of that. */
function diskFailed(what: string, details: Readonly<Record<string, string>>, cause: unknown): AppError {
  // The index of the write-ahead log cannot grow: SQLite does not say why.
  const mayBeFull = details['sqlite'] === 'SQLITE_IOERR_SHMSIZE';
  return new AppError(
    'DISK_FAILED',
    `The disk ${mayBeFull ? 'is full or ' : ''}reports an error (${what}). Nothing of this step was saved; what was saved before is as it was. ${mayBeFull ? 'Free some space and try' : 'Try'} again; if it happens again, restart the computer, and have the disk looked at before you go on with it.`,
    details,
    { cause },
  );
}

/**
 * Reads a database with its write-ahead log from the first byte to the last, as SQLite cannot tell a damaged file from a disk that does not read.
 * @throws AppError DISK_FAILED where that does not go.
 */
export function readThrough(file: string): void {
  const piece = Buffer.alloc(1024 * 1024);
  for (const path of [file, `${file}-wal`]) {
    if (!existsSync(path)) continue;
    onDisk(path, () => {
      const handle = openSync(path, 'r');
      try {
        while (readSync(handle, piece) > 0);
      } finally {
        closeSync(handle);
      }
    });
  }
}

/** Runs a step on the files of a folder; what the operating system refuses becomes an AppError. */
export function onDisk<T>(dir: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'EIO') throw diskFailed(dir, { folder: dir, system: code }, error);
    if (['ENOSPC', 'EDQUOT'].includes(code)) {
      const message = `The disk could not be written (${dir}). What was saved before is safe. Free some space, then start again.`;
      throw new AppError('DISK_FULL', message, { folder: dir, system: code }, { cause: error });
    }
    if (['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR', 'EEXIST'].includes(code)) {
      const message = `The data folder ${dir} cannot be written. Nothing was changed. Check its permissions, or choose another folder.`;
      throw new AppError('NOT_ALLOWED', message, { folder: dir, system: code }, { cause: error });
    }
    throw error;
  }
}

/** Runs a step on a database file; failures of SQLite become AppErrors. */
export function translated<T>(file: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw translate(error, file);
  }
}

/**
 * The same object with every method's failures translated.
 * @param onDamaged called when a method met a damaged page.
 */
export function translating<T extends object>(file: string, target: T, onDamaged?: () => void): T {
  const wrapped = new Map<PropertyKey, unknown>();
  return new Proxy(target, {
    get(object, name) {
      const known = wrapped.get(name);
      if (known !== undefined) return known;
      const value: unknown = Reflect.get(object, name, object);
      if (typeof value !== 'function') return value;
      const method = (...parameters: unknown[]): unknown => {
        try {
          return Reflect.apply(value, object, parameters) as unknown;
        } catch (error) {
          const translation = translate(error, file);
          if (translation instanceof AppError && translation.code === 'STORE_DAMAGED') onDamaged?.();
          throw translation;
        }
      };
      wrapped.set(name, method);
      return method;
    },
  });
}
