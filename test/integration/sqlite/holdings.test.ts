import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Holder } from '../../../src-main/core/ports.ts';
import { openDatabase } from '../../../src-main/core/adapters/sqlite/database.ts';
import { holdingsStore } from '../../../src-main/core/adapters/sqlite/holdings-table.ts';
import { availability } from '../../../src-main/core/adapters/sqlite/migrations/workstation/0006-availability.ts';
import { kindsOfCopies } from '../../../src-main/core/adapters/sqlite/migrations/workstation/0008-kinds-of-copies.ts';
import { workstationMigrations } from '../../../src-main/core/adapters/sqlite/migrations/workstation/index.ts';
import { OperationTable } from '../../../src-main/core/adapters/sqlite/operation-table.ts';
import { workstationStore } from '../../../src-main/core/adapters/sqlite/workstation-store.ts';
import { bytes32, commit, machineKey, openStore, temporaryFolder } from './fixtures.ts';

const none = { whole: false, freed: false, computers: 0, hubs: 0, outside: 0 };
const [a, b, c] = [bytes32(1), bytes32(2), bytes32(3)];
const holder = (name: string, more: Partial<Holder> = {}): Holder => ({
  ...{ holder: name, kind: 'workstation', place: 1, run: `0x${'11'.repeat(16)}`, confirmedAt: 1000 },
  ...more,
});

describe('what is held', () => {
  it('gives each change a new place, also after the newest was taken out', () => {
    const { holdings, workstation } = openStore();
    const made = commit();
    workstation.enqueue([made]);
    expect(holdings.note([{ opId: a, whole: false, records: 0 }])).toBe(true);
    expect(holdings.note([{ opId: made.operation.opId, whole: true, records: 2 }])).toBe(true);
    expect(holdings.note([{ opId: a, whole: false, records: 0 }])).toBe(false);
    expect(holdings.changesAfter(0, 10).map(({ opId }) => opId)).toEqual([a, made.operation.opId]);
    workstation.withdraw(made.operation.opId);
    expect(holdings.holding(made.operation.opId)).toBeUndefined();
    holdings.note([{ opId: a, whole: true, records: 3 }]);
    expect(holdings.changesAfter(2, 10)).toEqual([{ place: 3, opId: a, whole: true, pinned: false }]);
    expect(holdings.lastPlace()).toBe(3);
  });

  it('counts copies, whichever became known first', () => {
    const { holdings } = openStore();
    holdings.hear(
      holder('P'),
      [
        { opId: a, whole: true },
        { opId: b, whole: true },
      ],
      false,
    );
    holdings.note([{ opId: a, whole: true, records: 2 }]);
    holdings.note([{ opId: c, whole: false, records: 1 }]);
    holdings.hear(
      holder('Q', { kind: 'hub' }),
      [
        { opId: a, whole: true },
        { opId: a, whole: true },
        { opId: c, whole: true },
      ],
      false,
    );
    expect(holdings.holding(a)?.copies).toBe(2);
    expect(holdings.tally()).toEqual([
      { ...none, computers: 1, hubs: 1, operations: 1, records: 1 },
      { ...none, whole: true, computers: 2, hubs: 1, operations: 1, records: 2 },
    ]);
    expect(holdings.holdersOf(a).map(({ holder, kind }) => [holder, kind])).toEqual([
      ['P', 'workstation'],
      ['Q', 'hub'],
    ]);
    expect(holdings.countOf('P')).toBe(2);
  });

  it('forgets what a holder takes back, what it said before it began anew, and a holder that is gone', () => {
    const { holdings } = openStore();
    holdings.note([{ opId: a, whole: true, records: 1 }]);
    holdings.note([{ opId: b, whole: true, records: 1 }]);
    const both = [
      { opId: a, whole: true },
      { opId: b, whole: true },
    ];
    holdings.hear(holder('P'), both, false);
    holdings.hear(holder('P', { place: 2 }), [{ opId: a, whole: false }], false);
    expect([a, b].map((id) => holdings.holding(id)?.copies)).toEqual([0, 1]);
    holdings.hear(holder('P', { place: 1 }), [{ opId: a, whole: true }], true);
    expect([a, b].map((id) => holdings.holding(id)?.copies)).toEqual([1, 0]);
    holdings.forget('P');
    holdings.forget('nobody');
    expect([a, b].map((id) => holdings.holding(id)?.copies)).toEqual([0, 0]);
    expect(holdings.tally()).toEqual([{ ...none, whole: true, operations: 2, records: 2 }]);
    expect(holdings.holders()).toEqual([]);
  });

  it('counts copies by kind of holder, also of one that is another kind from now on', () => {
    const { holdings } = openStore();
    holdings.note([{ opId: a, whole: true, records: 1 }]);
    holdings.hear(holder('P'), [{ opId: a, whole: true }], false);
    holdings.hear(holder('pinning:1', { kind: 'pinning' }), [{ opId: a, whole: true }], false);
    expect(holdings.tally()).toEqual([{ ...none, whole: true, computers: 1, outside: 1, operations: 1, records: 1 }]);
    holdings.hear(holder('P', { kind: 'hub' }), [], false);
    expect(holdings.tally()).toEqual([{ ...none, whole: true, computers: 1, hubs: 1, outside: 1, operations: 1, records: 1 }]);
    holdings.forget('pinning:1');
    holdings.hear(holder('P'), [{ opId: a, whole: true }], true);
    expect(holdings.tally()).toEqual([{ ...none, whole: true, computers: 1, operations: 1, records: 1 }]);
    expect(holdings.holding(a)?.copies).toBe(1);
  });

  it('tells anew what a service has pinned here, with all else as it was', () => {
    const { holdings, freeing } = openStore();
    holdings.note([a, b, c].map((opId) => ({ opId, whole: true, records: 1 })));
    freeing.decide(c);
    const own = holder('pinning:1', { kind: 'pinning', place: 0 });
    holdings.hear(own, [{ opId: a, whole: true }], false);
    holdings.hear(holder('outside:P', { kind: 'pinning' }), [{ opId: b, whole: true }], false);
    const place = holdings.lastPlace();
    const before = holdings.tally();
    holdings.retell([a, c, bytes32(99)]);
    expect(holdings.tally()).toEqual(before);
    expect(holdings.changesAfter(place, 10)).toEqual([
      { place: place + 1, opId: a, whole: true, pinned: true },
      { place: place + 2, opId: c, whole: false, pinned: false },
    ]);
    expect([holdings.holding(c)?.freed, freeing.decided()]).toEqual([true, [c]]);
    expect(holdings.forget('pinning:1')).toEqual([a]);
    expect(holdings.changesAfter(0, 10).some(({ pinned }) => pinned)).toBe(false);
  });

  it('is nothing any more when the workstation is cleared', () => {
    const { holdings, workstation } = openStore();
    const made = commit();
    workstation.enqueue([made]);
    holdings.note([{ opId: made.operation.opId, whole: true, records: 1 }]);
    holdings.hear(holder('P'), [{ opId: made.operation.opId, whole: true }], false);
    workstation.clear();
    expect([holdings.tally(), holdings.holders(), holdings.changesAfter(0, 10)]).toEqual([[], [], []]);
  });
});

