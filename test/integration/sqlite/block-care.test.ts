import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { CID } from 'multiformats/cid';
import { create } from 'multiformats/hashes/digest';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createBlockstore } from '../../../src-main/core/adapters/sqlite/blockstore.ts';
import { bytes32, temporaryFolder } from './fixtures.ts';

const made = (bytes: Uint8Array = randomBytes(100)) => {
  const { multihash } = CID.createV1(0x55, create(0x12, createHash('sha256').update(bytes).digest()));
  return { multihash: multihash.bytes, bytes: new Uint8Array(bytes), cid: CID.createV1(0x55, multihash).toString() };
};

function open() {
  const dir = temporaryFolder();
  const blocks = createBlockstore({ dir });
  onTestFinished(() => blocks.close());
  /** As a disk would that rots. */
  const spoil = ({ multihash }: ReturnType<typeof made>) => {
    const db = new Database(join(dir, 'blocks.db'));
    db.prepare('UPDATE blocks SET bytes = ? WHERE multihash = ?').run(randomBytes(100), multihash);
    db.close();
  };
  return { blocks, care: blocks.care, spoil };
}

const all = (care: ReturnType<typeof open>['care'], step = 250) => {
  const total = { blocks: 0, damaged: 0 };
  for (let after: number | null = 0; after !== null;) {
    const found = care.check(after, step);
    total.blocks += found.blocks;
    total.damaged += found.damaged;
    after = found.next;
  }
  return total;
};

describe('looking after blocks', () => {
  it('wants what is named and not here, until it comes', () => {
    const { blocks, care } = open();
    const [here, missing] = [made(), made()];
    blocks.putAll([here]);
    care.name([{ owner: bytes32(1), cids: [here.cid, missing.cid] }]);
    care.name([{ owner: bytes32(2), cids: [here.cid] }]);
    expect(care.wanted(10)).toEqual([missing.cid]);
    expect(care.incomplete(10)).toEqual([bytes32(1)]);
    expect([1, 2, 3].map((owner) => care.isWhole(bytes32(owner)))).toEqual([false, true, false]);
    blocks.putAll([missing]);
    expect(care.wanted(10)).toEqual([]);
    expect(care.isWhole(bytes32(1))).toBe(true);
    expect(care.blocksOf(bytes32(1)).sort()).toEqual([here.cid, missing.cid].sort());
  });

  it('finds a damaged block, hands it out no more, and takes a good copy in its place', () => {
    const { blocks, care, spoil } = open();
    let told = 0;
    care.onDamaged(() => told++);
    const list = [made(), made(), made()];
    blocks.putAll(list);
    const [first, second] = list as [(typeof list)[0], (typeof list)[0]];
    care.name([{ owner: bytes32(1), cids: [second.cid] }]);
    expect(all(care)).toEqual({ blocks: 3, damaged: 0 });
    spoil(second);
    expect(all(care)).toEqual({ blocks: 3, damaged: 1 });
    expect(all(care)).toEqual({ blocks: 3, damaged: 1 });
    expect(told).toBe(1);
    expect([blocks.has(first.multihash), blocks.has(second.multihash)]).toEqual([true, false]);
    expect(care.owners(second.cid, 10)).toEqual([bytes32(1)]);
    blocks.putAll([second]);
    expect(blocks.get(second.multihash)).toEqual(second.bytes);
    expect(blocks.has(second.multihash)).toBe(true);
    expect(all(care)).toEqual({ blocks: 3, damaged: 0 });
  });

  it('sees that a block was read wrongly only once', () => {
    const { blocks, care } = open();
    const one = made();
    blocks.putAll([one]);
    care.noteDamage(one.multihash);
    expect(blocks.has(one.multihash)).toBe(false);
    expect(all(care)).toEqual({ blocks: 1, damaged: 0 });
    expect(blocks.has(one.multihash)).toBe(true);
  });

  it('finds named blocks that are gone from the file', () => {
    const { blocks, care } = open();
    const list = Array.from({ length: 600 }, () => made());
    blocks.putAll(list);
    list.forEach(({ cid }, i) => care.name([{ owner: bytes32(i), cids: [cid] }]));
    blocks.delete(list[7]!.multihash);
    expect(care.wanted(10)).toEqual([]);
    for (let after = care.checkNames(null); after !== null;) after = care.checkNames(after);
    expect(care.wanted(10)).toEqual([list[7]!.cid]);
    expect(care.incomplete(10)).toEqual([bytes32(7)]);
  });

  it('does not want again what was taken out on purpose', () => {
    const { blocks, care } = open();
    const [kept, old] = [made(), made()];
    blocks.putAll([kept, old]);
    care.name([{ owner: bytes32(1), cids: [kept.cid, old.cid] }]);
    blocks.deleteAll([old.multihash]);
    care.checkNames(null);
    expect(care.wanted(10)).toEqual([]);
    expect(care.isWhole(bytes32(1))).toBe(true);
  });

  it('drops only what nobody here needs', () => {
    const { blocks, care } = open();
    const [needed, other] = [made(), made()];
    blocks.putAll([needed, other]);
    care.name([{ owner: bytes32(1), cids: [needed.cid] }]);
    expect(care.drop([needed.cid, other.cid])).toBe(100);
    expect([blocks.has(needed.multihash), blocks.has(other.multihash)]).toEqual([true, false]);
    care.forget(bytes32(1));
    expect(care.drop([needed.cid])).toBe(100);
  });
});
