import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src-main/core/adapters/sqlite/database.ts';
import { migrate } from '../../../src-main/core/adapters/sqlite/migrate.ts';
import { workstationMigrations } from '../../../src-main/core/adapters/sqlite/migrations/workstation/index.ts';
import { createStore } from '../../../src-main/core/adapters/sqlite/store.ts';
import { workstationStore } from '../../../src-main/core/adapters/sqlite/workstation-store.ts';
import { AppError } from '../../../src-shared/errors.ts';
import { accountKey, alice, applied, block, commit, machineKey, openStore, patientRow, temporaryFolder } from './fixtures.ts';

const code = (step: () => unknown): string | undefined => {
  try {
    step();
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
  return undefined;
};
const storeModule = new URL('../../../src-main/core/adapters/sqlite/store.ts', import.meta.url).href;

/** A process of its own that opens the store and then runs a line of code; `lines` are what it prints. */
function otherProcess(dir: string, then: string) {
  const source = `
    import { createStore } from ${JSON.stringify(storeModule)};
    const store = createStore({ dir: ${JSON.stringify(dir)}, machineKey: new Uint8Array(32).fill(7) });
    console.log('open');
    ${then}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], { stdio: ['ignore', 'pipe', 'inherit'] });
  return { child, lines: createInterface({ input: child.stdout }) };
}

describe('the data folder', () => {
  it('is created, and holds what was put into it when it is opened again', () => {
    const dir = join(temporaryFolder(), 'new', 'folder');
    const first = createStore({ dir, machineKey });
    first.workstation.setSetting('clinic', { name: 'St. Mary' });
    first.close();
    expect(openStore(dir).workstation.setting('clinic')).toEqual({ name: 'St. Mary' });
  });

  it('shows nothing readable on the disk', () => {
    const dir = temporaryFolder();
    const store = openStore(dir);
    store.workstation.setSetting('clinic', 'St. Mary of the plain text');
    store.openAccount(alice, accountKey).index.upsertPatients([patientRow(1, { family: 'Featherstonehaugh' })]);
    const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const all = Buffer.concat(files.map((file) => readFileSync(join(file.parentPath, file.name)))).toString('latin1');
    expect(files.length).toBeGreaterThan(4);
    expect(all).not.toMatch(/plain text|featherstone|CREATE TABLE/i);
  });

  it('is refused while another process has it, and free again when that one was killed', async () => {
    const dir = temporaryFolder();
    const { child, lines } = otherProcess(dir, 'setInterval(() => store, 1000);');
    await once(lines, 'line');
    expect(code(() => createStore({ dir, machineKey }))).toBe('STORE_IN_USE');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(openStore(dir).workstation.people()).toEqual([]);
  });

  it('is refused a second time within one process', () => {
    const dir = temporaryFolder();
    openStore(dir);
    expect(code(() => createStore({ dir, machineKey }))).toBe('STORE_IN_USE');
  });

  it('holds every operation that was reported as saved when the process is killed', async () => {
    const dir = temporaryFolder();
    const { child, lines } = otherProcess(
      dir,
      `
      for (let n = 1; ; n++) {
        const opId = '0x' + n.toString(16).padStart(64, '0');
        const operation = { kind: 60, opId, actor: ${JSON.stringify(alice)}, issuedAt: 1, deadline: 2, payload: '0x', signatures: [] };
        store.workstation.enqueue([{ operation, decoded: { kind: 'Commit', payload: {} }, label: '' }]);
        process.stdout.write(opId + '\\n');
        await new Promise(setImmediate);
      }`,
    );
    const saved: string[] = [];
    for await (const line of lines) {
      if (line !== 'open') saved.push(line);
      if (saved.length === 50) child.kill('SIGKILL');
    }
    const { workstation } = openStore(dir);
    expect(saved.length).toBeGreaterThanOrEqual(50);
    expect(saved.filter((opId) => workstation.operation(opId) === undefined)).toEqual([]);
  });
});

describe('workstation.db', () => {
  it('is left as it is where the key is another one', () => {
    const dir = temporaryFolder();
    createStore({ dir, machineKey }).close();
    const before = readFileSync(join(dir, 'workstation.db'));
    expect(code(() => createStore({ dir, machineKey: new Uint8Array(32).fill(8) }))).toBe('STORE_DAMAGED');
    expect(readFileSync(join(dir, 'workstation.db')).equals(before)).toBe(true);
    openStore(dir);
  });

  it('is left as it is where it is damaged', () => {
    const dir = temporaryFolder();
    createStore({ dir, machineKey }).close();
    writeFileSync(join(dir, 'workstation.db'), 'not a database at all'.repeat(500));
    expect(code(() => createStore({ dir, machineKey }))).toBe('STORE_DAMAGED');
    expect(readFileSync(join(dir, 'workstation.db'), 'latin1')).toMatch(/^not a database/);
  });

  it('is not begun anew where it went missing from a folder in use', () => {
    const dir = temporaryFolder();
    const store = createStore({ dir, machineKey });
    store.openAccount(alice, accountKey);
    store.close();
    rmSync(join(dir, 'workstation.db'));
    expect(code(() => createStore({ dir, machineKey }))).toBe('STORE_DAMAGED');
  });

  it('of the version before keeps its operations, and takes the time of a block from then on', () => {
    const file = join(temporaryFolder(), 'workstation.db');
    const before = openDatabase({ file, key: machineKey, migrations: workstationMigrations.slice(0, 2) });
    const insert = `INSERT INTO operations (op_id, kind, actor, issued_at, deadline, payload, signatures, state, origin, block, log_index, created_at, label)
      VALUES (?, 40, ?, 1, 2, x'00', '[]', 'final', 'ledger', 3, 0, 1, '')`;
    before.prepare(insert).run(Buffer.alloc(32, 1), alice);
    before.close();
    const store = workstationStore(openDatabase({ file, key: machineKey, migrations: workstationMigrations }));
    const made = commit();
    store.applyEvents([{ ...applied(made, 4), event: { ...applied(made, 4).event, blockTime: 77 } }], [block(4)]);
    expect(store.operations({}).map(({ block, blockTime }) => [block, blockTime])).toEqual([
      [3, null],
      [4, 77],
    ]);
    store.rollBackTo(3);
    expect(store.operation(made.operation.opId)).toMatchObject({ block: null, blockTime: null });
    store.close();
  });

  it('of a newer version is refused', () => {
    const dir = temporaryFolder();
    createStore({ dir, machineKey }).close();
    const db = openDatabase({ file: join(dir, 'workstation.db'), key: machineKey, migrations: workstationMigrations });
    db.pragma('user_version = 99');
    db.close();
    expect(code(() => createStore({ dir, machineKey }))).toBe('STORE_NEWER');
  });

  it('says that the disk is full, and keeps what was saved before', () => {
    const file = join(temporaryFolder(), 'workstation.db');
    const db = openDatabase({ file, key: machineKey, migrations: workstationMigrations });
    const store = workstationStore(db);
    const before = commit();
    store.enqueue([before]);
    db.pragma(`max_page_count = ${db.pragma('page_count', { simple: true }) as number}`);
    expect(code(() => store.enqueue(Array.from({ length: 2000 }, () => commit())))).toBe('DISK_FULL');
    expect(store.operations({}).map(({ operation }) => operation)).toEqual([before.operation]);
    store.close();
  });

  it('keeps people, and a changed passphrase of the same person', () => {
    const { workstation } = openStore();
    const sealed = { v: 1, kdf: { name: 'argon2id', memoryKiB: 19456, passes: 2, salt: 'AA' }, nonce: 'AA', ciphertext: 'AA' } as const;
    const person = { account: alice, name: 'Dr. Ada', encryptionKey: `0x${'11'.repeat(32)}`, sealed, createdAt: 5 };
    workstation.addPerson(person);
    workstation.addPerson({ ...person, sealed: { ...sealed, ciphertext: 'BB' }, createdAt: 6 });
    expect(workstation.people()).toEqual([{ ...person, sealed: { ...sealed, ciphertext: 'BB' } }]);
  });

  it('keeps what is written together as a whole or not at all', () => {
    const { workstation } = openStore();
    workstation.setSetting('before', 1);
    const broken = () =>
      workstation.atomically(() => {
        workstation.setSetting('clinic', 'half');
        workstation.enqueue([commit()]);
        throw new Error('ended here');
      });
    expect(broken).toThrow('ended here');
    expect([workstation.setting('before'), workstation.setting('clinic'), workstation.countOperations({})]).toEqual([1, undefined, 0]);
  });

  it('forgets everything when told so, and goes on counting', () => {
    const { workstation } = openStore();
    workstation.setSetting('clinic', 'one');
    workstation.enqueue([commit()]);
    const [before] = workstation.operations({});
    workstation.clear();
    expect([workstation.setting('clinic'), workstation.people(), workstation.operations({})]).toEqual([undefined, [], []]);
    workstation.enqueue([commit()]);
    expect(workstation.operations({})[0]?.seq).toBeGreaterThan(before?.seq ?? 0);
  });

  it('asks for the key only once the folder is its own', () => {
    const dir = temporaryFolder();
    const first = createStore({ dir, machineKey });
    let asked = false;
    const second = () =>
      createStore({
        dir,
        machineKey: () => {
          asked = true;
          return machineKey;
        },
      });
    expect([code(second), asked]).toEqual(['STORE_IN_USE', false]);
    first.close();
  });

  it('says that the folder cannot be made where a file is in its place', () => {
    const dir = join(temporaryFolder(), 'file');
    writeFileSync(dir, '');
    expect(code(() => createStore({ dir, machineKey }))).toBe('NOT_ALLOWED');
  });
});

describe("an account's index", () => {
  const accountFiles = (dir: string): string[] => readdirSync(join(dir, 'accounts')).filter((name) => !/-(wal|shm)$/.test(name));
  const indexFile = (dir: string): string => join(dir, 'accounts', `${alice.toLowerCase()}.db`);

  it('is set aside and begun anew where it cannot be read; drafts stay', () => {
    const dir = temporaryFolder();
    const first = createStore({ dir, machineKey });
    const { index, rebuilt } = first.openAccount(alice, accountKey);
    expect(rebuilt).toBe(false);
    index.upsertPatients([patientRow(1)]);
    index.saveDraft({ id: 'd1', patient: alice, kind: 'encounter', json: '{}', updatedAt: 1 });
    first.close();
    writeFileSync(indexFile(dir), Buffer.alloc(8192, 1));
    const second = openStore(dir).openAccount(alice, accountKey);
    expect(second).toMatchObject({ rebuilt: true, draftsLost: false });
    expect(second.index.countPatients()).toBe(0);
    expect(second.index.drafts().map(({ id }) => id)).toEqual(['d1']);
    expect(accountFiles(dir).some((name) => name.includes('.db.damaged-'))).toBe(true);
  });

  it('is begun anew at the next opening where damage is met in use', () => {
    const dir = temporaryFolder();
    const first = createStore({ dir, machineKey });
    first
      .openAccount(alice, accountKey)
      .index.upsertPatients(Array.from({ length: 300 }, (_, n) => patientRow(n, { family: `Family${n}` })));
    first.close();
    const bytes = readFileSync(indexFile(dir));
    // Pages of rows; those of the schema lie at the beginning, and are read at opening.
    bytes.fill(0x55, Math.floor(bytes.length / 2 / 4096) * 4096);
    writeFileSync(indexFile(dir), bytes);
    const second = createStore({ dir, machineKey });
    const opened = second.openAccount(alice, accountKey);
    expect(opened.rebuilt).toBe(false);
    expect(code(() => opened.index.patients({ limit: 1000, offset: 0 }))).toBe('STORE_DAMAGED');
    second.close();
    expect(openStore(dir).openAccount(alice, accountKey).rebuilt).toBe(true);
  });

  it('of another account is another one', () => {
    const store = openStore();
    store.openAccount(alice, accountKey).index.upsertPatients([patientRow(1)]);
    const other = store.openAccount('0x8617E340B3D01FA5F11F306F4090FD50E238070D', new Uint8Array(32).fill(1));
    expect(other.index.countPatients()).toBe(0);
  });

  it('has no path but that of an account', () => {
    const store = openStore();
    expect(code(() => store.openAccount('../../evil', accountKey))).toBe('INVALID_INPUT');
  });
});

describe('migrate', () => {
  const one = { version: 1, sql: 'CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1);' };
  const two = { version: 2, sql: 'ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y = x + 1;' };

  it('goes on from the version that is there', () => {
    const db = new Database(':memory:');
    migrate(db, 'x.db', [one]);
    migrate(db, 'x.db', [one, two]);
    expect(db.prepare('SELECT x, y FROM a').all()).toEqual([{ x: 1, y: 2 }]);
    expect(db.pragma('user_version', { simple: true })).toBe(2);
  });

  it('leaves the version before where one fails half-way', () => {
    const db = new Database(':memory:');
    migrate(db, 'x.db', [one]);
    expect(() => migrate(db, 'x.db', [one, { version: 2, sql: 'DROP TABLE a; SELECT nonsense;' }])).toThrow();
    expect(db.prepare('SELECT x FROM a').all()).toEqual([{ x: 1 }]);
    expect(db.pragma('user_version', { simple: true })).toBe(1);
  });

  it('numbers its steps without gaps', () => {
    expect(workstationMigrations.map(({ version }) => version)).toEqual(workstationMigrations.map((_, index) => index + 1));
  });
});