it('what was counted before kinds were is counted by kind afterwards', () => {
  const file = join(temporaryFolder(), 'workstation.db');
  const before = openDatabase({ file, key: machineKey, migrations: workstationMigrations.slice(0, kindsOfCopies.version - 1) });
  before.exec(`
    INSERT INTO holdings (op_id, whole, records, copies) VALUES (x'${a.slice(2)}', 1, 2, 0), (x'${b.slice(2)}', 1, 3, 0);
    INSERT INTO holders VALUES (1, 'P', 'hub', 1, x'${'11'.repeat(16)}', 1), (2, 'pinning:1', 'pinning', 0, x'${'00'.repeat(16)}', 1);
    INSERT INTO copies VALUES (x'${a.slice(2)}', 1), (x'${a.slice(2)}', 2)`);
  before.close();
  const db = openDatabase({ file, key: machineKey, migrations: workstationMigrations });
  expect(holdingsStore(db).tally()).toEqual([
    { ...none, whole: true, operations: 1, records: 3 },
    { ...none, whole: true, computers: 1, hubs: 1, outside: 1, operations: 1, records: 2 },
  ]);
  db.close();
});

it('a store from before opens with all that was in it, and nothing held yet', () => {
  const file = join(temporaryFolder(), 'workstation.db');
  const made = commit();
  const before = openDatabase({ file, key: machineKey, migrations: workstationMigrations.slice(0, availability.version - 1) });
  new OperationTable(before).enqueue([made]);
  before.close();
  const db = openDatabase({ file, key: machineKey, migrations: workstationMigrations });
  expect(workstationStore(db).operation(made.operation.opId)).toBeDefined();
  expect(holdingsStore(db).tally()).toEqual([]);
  holdingsStore(db).note([{ opId: made.operation.opId, whole: true, records: 1 }]);
  workstationStore(db).withdraw(made.operation.opId);
  expect(holdingsStore(db).tally()).toEqual([]);
  db.close();
});
