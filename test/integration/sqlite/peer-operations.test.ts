import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src-main/core/adapters/sqlite/database.ts';
import { workstationMigrations } from '../../../src-main/core/adapters/sqlite/migrations/workstation/index.ts';
import { peers } from '../../../src-main/core/adapters/sqlite/migrations/workstation/0004-peers.ts';
import { workstationStore } from '../../../src-main/core/adapters/sqlite/workstation-store.ts';
import { applied, bytes32, commit, machineKey, openStore, temporaryFolder, type Made } from './fixtures.ts';

const brought = (made: Made, awaitsBlocks = true) => ({ operation: made.operation, decoded: made.decoded, awaitsBlocks });

describe('operations of other workstations', () => {
  it('are kept once, as not made here, until the ledger has them; then they are the ledger’s', () => {
    const { workstation: store } = openStore();
    const [theirs, own] = [commit(), commit()];
    store.enqueue([own]);
    expect(store.addFromPeer([brought(theirs), brought(own), brought(theirs)])).toEqual([theirs.operation.opId]);
    expect(store.operation(theirs.operation.opId)).toMatchObject({ origin: 'peer', state: 'pending', block: null, published: false });
    expect(store.operation(own.operation.opId)).toMatchObject({ origin: 'here', awaitsBlocks: false });
    expect(store.pending(10).map(({ operation }) => operation.opId)).toEqual([own.operation.opId]);
    expect(store.operations({ origin: 'peer' })).toHaveLength(1);
    expect(store.operations({ origin: 'ledger' })).toHaveLength(0);
    store.applyEvents([applied(theirs, 5)], [{ number: 5, hash: bytes32(5) }]);
    expect(store.operation(theirs.operation.opId)).toMatchObject({ origin: 'peer', state: 'mined', block: 5 });
    store.rollBackTo(4);
    expect(store.operation(theirs.operation.opId)).toMatchObject({ origin: 'peer', state: 'pending', block: null });
  });

  it('are refused like one’s own, where this workstation’s transaction carried them', () => {
    const { workstation: store } = openStore();
    const theirs = commit();
    store.addFromPeer([brought(theirs)]);
    const { opId } = theirs.operation;
    const event = {
      type: 'rejected',
      opId,
      reason: 'EpochPassed(3)',
      block: 7,
      blockHash: bytes32(7),
      logIndex: 0,
      txHash: bytes32(1),
    } as const;
    store.applyEvents([{ event }], [{ number: 7, hash: bytes32(7) }]);
    expect(store.operation(opId)).toMatchObject({ state: 'rejected', rejectReason: 'EpochPassed(3)' });
  });

  it('wait for their blocks, in the order in which they came', () => {
    const { workstation: store } = openStore();
    const [first, second, whole] = [commit(), commit(), commit()];
    store.addFromPeer([brought(first), brought(second), brought(whole, false)]);
    const ids = () => store.awaitingBlocks(10, 0).map(({ operation }) => operation.opId);
    expect(ids()).toEqual([first.operation.opId, second.operation.opId]);
    store.noteBlocks(first.operation.opId);
    expect(ids()).toEqual([second.operation.opId]);
    store.awaitBlocks([whole.operation.opId]);
    expect(ids()).toEqual([second.operation.opId, whole.operation.opId]);
  });

  it('are told once that another workstation holds them', () => {
    const { workstation: store } = openStore();
    const own = commit();
    store.enqueue([own]);
    expect(store.markPublished([own.operation.opId, bytes32(9)])).toEqual([own.operation.opId]);
    expect(store.markPublished([own.operation.opId])).toEqual([]);
    expect(store.operation(own.operation.opId)?.published).toBe(true);
  });
});

it('a store from before peers opens with all that was in it', () => {
  const file = join(temporaryFolder(), 'workstation.db');
  const before = openDatabase({ file, key: machineKey, migrations: workstationMigrations.slice(0, peers.version - 1) });
  const insert = before.prepare(`
    INSERT INTO operations (op_id, kind, actor, issued_at, deadline, payload, signatures, state, origin, created_at, label)
    VALUES (?, 60, '0x52908400098527886E0F7030069857D2E4169EE7', 1, 2, x'00', '[]', 'pending', ?, 3, 'Records')`);
  insert.run(Buffer.alloc(32, 1), 'here');
  insert.run(Buffer.alloc(32, 2), 'ledger');
  before.close();
  const store = workstationStore(openDatabase({ file, key: machineKey, migrations: workstationMigrations }));
  expect(store.operations({ order: 'seq' })).toMatchObject([
    { seq: 1, origin: 'here', state: 'pending', published: false, awaitsBlocks: false },
    { seq: 2, origin: 'ledger', state: 'pending', published: false, awaitsBlocks: false },
  ]);
  store.close();
});
