import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { UncheckedCommit, WorkstationStorePort } from '../../../src-main/core/ports.ts';
import { alice, applied, block, bytes32, commit, openStore, rejected } from './fixtures.ts';
import type { Made } from './fixtures.ts';

const stateOf = (store: WorkstationStorePort, { operation }: Made) => store.operation(operation.opId);

describe('applyEvents', () => {
  it('adds what others made, and anchors what was made here', () => {
    const { workstation } = openStore();
    const [own, others] = [commit(), commit()];
    workstation.enqueue([own]);
    workstation.applyEvents([applied(own, 5, 0), applied(others, 5, 1)], [block(5)]);
    expect(stateOf(workstation, own)).toMatchObject({ state: 'mined', origin: 'here', block: 5, logIndex: 0, label: own.label });
    expect(stateOf(workstation, others)).toMatchObject({ state: 'mined', origin: 'ledger', block: 5, logIndex: 1 });
    expect(workstation.pending(10)).toEqual([]);
    expect(workstation.followedBlocks(10)).toEqual([block(5)]);
  });

  it('is all or nothing, cursor included', () => {
    const { workstation } = openStore();
    const incomplete = { event: { ...applied(commit(), 6).event, operation: undefined } };
    expect(() => workstation.applyEvents([applied(commit(), 6), incomplete], [block(6)])).toThrow();
    expect(workstation.countOperations({})).toBe(0);
    expect(workstation.followedBlocks(1)).toEqual([]);
  });

  it('rejects only what is not applied', () => {
    const { workstation } = openStore();
    const [own, others, done] = [commit(), commit(), commit()];
    workstation.enqueue([own, done]);
    workstation.applyEvents([applied(others, 5), applied(done, 5, 1)], [block(5)]);
    const reason = 'WriteNotGranted()';
    workstation.applyEvents([rejected(own, 6, reason), rejected(others, 6, reason), rejected(done, 6, reason)], [block(6)]);
    expect([own, others, done].map((one) => stateOf(workstation, one)?.state)).toEqual(['rejected', 'mined', 'mined']);
  });

  it('rejects what others made once the ledger took it back and refuses it, until that is taken back too', () => {
    const { workstation } = openStore();
    const others = commit();
    workstation.applyEvents([applied(others, 5)], [block(5)]);
    workstation.rollBackTo(4);
    workstation.applyEvents([rejected(others, 6, 'EpochPassed(1)')], [block(6)]);
    expect(stateOf(workstation, others)).toMatchObject({ state: 'rejected', origin: 'ledger', rejectReason: 'EpochPassed(1)' });
    workstation.rollBackTo(5);
    expect(stateOf(workstation, others)).toMatchObject({ state: 'pending', rejectReason: null });
  });

  it('takes an operation that another relayer brought for no refusal', () => {
    const { workstation } = openStore();
    const own = commit();
    workstation.enqueue([own]);
    workstation.applyEvents([rejected(own, 5, 'OpIdUsed(0x01, 4)')], [block(5)]);
    expect(stateOf(workstation, own)).toMatchObject({ state: 'pending', rejectReason: null });
  });

  it('takes a refusal back when the operation is applied later', () => {
    const { workstation } = openStore();
    const own = commit();
    workstation.enqueue([own]);
    workstation.applyEvents([rejected(own, 5, 'EpochPassed(3)'), applied(own, 6)], [block(6)]);
    expect(stateOf(workstation, own)).toMatchObject({ state: 'mined', rejectReason: null, block: 6 });
  });

  it('passes over a kind that only a later version knows', () => {
    const { workstation } = openStore();
    const later = commit();
    const event = applied({ ...later, operation: { ...later.operation, kind: 199 } }, 5).event;
    workstation.applyEvents([{ event }, applied(commit(), 5, 1)], [block(5)]);
    expect(workstation.countOperations({})).toBe(1);
  });
});

