/**
 * The data folder's databases: `workstation.db` under the machine's key, one index per account under a key of that person's, and the lock
 * that keeps a second core out.
 */
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../../src-shared/errors.ts';
import type { AccountIndexPort, StorePort } from '../../ports.ts';
import { accountFile, markDamaged, setAside, takeDamagedMark } from './account-files.ts';
import { accountIndex } from './account-index.ts';
import { openDatabase } from './database.ts';
import type { Db } from './database.ts';
import { lockFolder } from './lock.ts';
import type { Migration } from './migrate.ts';
import { accountMigrations } from './migrations/account/index.ts';
import { draftMigrations } from './migrations/drafts/index.ts';
import { workstationMigrations } from './migrations/workstation/index.ts';
import { workstationStore } from './workstation-store.ts';

/** Page cache of an account's index: the search tables of a large clinic stay in memory. */
const accountCacheKiB = 48 * 1024;

/**
 * Opens the data folder, creating what is missing.
 * @param options.machineKey 32 bytes.
 * @throws AppError STORE_IN_USE, STORE_NEWER, STORE_DAMAGED (workstation.db is never replaced), NOT_ALLOWED, DISK_FULL.
 */
export function createStore(options: { readonly dir: string; readonly machineKey: Uint8Array }): StorePort {
  const { dir, machineKey } = options;
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const lock = lockFolder(dir);
  const open = new Set<AccountIndexPort>();
  try {
    const file = join(dir, 'workstation.db');
    refuseLostWorkstation(dir, file);
    const workstation = workstationStore(openDatabase({ file, key: machineKey, migrations: workstationMigrations }));
    return {
      workstation,
      openAccount(account, key) {
        const opened = openAccount(dir, account, key, () => open.delete(opened.index));
        open.add(opened.index);
        return opened;
      },
      close() {
        for (const index of [...open]) index.close();
        workstation.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** An empty workstation.db beside accounts that were used is a lost one: making a new one would hide that everything in it is gone. */
function refuseLostWorkstation(dir: string, file: string): void {
  if (existsSync(file) && statSync(file).size > 0) return;
  const accounts = join(dir, 'accounts');
  if (!existsSync(accounts) || readdirSync(accounts).length === 0) return;
  throw new AppError(
    'STORE_DAMAGED',
    'The data file workstation.db is missing or empty, though this data folder was in use. Nothing was changed. Restore workstation.db from the last backup.',
    { file: 'workstation.db' },
  );
}

function openAccount(dir: string, account: string, key: Uint8Array, onClose: () => void): { index: AccountIndexPort; rebuilt: boolean } {
  const file = accountFile(dir, account);
  const index = openOrReplace(file, key, accountMigrations, accountCacheKiB);
  try {
    const drafts = openOrReplace(`${file.slice(0, -'.db'.length)}.drafts.db`, key, draftMigrations, 1024);
    return { index: accountIndex(index.db, drafts.db, () => markDamaged(file), onClose), rebuilt: index.replaced };
  } catch (error) {
    index.db.close();
    throw error;
  }
}

/** Opens a database that may be lost: a damaged one is set aside and begun anew. */
function openOrReplace(file: string, key: Uint8Array, migrations: readonly Migration[], cacheKiB: number): { db: Db; replaced: boolean } {
  const marked = takeDamagedMark(file);
  if (marked) setAside(file);
  try {
    return { db: openDatabase({ file, key, migrations, cacheKiB }), replaced: marked };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'STORE_DAMAGED') throw error;
    setAside(file);
    return { db: openDatabase({ file, key, migrations, cacheKiB }), replaced: true };
  }
}
