/**
 * Corrections on three workstations that meet only now and then: whatever the order in which they correct, resolve and exchange, all come to the same
 * current versions, every version ever written is still there, and nothing is replaced that its replacer had not seen. Real indexes (SQLite).
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createStore } from '../../../src-main/core/adapters/sqlite/store.ts';
import type { AccountIndexPort, RecordRow, StorePort } from '../../../src-main/core/ports.ts';

const patient = '0x52908400098527886E0F7030069857D2E4169EE7';
const category = 'problems-and-encounters' as const;
const records = ['r0', 'r1'] as const;
const desks = [0, 1, 2] as const;

const step = fc.oneof(
  // Corrects what is seen: one of the current versions (a correction), or all of them at once (resolving).
  fc.record({
    act: fc.constant('correct' as const),
    desk: fc.constantFrom(...desks),
    record: fc.constantFrom(...records),
    pick: fc.nat(7),
  }),
  fc.record({ act: fc.constant('resolve' as const), desk: fc.constantFrom(...desks), record: fc.constantFrom(...records) }),
  // Takes over what the other has, in any order.
  fc.record({
    act: fc.constant('fetch' as const),
    desk: fc.constantFrom(...desks),
    from: fc.constantFrom(...desks),
    shuffle: fc.nat(1000),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

let dir = '';
let stores: StorePort[] = [];
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'anamnesis-versions-'));
  stores = desks.map((desk) => createStore({ dir: join(dir, String(desk)), machineKey: new Uint8Array(32).fill(1) }));
});
afterAll(() => {
  for (const store of stores) store.close();
  rmSync(dir, { recursive: true, force: true });
});

let made = 0;
const bytes32 = (n: number) => `0x${n.toString(16).padStart(64, '0')}`;
function version(recordId: string, previous: readonly string[], desk: number): RecordRow {
  made += 1;
  return {
    ...{
      recordId,
      versionId: `v${made}`,
      previous,
      patient,
      category,
      resourceType: 'Condition',
      position: made,
      title: `Version ${made}`,
    },
    ...{ author: `0x${String(desk).padStart(40, '0')}`, commit: bytes32(made), opId: bytes32(made), date: '2026-01-01', status: 'active' },
    ...{ detail: '', codeSystem: '', code: '', encounter: '', extract: '{}' },
  };
}

const shuffled = <T>(list: readonly T[], seed: number): T[] =>
  list
    .map((value, i) => ({ value, key: ((i + 1) * (seed * 2 + 1) * 7919) % 1009 }))
    .sort((a, b) => a.key - b.key)
    .map(({ value }) => value);

function live(steps: readonly Step[], account: string): void {
  const indexes = stores.map((store): AccountIndexPort => store.openAccount(account, new Uint8Array(32).fill(2)).index);
  try {
    const all = new Map<string, RecordRow>();
    const has = desks.map(() => new Set<string>());
    const add = (desk: number, row: RecordRow) => {
      if (has[desk]?.has(row.versionId)) return;
      all.set(row.versionId, row);
      has[desk]?.add(row.versionId);
      indexes[desk]?.addRecords(row.commit, [row]);
    };
    const heads = (desk: number, record: string) =>
      (indexes[desk]?.currentVersions(patient, category, record) ?? []).map((v) => v.versionId);
    const fetch = (desk: number, from: number, seed: number) => {
      for (const id of shuffled([...(has[from] ?? [])], seed)) add(desk, all.get(id) ?? expect.fail());
    };
    // The records as everybody knows them at the beginning.
    for (const record of records) {
      const first = version(record, [], 0);
      for (const desk of desks) add(desk, first);
    }
    for (const one of steps) {
      if (one.act === 'fetch') fetch(one.desk, one.from, one.shuffle);
      else {
        const seen = heads(one.desk, one.record);
        const previous = one.act === 'resolve' ? seen : [seen[one.pick % seen.length] ?? expect.fail()];
        add(one.desk, version(one.record, previous, one.desk));
      }
    }
    for (const desk of desks) for (const from of desks) fetch(desk, from, desk * 10 + from);
    for (const desk of desks) for (const from of desks) fetch(desk, from, from);

    const replaced = new Set([...all.values()].flatMap((row) => row.previous));
    for (const record of records) {
      const expected = [...all.values()]
        .filter((row) => row.recordId === record && !replaced.has(row.versionId))
        .map((row) => row.versionId);
      expect(expected.length).toBeGreaterThan(0);
      for (const [desk, index] of indexes.entries()) {
        expect(heads(desk, record), `desk ${desk}`).toEqual(expected.toSorted());
        expect(new Set(index.versions(record).map((row) => row.versionId))).toEqual(
          new Set([...all.values()].filter((row) => row.recordId === record).map((row) => row.versionId)),
        );
        expect(index.conflicts(10).some(({ recordId }) => recordId === record)).toBe(expected.length > 1);
      }
      // One resolution that names all ends it, everywhere.
      const resolution = version(record, heads(0, record), 0);
      for (const [desk, index] of indexes.entries()) {
        index.addRecords(resolution.commit, [resolution]);
        expect(heads(desk, record)).toEqual([resolution.versionId]);
        expect(index.conflicts(10).some(({ recordId }) => recordId === record)).toBe(false);
      }
    }
  } finally {
    for (const index of indexes) index.close();
  }
}

it('lets all workstations come to the same current versions, with nothing lost', () => {
  let run = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), (steps) => {
      run += 1;
      live(steps, `0x${run.toString(16).padStart(40, '0')}`);
    }),
    { numRuns: 60 },
  );
});