describe('finalize', () => {
  it('makes final what is at or below the block, and reading again does not undo it', () => {
    const { workstation } = openStore();
    const [old, recent] = [commit(), commit()];
    workstation.applyEvents([applied(old, 5), applied(recent, 8)], [block(8)]);
    workstation.finalize(6);
    workstation.applyEvents([applied(old, 5)], [block(8)]);
    expect([old, recent].map((one) => stateOf(workstation, one)?.state)).toEqual(['final', 'mined']);
  });
});

describe('rollBackTo', () => {
  it('takes the anchors above the block, refusals too, and only what was made here is sent again', () => {
    const { workstation } = openStore();
    const [own, others, refused, kept] = [commit(), commit(), commit(), commit()];
    workstation.enqueue([own, refused]);
    workstation.applyEvents(
      [applied(kept, 5), applied(own, 7, 0), applied(others, 7, 1), rejected(refused, 7, 'EpochPassed(3)')],
      [block(5), block(7)],
    );
    workstation.finalize(7);
    workstation.rollBackTo(6);
    expect(stateOf(workstation, kept)).toMatchObject({ state: 'final', block: 5 });
    expect(stateOf(workstation, others)).toMatchObject({ state: 'pending', origin: 'ledger', block: null, txHash: null });
    expect(stateOf(workstation, refused)).toMatchObject({ state: 'pending', rejectReason: null });
    expect(workstation.pending(10).map(({ operation }) => operation.opId)).toEqual([own, refused].map(({ operation }) => operation.opId));
    expect(workstation.followedBlocks(10)).toEqual([block(5)]);
  });

  it('to before the first block forgets all of the ledger', () => {
    const { workstation } = openStore();
    workstation.applyEvents([applied(commit(), 0)], [block(0)]);
    workstation.rollBackTo(-1);
    expect(workstation.followedBlocks(1)).toEqual([]);
    expect(workstation.countOperations({ states: ['pending'] })).toBe(1);
  });

  it('and reading again end where reading the new chain alone would have', () => {
    // Each operation: its block on the old chain and on the new one (0: not on it), and whether it was made here.
    const place = fc.record({ old: fc.nat(6), now: fc.nat(6), here: fc.boolean() });
    fc.assert(
      fc.property(fc.array(place, { maxLength: 8 }), fc.nat(6), (places, fork) => {
        const stores = [openStore().workstation, openStore().workstation] as const;
        // Up to the fork both chains are one.
        const operations = places.map((p) => ({
          ...p,
          now: p.old !== 0 && p.old <= fork ? p.old : p.now <= fork ? 0 : p.now,
          op: commit(),
        }));
        const chain = (of: 'old' | 'now') =>
          operations
            .filter((one) => one[of] !== 0)
            .sort((a, b) => a[of] - b[of])
            .map((one) => applied(one.op, one[of], operations.indexOf(one)));
        const own = operations.filter(({ here }) => here).map(({ op }) => op);
        for (const store of stores) store.enqueue(own);
        const [reorganized, direct] = stores;
        reorganized.applyEvents(
          chain('old'),
          [1, 2, 3, 4, 5, 6].map((n) => block(n)),
        );
        reorganized.rollBackTo(fork);
        reorganized.applyEvents(
          chain('now').filter(({ event }) => event.block > fork),
          [{ number: 6, hash: bytes32(0x66) }],
        );
        direct.applyEvents(chain('now'), [block(6)]);
        for (const { op, old, now, here } of operations) {
          // What was only on the old chain and made elsewhere is still known, waiting for whoever made it.
          const expected = stateOf(direct, op) ?? (old !== 0 ? { state: 'pending', origin: 'ledger', block: null } : undefined);
          const found = stateOf(reorganized, op);
          expect(found && [found.state, found.block, found.origin]).toEqual(expected && [expected.state, expected.block, expected.origin]);
          expect(reorganized.pending(100).some(({ operation }) => operation.opId === op.operation.opId)).toBe(here && now === 0);
        }
      }),
      { numRuns: 15 },
    );
  });
});

