/**
 * `workstation.db`: settings, the people who log in here, operations with their outbox, and the follower's place on the ledger. It holds
 * no decrypted clinical data, so that sending and following go on while nobody is logged in.
 */
import type { PersonRow, SealedSecret, WorkstationStorePort } from '../../ports.ts';
import type { Db } from './database.ts';
import { translating } from './errors.ts';
import { FollowerTable } from './follower-table.ts';
import { OperationTable } from './operation-table.ts';
import { PeerOperations } from './peer-operations.ts';

/** The port over an open, migrated database; `close` closes it. */
export function workstationStore(db: Db): WorkstationStorePort {
  const operations = new OperationTable(db);
  const follower = new FollowerTable(db);
  const peers = new PeerOperations(db);
  const getSetting = db.prepare('SELECT value FROM settings WHERE name = ?');
  const setSetting = db.prepare('INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value');
  const removeSetting = db.prepare('DELETE FROM settings WHERE name = ?');
  const people = db.prepare('SELECT account, name, encryption_key, sealed, created_at FROM people ORDER BY name COLLATE NOCASE, account');
  // Adding again is how a changed passphrase is kept: the person stays the same one.
  const addPerson = db.prepare(`
    INSERT INTO people (account, name, encryption_key, sealed, created_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (account) DO UPDATE SET name = excluded.name, encryption_key = excluded.encryption_key, sealed = excluded.sealed`);

  return translating<WorkstationStorePort>('workstation.db', {
    setting<T>(name: string): T | undefined {
      const row = getSetting.get(name) as { value: string } | undefined;
      return row && (JSON.parse(row.value) as T);
    },
    setSetting(name, value) {
      if (value === undefined) removeSetting.run(name);
      else setSetting.run(name, JSON.stringify(value));
    },
    people() {
      const rows = people.all() as { account: string; name: string; encryption_key: string; sealed: string; created_at: number }[];
      return rows.map((row): PersonRow => ({
        account: row.account,
        name: row.name,
        encryptionKey: row.encryption_key,
        sealed: JSON.parse(row.sealed) as SealedSecret,
        createdAt: row.created_at,
      }));
    },
    addPerson(person) {
      addPerson.run(person.account, person.name, person.encryptionKey, JSON.stringify(person.sealed), person.createdAt);
    },
    atomically: (step) => db.transaction(step).immediate(),
    clear() {
      // Ids of operations go on from where they were: an index that is still open must not take new ones for those it has seen.
      const tables = [
        'settings',
        'people',
        'transaction_operations',
        'transactions',
        'operations',
        'followed_blocks',
        'unchecked_commits',
        'withdrawn',
        'copies',
        'holders',
        'promises',
        'visits',
      ];
      db.transaction(() => tables.forEach((table) => db.exec(`DELETE FROM ${table}`))).immediate();
    },
    enqueue: (list, replaces) => operations.enqueue(list, replaces),
    enqueueWithPerson(person, list) {
      db.transaction(() => {
        addPerson.run(person.account, person.name, person.encryptionKey, JSON.stringify(person.sealed), person.createdAt);
        operations.enqueue(list);
      }).immediate();
    },
    operation: (opId) => operations.operation(opId),
    operations: (filter) => operations.operations(filter),
    countOperations: (filter) => operations.countOperations(filter),
    pending: (limit) => operations.pending(limit),
    addFromPeer: (list) => peers.add(list),
    markPublished: (opIds) => peers.markPublished(opIds),
    awaitBlocks: (opIds) => peers.awaitBlocks(opIds),
    awaitingBlocks: (limit, afterSeq) => peers.awaiting(limit, afterSeq),
    noteBlocks: (opId) => peers.noteBlocks(opId),
    countMade: () => operations.countMade(),
    lastSeq: () => operations.lastSeq(),
    commitsAfter: (seq, limit) => operations.commitsAfter(seq, limit),
    savedWith: (opId) => operations.savedWith(opId),
    withdraw: (opId) => operations.withdraw(opId),
    withdrawnAfter: (seq) => operations.withdrawnAfter(seq),
    noteHandedOut: (opIds) => operations.noteHandedOut(opIds),
    moveFrom: (domain, left) => operations.moveFrom(domain, left),
    retry: (opId) => operations.retry(opId),
    saveTransaction: (transaction) => operations.saveTransaction(transaction),
    openTransactions: () => operations.openTransactions(),
    dropTransaction: (hash) => operations.dropTransaction(hash),
    applyEvents: (events, blocks, finalTo, unchecked) => follower.applyEvents(events, blocks, finalTo, unchecked),
    uncheckedCommits: (wanted, limit) => follower.unchecked.newest(wanted, limit),
    countUnchecked: () => follower.unchecked.count(),
    wantUnchecked: (compartments) => follower.unchecked.want(compartments),
    settleChecked: (checked, finalTo) => follower.settleChecked(checked, finalTo),
    finalize: (block) => follower.finalize(block),
    followedBlocks: (limit) => follower.followedBlocks(limit),
    rollBackTo: (number) => follower.rollBackTo(number),
    close() {
      db.close();
    },
  });
}
