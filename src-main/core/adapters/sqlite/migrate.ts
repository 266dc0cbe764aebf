/**
 * Schema versions. One migration a file, each in a transaction of its own with the version number, so that a crash between two leaves a
 * database that the next start goes on from. A database of a newer program is refused: writing into it could lose what is not known here.
 */
import type { Database } from 'better-sqlite3';
import { AppError } from '../../../../src-shared/errors.ts';

export interface Migration {
  /** 1, 2, 3 … without gaps; kept in SQLite's user_version. */
  readonly version: number;
  readonly sql: string;
}

/**
 * Brings a database to the last of these versions.
 * @throws AppError STORE_NEWER where it is beyond that already.
 */
export function migrate(db: Database, file: string, migrations: readonly Migration[]): void {
  const current = db.pragma('user_version', { simple: true }) as number;
  const latest = migrations.length;
  if (current > latest) {
    throw new AppError(
      'STORE_NEWER',
      `The data file ${file} was written by a newer version of Anamnesis. Nothing was changed. Install that version, or a later one, on this computer.`,
      { file, version: current, supported: latest },
    );
  }
  for (const migration of migrations.slice(current)) {
    db.transaction(() => {
      db.exec(migration.sql);
      db.pragma(`user_version = ${migration.version}`);
    }).immediate();
  }
}
