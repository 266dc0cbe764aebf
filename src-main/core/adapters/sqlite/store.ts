/**
 * The data folder's databases: `workstation.db` under the machine's key, one index per account under a key of that person's, and the lock
 * that keeps a second core out.
 */
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { AppError } from '../../../../src-shared/errors.ts';
import type { AccountIndexPort, StorePort } from '../../ports.ts';
import { accountFile, markDamaged, setAside, takeDamagedMark } from './account-files.ts';
import { accountIndex } from './account-index.ts';
import { changeKey } from './change-key.ts';
import { openDatabase } from './database.ts';
import type { Db } from './database.ts';
import { onDisk, readThrough, translated } from './errors.ts';
import { freeingStore } from './freeing-tables.ts';
import { holdingsStore } from './holdings-table.ts';
import { lockFolder } from './lock.ts';
import { accountMigrations } from './migrations/account/index.ts';
import { draftMigrations } from './migrations/drafts/index.ts';
import { keptPins, pinQueue } from './pin-tables.ts';
import { workstationMigrations } from './migrations/workstation/index.ts';
import { workstationStore } from './workstation-store.ts';

/** Page cache of an account's index: the search tables of a large clinic stay in memory. */
const accountCacheKiB = 48 * 1024;

/**
 * Opens the data folder, creating what is missing.
 * @param options.machineKey 32 bytes, or how to get them once the folder is this core's: two that start at once on a new folder must not make two keys.
 * @throws AppError STORE_IN_USE, STORE_NEWER, STORE_DAMAGED (workstation.db is never replaced), NOT_ALLOWED, DISK_FULL, DISK_FAILED.
 */
export function createStore(options: { readonly dir: string; readonly machineKey: Uint8Array | (() => Uint8Array) }): StorePort {
  const { dir, machineKey } = options;
  onDisk(dir, () => mkdirSync(dir, { recursive: true, mode: 0o700 }));
  const lock = lockFolder(dir);
  const open = new Set<AccountIndexPort>();
  try {
    const file = join(dir, 'workstation.db');
    refuseLostWorkstation(dir, file);
    const key = typeof machineKey === 'function' ? onDisk(dir, machineKey) : machineKey;
    const db = openDatabase({ file, key, migrations: workstationMigrations });
    const workstation = workstationStore(db);
    return {
      workstation,
      holdings: holdingsStore(db),
      freeing: freeingStore(db),
      pins: pinQueue(db),
      keptPins: keptPins(db),
      openAccount(account, key, formerKeys = []) {
        const opened = openAccount(dir, account, { key, formerKeys }, () => open.delete(opened.index));
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

function openAccount(
  dir: string,
  account: string,
  { key, formerKeys }: { readonly key: Uint8Array; readonly formerKeys: readonly Uint8Array[] },
  onClose: () => void,
): ReturnType<StorePort['openAccount']> {
  const file = accountFile(dir, account);
  const draftsFile = `${file.slice(0, -'.db'.length)}.drafts.db`;
  for (const one of [draftsFile, file]) changeKey(one, key, formerKeys);
  const drafts = openOrReplace({ file: draftsFile, key, migrations: draftMigrations, cacheKiB: 1024 }, (db) => db);
  try {
    // Not durable at each step: what a power cut takes with it is indexed again, from the cursor that went with it (design section 6).
    const index = openOrReplace({ file, key, migrations: accountMigrations, cacheKiB: accountCacheKiB, durable: false }, (db) =>
      accountIndex(db, drafts.opened, () => markDamaged(file), onClose),
    );
    return { index: index.opened, rebuilt: index.replaced, draftsLost: drafts.replaced };
  } catch (error) {
    drafts.opened.close();
    throw error;
  }
}

/** Opens a database that may be lost: a damaged one is set aside and begun anew. */
function openOrReplace<T>(options: Parameters<typeof openDatabase>[0], use: (db: Db) => T): { opened: T; replaced: boolean } {
  const { file } = options;
  const open = (): T => {
    const db = openDatabase(options);
    try {
      return translated(basename(file), () => use(db));
    } catch (error) {
      db.close();
      throw error;
    }
  };
  const marked = takeDamagedMark(file);
  if (marked) setAside(file);
  try {
    return { opened: open(), replaced: marked };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'STORE_DAMAGED') throw error;
    // What only could not be read this time is not put out of the way: it may be all that somebody typed.
    readThrough(file);
    setAside(file);
    return { opened: open(), replaced: true };
  }
}