describe('commits that are still to be checked', () => {
  const unchecked = (of: Made, place: number, logIndex = 0): UncheckedCommit => ({
    event: applied(of, place, logIndex).event,
    compartment: bytes32(1),
    signer: alice,
    wanted: false,
  });

  it('are known to nobody until they are settled', () => {
    const { workstation } = openStore();
    const [first, second, third] = [commit(), commit(), commit()];
    const all = [unchecked(first, 5), unchecked(second, 5, 1), unchecked(third, 6)];
    workstation.applyEvents([], [block(5), block(6)], -1, all);
    expect(workstation.countOperations({})).toBe(0);
    expect(workstation.countUnchecked()).toBe(3);
    const settled = [
      { commit: all[2]!, decoded: third.decoded },
      { commit: all[1]!, decoded: null },
      { commit: all[0]!, decoded: first.decoded },
    ];
    expect(workstation.settleChecked(settled, 5)).toEqual([all[1]]);
    expect([first, second, third].map((one) => stateOf(workstation, one)?.state)).toEqual(['final', undefined, 'mined']);
    expect(stateOf(workstation, first)?.seq).toBeLessThan(stateOf(workstation, third)?.seq ?? 0);
    expect(workstation.countUnchecked()).toBe(0);
  });

  it('are offered by compartment, the one with the newest first, each in the order of the ledger', () => {
    const { workstation } = openStore();
    const of = (compartment: number, place: number, logIndex = 0) => ({
      ...unchecked(commit(), place, logIndex),
      compartment: bytes32(compartment),
    });
    const all = [of(1, 3), of(2, 3, 1), of(1, 4), of(3, 5), of(2, 6), of(1, 7)];
    workstation.applyEvents([], [block(7)], -1, all);
    expect(workstation.uncheckedCommits(true, 10)).toEqual([]);
    expect(workstation.uncheckedCommits(false, 10)).toEqual([0, 2, 5, 1, 4, 3].map((i) => all[i]));
    expect(workstation.uncheckedCommits(false, 2)).toEqual([all[0], all[2]]);
    workstation.wantUnchecked([bytes32(9), bytes32(3), bytes32(2)]);
    const asWanted = (commits: readonly (UncheckedCommit | undefined)[]) => commits.map((one) => ({ ...one, wanted: true }));
    expect(workstation.uncheckedCommits(true, 10)).toEqual(asWanted([1, 4, 3].map((i) => all[i])));
    // One more came of a compartment that was asked for.
    const later = { ...of(3, 8), wanted: true };
    workstation.applyEvents([], [block(8)], -1, [later]);
    expect(workstation.uncheckedCommits(true, 10)).toEqual(asWanted([all[3], later, all[1], all[4]]));
  });

  it('go with their blocks, and are not settled where they stand elsewhere meanwhile', () => {
    const { workstation } = openStore();
    const [stays, moves, goes] = [commit(), commit(), commit()];
    const read = [unchecked(stays, 5), unchecked(moves, 6), unchecked(goes, 6, 1)];
    workstation.applyEvents([], [block(5), block(6)], -1, read);
    workstation.rollBackTo(5);
    workstation.applyEvents([], [block(7)], -1, [unchecked(moves, 7)]);
    const settled = [stays, moves, goes].map(({ decoded }, i) => ({ commit: read[i]!, decoded }));
    expect(workstation.countUnchecked()).toBe(2);
    expect(workstation.settleChecked(settled, 7)).toEqual([]);
    expect([stays, moves, goes].map((one) => stateOf(workstation, one)?.state)).toEqual(['final', undefined, undefined]);
    expect(workstation.uncheckedCommits(false, 10)).toEqual([unchecked(moves, 7)]);
  });

  it('are recorded with the blocks or not at all', () => {
    const { workstation } = openStore();
    const incomplete = { event: { ...applied(commit(), 6).event, operation: undefined } };
    expect(() => workstation.applyEvents([incomplete], [block(6)], -1, [unchecked(commit(), 6)])).toThrow();
    expect(workstation.countUnchecked()).toBe(0);
  });
});
