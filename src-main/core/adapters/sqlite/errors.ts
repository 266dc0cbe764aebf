/**
 * SQLite's failures in the words of a person at a workstation. Every call into a store goes through `translating`, so that a full
 * disk or a damaged file never surfaces as a bare "SQLITE_…" text.
 */
import Database from 'better-sqlite3';
import { AppError } from '../../../../src-shared/errors.ts';

/** The AppError for a failure of SQLite, or the error itself where it is none. */
export function translate(error: unknown, file: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  const { code } = error;
  const details = { file, sqlite: code };
  if (code === 'SQLITE_FULL' || code.startsWith('SQLITE_IOERR')) {
    return new AppError(
      'DISK_FULL',
      `The disk could not be written (${file}). Nothing of this step was saved; what was saved before is safe. Free some space, then try again.`,
      details,
      { cause: error },
    );
  }
  if (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB')) {
    return new AppError(
      'STORE_DAMAGED',
      `The data file ${file} is damaged or was encrypted with another key. It was left as it is. Restore the last backup, or the key of this computer.`,
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

/** Runs a step on the files of a folder; what the operating system refuses becomes an AppError. */
export function onDisk<T>(dir: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (['ENOSPC', 'EDQUOT', 'EIO'].includes(code)) {
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
