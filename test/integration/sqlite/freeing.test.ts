import { createHash, randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { CID } from 'multiformats/cid';
import { create } from 'multiformats/hashes/digest';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createBlockstore } from '../../../src-main/core/adapters/sqlite/blockstore.ts';
import type { FreeableFilter, HolderKind } from '../../../src-main/core/ports.ts';
import { alice, applied, block, bob, bytes32, commit, openStore, temporaryFolder } from './fixtures.ts';

const all: FreeableFilter = { issuedBefore: 2_000_000_000, unseenSince: 0, computers: 1, hub: false, outside: false };
const run = `0x${'11'.repeat(16)}`;
const round = (n: number) => new Uint8Array(16).fill(n);

const holder = (name: string, kind: HolderKind) => ({ holder: name, kind, place: 1, run, confirmedAt: 1 });

describe('what may be freed', () => {
  const prepare = () => {
    const store = openStore();
    const [old, recent, ofBob, mined] = [commit(), commit(undefined, alice, { issuedAt: 1_795_000_000 }), commit(undefined, bob), commit()];
    const { workstation, holdings } = store;
    workstation.applyEvents([applied(old, 5), applied(recent, 5, 1), applied(ofBob, 5, 2)], [block(5)]);
    workstation.finalize(5);
    workstation.applyEvents([applied(mined, 6)], [block(6)]);
    const ids = [old, recent, ofBob, mined].map(({ operation }) => operation.opId);
    holdings.note(ids.map((opId) => ({ opId, whole: true, records: 2 })));
    holdings.hear(
      holder('P', 'workstation'),
      ids.map((opId) => ({ opId, whole: true })),
      true,
    );
    const [a = '', b = '', c = ''] = ids;
    const found = (filter: Partial<FreeableFilter> = {}) => store.freeing.freeable({ ...all, ...filter }, 0, 10).map(({ opId }) => opId);
    return { ...store, a, b, c, found };
  };

  it('is final, whole here, old, of nobody who was seen lately, and held by as many others as are wanted', () => {
    const { freeing, holdings, a, b, c, found } = prepare();
    expect(found()).toEqual([a, b, c]);
    expect(found({ issuedBefore: 1_791_000_000 })).toEqual([a, c]);
    expect(found({ computers: 2 })).toEqual([]);
    expect(found({ hub: true })).toEqual([]);
    expect(found({ outside: true })).toEqual([]);
    holdings.hear(holder('pinning:1', 'pinning'), [{ opId: a, whole: true }], true);
    expect(found({ outside: true })).toEqual([a]);
    // A pin is no promise of a computer.
    expect(found({ computers: 2 })).toEqual([]);
    holdings.hear(holder('Q', 'hub'), [{ opId: c, whole: true }], true);
    expect(found({ hub: true, computers: 2 })).toEqual([c]);
    freeing.noteVisit(bob.toLowerCase(), 100);
    expect(found({ unseenSince: 99 })).toEqual([a, b]);
    expect(found({ unseenSince: 100 })).toEqual([a, b, c]);
    expect(freeing.lastVisit(bob)).toBe(100);
    holdings.note([{ opId: a, whole: false, records: 2 }]);
    expect(found()).toEqual([b]);
  });

  it('is decided once, told to the others as a change, and goes on counting as freed until it is kept again', () => {
    const { freeing, holdings, a, b, found } = prepare();
    const place = holdings.lastPlace();
    expect([freeing.decide(a), freeing.decide(a), freeing.decide(bytes32(99))]).toEqual([true, false, false]);
    expect(holdings.changesAfter(place, 10)).toEqual([{ place: place + 1, opId: a, whole: false, pinned: false }]);
    expect([freeing.decided(), found()]).toEqual([[a], expect.not.arrayContaining([a])]);
    freeing.noteGone(a);
    freeing.noteGone(b);
    expect([freeing.decided(), freeing.freedOf(alice)]).toEqual([[], [a]]);
    expect(freeing.freedAfter(0, 10)).toMatchObject([{ opId: a, patient: alice }]);
    expect(holdings.holding(a)).toEqual({ opId: a, whole: false, freed: true, records: 2, copies: 1 });
    // It is not missed.
    expect(holdings.incompleteAfter(0, 10)).toEqual([]);
    expect([freeing.freedBelow(1, 10), freeing.freedBelow(2, 10)]).toEqual([[], [a]]);
    holdings.forget('P');
    expect(freeing.freedBelow(1, 10)).toEqual([a]);
    holdings.note([{ opId: a, whole: false, records: 2 }]);
    expect([holdings.holding(a)?.freed, freeing.freedOf(alice), holdings.incompleteAfter(0, 10).length]).toEqual([false, [], 1]);
  });

  it('is nothing that was promised to somebody, until that round of theirs is over', () => {
    const { freeing, holdings, a, b, found } = prepare();
    holdings.note([{ opId: b, whole: false, records: 2 }]);
    expect(freeing.promise('P', round(1), [a, b])).toEqual([a]);
    expect([found().includes(a), freeing.decide(a), freeing.isPromised(a)]).toEqual([false, false, true]);
    expect(freeing.promise('Q', round(7), [a])).toEqual([a]);
    expect(freeing.promisedTo()).toEqual(['P', 'Q']);
    freeing.release('P', round(1));
    expect(freeing.promisedTo()).toEqual(['P', 'Q']);
    freeing.release('P', round(2));
    expect(freeing.promisedTo()).toEqual(['Q']);
    expect(freeing.decide(a)).toBe(false);
    freeing.release('Q', null);
    expect(freeing.decide(a)).toBe(true);
    expect(freeing.promise('P', round(3), [a])).toEqual([]);
  });
});

