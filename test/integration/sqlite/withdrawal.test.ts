import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { migrate } from '../../../src-main/core/adapters/sqlite/migrate.ts';
import { initial } from '../../../src-main/core/adapters/sqlite/migrations/workstation/0001-initial.ts';
import { workstationMigrations } from '../../../src-main/core/adapters/sqlite/migrations/workstation/index.ts';
import { alice, block, bytes32, applied, commit, openStore, rejected } from './fixtures.ts';

const sent = (opIds: readonly string[]) => ({ hash: bytes32(1), nonce: 0, raw: '0x01', opIds, createdAt: 1 });
const idsOf = (made: readonly { operation: { opId: string } }[]) => made.map(({ operation }) => operation.opId);

describe('withdraw', () => {
  it('takes out all that was saved together and nothing else, and says what it was', () => {
    const { workstation } = openStore();
    const [before, first, second, after] = [commit(), commit(bytes32(21)), commit(bytes32(22)), commit()];
    workstation.enqueue([before]);
    workstation.enqueue([first, second]);
    workstation.enqueue([after]);
    expect(idsOf(workstation.savedWith(second.operation.opId))).toEqual(idsOf([first, second]));
    workstation.withdraw(second.operation.opId);
    expect(idsOf(workstation.pending(9))).toEqual(idsOf([before, after]));
    expect(workstation.withdrawnAfter(0).map(({ kind, patient, digest }) => ({ kind, patient, digest }))).toEqual(
      [21, 22].map((n) => ({ kind: 'Commit', patient: alice, digest: bytes32(n) })),
    );
    expect(() => workstation.withdraw(second.operation.opId)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
    // The same may be signed and saved again, and gets a place of its own.
    workstation.enqueue([second]);
    expect(workstation.operation(second.operation.opId)?.seq).toBeGreaterThan(4);
  });

  it('leaves everything where one of them was in a transaction once, whatever became of it', () => {
    const { workstation } = openStore();
    const [one, other] = [commit(), commit()];
    workstation.enqueue([one, other]);
    workstation.saveTransaction(sent([one.operation.opId]));
    workstation.dropTransaction(bytes32(1));
    expect(workstation.operation(one.operation.opId)).toMatchObject({ state: 'pending', handedOut: true });
    expect(() => workstation.withdraw(other.operation.opId)).toThrow(expect.objectContaining({ code: 'ALREADY_SENT' }));
    expect(workstation.pending(9)).toHaveLength(2);
  });

  it('leaves what was handed to another workstation, was anchored and rolled back, took the place of a refused one, or came from others', () => {
    const { workstation } = openStore();
    const [given, anchored, refused, replacement, foreign] = [commit(), commit(), commit(), commit(), commit()];
    for (const one of [given, anchored, refused]) workstation.enqueue([one]);
    workstation.noteHandedOut([given.operation.opId]);
    for (const one of [anchored, refused]) workstation.saveTransaction({ ...sent([one.operation.opId]), hash: one.operation.opId });
    workstation.applyEvents([applied(anchored, 5), rejected(refused, 5, 'EpochPassed(1)'), applied(foreign, 5, 2)], [block(5)]);
    workstation.enqueue([replacement], [refused.operation.opId]);
    workstation.rollBackTo(4);
    for (const [one, code] of [
      [given, 'ALREADY_SENT'],
      [anchored, 'ALREADY_SENT'],
      [replacement, 'ALREADY_SENT'],
      [foreign, 'NOT_FOUND'],
    ] as const)
      expect(() => workstation.withdraw(one.operation.opId)).toThrow(expect.objectContaining({ code }));
    expect(workstation.withdrawnAfter(0)).toEqual([]);
  });
});

describe('the outbox', () => {
  it('is counted by state and read in pages, the newest first', () => {
    const { workstation } = openStore();
    const made = Array.from({ length: 25 }, () => commit());
    workstation.enqueue(made);
    workstation.applyEvents(
      made.slice(0, 10).map((one, i) => applied(one, 1, i)),
      [block(1)],
    );
    workstation.applyEvents([applied(commit(), 2)], [block(2)]);
    expect(workstation.countMade()).toEqual({ pending: 15, submitted: 0, mined: 10, final: 0, rejected: 0 });
    const read = (states: readonly 'pending'[] | undefined) => {
      const seen: string[] = [];
      for (let before: number | undefined; ;) {
        const filter = { origin: 'here', order: 'seq', descending: true, limit: 4 } as const;
        const page = workstation.operations({ ...filter, ...(states ? { states } : {}), ...(before ? { beforeSeq: before } : {}) });
        if (page.length === 0) return seen;
        seen.push(...idsOf(page));
        before = page.at(-1)?.seq;
      }
    };
    expect(read(undefined)).toEqual(idsOf(made).reverse());
    expect(read(['pending'])).toEqual(idsOf(made.slice(10)).reverse());
  });

  it('knows commits behind a place by their compartment', () => {
    const { workstation } = openStore();
    workstation.enqueue([commit(), commit(), commit()]);
    expect(workstation.commitsAfter(1, 9)).toEqual([2, 3].map((seq) => ({ seq, compartment: bytes32(1) })));
    expect(workstation.commitsAfter(0, 1).map(({ seq }) => seq)).toEqual([1]);
    expect(workstation.lastSeq()).toBe(3);
  });
});

describe('a workstation.db of version 1', () => {
  it('is carried over; of what it holds, nothing may be withdrawn', () => {
    const db = new Database(':memory:');
    migrate(db, 'workstation.db', [initial]);
    db.exec(`INSERT INTO operations (op_id, kind, actor, issued_at, deadline, payload, signatures, state, origin, created_at, label)
      VALUES (x'${'01'.repeat(32)}', 60, '${alice}', 1, 2, x'00', '[]', 'pending', 'here', 3, 'Save a record')`);
    migrate(db, 'workstation.db', workstationMigrations);
    expect(db.prepare('SELECT state, origin, label, save, handed_out FROM operations').all()).toEqual([
      { state: 'pending', origin: 'here', label: 'Save a record', save: null, handed_out: 1 },
    ]);
  });
});

describe('a workstation.db of version 4', () => {
  it('is carried over; what it holds was signed in its own network', () => {
    const db = new Database(':memory:');
    migrate(db, 'workstation.db', workstationMigrations.slice(0, 4));
    db.exec(`INSERT INTO operations (op_id, kind, actor, issued_at, deadline, payload, signatures, state, origin, created_at, label)
      VALUES (x'${'01'.repeat(32)}', 60, '${alice}', 1, 2, x'00', '[]', 'pending', 'here', 3, 'Save a record')`);
    migrate(db, 'workstation.db', workstationMigrations);
    expect(db.prepare('SELECT label, predecessor FROM operations').all()).toEqual([{ label: 'Save a record', predecessor: null }]);
    expect(() => db.exec(`UPDATE operations SET predecessor = x'01'`)).toThrow(/CHECK/);
  });
});