describe('blocks of an owner', () => {
  const stored = (sizes: readonly number[]) => {
    const dir = temporaryFolder();
    const blocks = createBlockstore({ dir });
    onTestFinished(() => blocks.close());
    const list = sizes.map((size) => {
      const bytes = new Uint8Array(randomBytes(size));
      const digest = create(0x12, createHash('sha256').update(bytes).digest());
      return { cid: CID.createV1(0x55, digest).toString(), multihash: digest.bytes, bytes };
    });
    blocks.putAll(list);
    return { dir, blocks, cids: list.map(({ cid }) => cid), multihashes: list.map(({ multihash }) => multihash) };
  };

  it('go, but for those that stay and those that somebody else needs', () => {
    const { blocks, cids, multihashes } = stored([100, 1000, 2000, 4000]);
    const [kept = '', , shared = ''] = cids;
    blocks.care.name([
      { owner: bytes32(1), cids },
      { owner: bytes32(2), cids: [shared] },
    ]);
    expect(blocks.care.sizeOf(bytes32(1), [kept])).toBe(7000);
    expect(blocks.care.free(bytes32(1), [kept])).toBe(5000);
    expect(multihashes.map((multihash) => blocks.has(multihash))).toEqual([true, false, true, false]);
    expect(blocks.care.blocksOf(bytes32(1))).toEqual([kept]);
    expect(blocks.care.isWhole(bytes32(2))).toBe(true);
    // Nobody misses them.
    blocks.care.checkNames(null);
    expect(blocks.care.wanted(10)).toEqual([]);
    expect(blocks.care.sizeOf(bytes32(1), [kept])).toBe(0);
  });

  it('give their room back to the disk', () => {
    const { dir, blocks, cids } = stored(Array.from({ length: 40 }, () => 250_000));
    blocks.care.name([{ owner: bytes32(1), cids }]);
    const before = blocks.care.space();
    expect(before.bytes).toBeGreaterThan(10_000_000);
    blocks.care.free(bytes32(1), []);
    expect(blocks.care.space().free).toBeGreaterThan(9_000_000);
    while (blocks.care.compact(1_000_000));
    expect(blocks.care.space()).toMatchObject({ free: 0 });
    expect(blocks.care.space().bytes).toBeLessThan(500_000);
    blocks.deleteAll([]);
    expect(statSync(join(dir, 'blocks.db')).size).toBeLessThan(500_000);
  });
});
