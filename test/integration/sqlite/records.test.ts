import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { migrate } from '../../../src-main/core/adapters/sqlite/migrate.ts';
import { accountMigrations } from '../../../src-main/core/adapters/sqlite/migrations/account/index.ts';
import type { AccountIndexPort, RecordRow } from '../../../src-main/core/ports.ts';
import { accountKey, alice, bob, bytes32, openStore, recordRow } from './fixtures.ts';

const openIndex = (): AccountIndexPort => openStore().openAccount(alice, accountKey).index;
/** Adds each row as a commit of its own. */
function add(index: AccountIndexPort, ...rows: readonly RecordRow[]): void {
  for (const row of rows) index.addRecords(row.commit, [row]);
}
const version = (versionId: string, previous: readonly string[] = [], change: Partial<RecordRow> = {}): RecordRow =>
  recordRow(versionId, { previous, commit: bytes32(1000 + versionId.charCodeAt(1)), ...change });
const current = (index: AccountIndexPort, patient = alice): string[] =>
  index
    .records({ patient })
    .map(({ versionId }) => versionId)
    .sort();

describe('records', () => {
  it('are given back as they were stored, with their commit', () => {
    const index = openIndex();
    const row = recordRow('v1', { previous: ['v0'], extract: '{"value":7}', encounter: 'Encounter/1' });
    index.addRecords(row.commit, [row]);
    expect(index.version('v1')).toEqual(row);
    expect(index.versions('r1')).toEqual([row]);
    expect(index.commitIndexed(row.commit)).toBe(true);
    expect(index.commitIndexed(bytes32(99))).toBe(false);
    expect(index.version('v9')).toBeUndefined();
  });

  it('of a commit are all there or none', () => {
    const index = openIndex();
    const broken = { ...recordRow('v2'), title: undefined as unknown as string };
    expect(() => index.addRecords(bytes32(1), [recordRow('v1'), broken])).toThrow();
    expect(index.commitIndexed(bytes32(1))).toBe(false);
    expect(index.version('v1')).toBeUndefined();
  });

  it('are listed newest first, filtered, page by page', () => {
    const index = openIndex();
    const rows = Array.from({ length: 30 }, (_, n) =>
      recordRow(`v${n}`, {
        recordId: `r${String(n).padStart(2, '0')}`,
        date: `2026-01-${String(1 + (n % 10)).padStart(2, '0')}`,
        resourceType: n % 3 === 0 ? 'Observation' : 'Condition',
        category: n % 3 === 0 ? 'observations-and-results' : 'problems-and-encounters',
      }),
    );
    index.addRecords(bytes32(1), rows);
    index.addRecords(bytes32(2), [recordRow('other', { patient: bob })]);
    const seen: RecordRow[] = [];
    for (;;) {
      const last = seen.at(-1);
      const page = index.records({ patient: alice, limit: 7, ...(last && { before: { date: last.date, recordId: last.recordId } }) });
      if (page.length === 0) break;
      seen.push(...page);
    }
    const byDate = [...rows].sort((a, b) => (a.date === b.date ? (a.recordId < b.recordId ? 1 : -1) : a.date < b.date ? 1 : -1));
    expect(seen.map(({ versionId }) => versionId)).toEqual(byDate.map(({ versionId }) => versionId));
    expect(index.records({ patient: alice, resourceTypes: ['Observation'] })).toHaveLength(10);
    expect(index.records({ patient: alice, resourceTypes: ['Observation', 'Condition'] })).toHaveLength(30);
    expect(index.records({ patient: alice, resourceTypes: [] })).toHaveLength(0);
    expect(index.records({ patient: alice, categories: ['problems-and-encounters'] })).toHaveLength(20);
    expect(index.countRecords(alice)).toEqual([
      { resourceType: 'Condition', category: 'problems-and-encounters', count: 20 },
      { resourceType: 'Observation', category: 'observations-and-results', count: 10 },
    ]);
  });
});

describe('current versions', () => {
  it('are those that no other replaces', () => {
    const index = openIndex();
    add(index, version('v1'), version('v2', ['v1']));
    expect(current(index)).toEqual(['v2']);
    expect(index.records({ patient: alice, current: false })).toHaveLength(2);
    expect(index.countRecords(alice)[0]?.count).toBe(1);
  });

  it('are both of two offline corrections, until one names both', () => {
    const index = openIndex();
    add(index, version('v1'), version('v2', ['v1']), version('v3', ['v1']));
    expect(current(index)).toEqual(['v2', 'v3']);
    add(index, version('v4', ['v2', 'v3']));
    expect(current(index)).toEqual(['v4']);
  });

  it('do not depend on the order in which commits arrive', () => {
    const rows = [version('v1'), version('v2', ['v1']), version('v3', ['v1']), version('v4', ['v2', 'v3']), version('v5', ['v4'])];
    fc.assert(
      fc.property(fc.subarray(rows), fc.infiniteStream(fc.nat()), (subset, keys) => {
        const shuffled = subset
          .map((row) => ({ row, key: keys.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ row }) => row);
        const index = openIndex();
        add(index, ...shuffled);
        const replaced = new Set(subset.flatMap(({ previous }) => previous));
        expect(current(index)).toEqual(subset.map(({ versionId }) => versionId).filter((id) => !replaced.has(id)));
      }),
      { numRuns: 15 },
    );
  });

  it('come back when the commit that replaced them is removed', () => {
    const index = openIndex();
    const correction = version('v2', ['v1']);
    add(index, version('v1'), correction);
    index.removeCommit(correction.commit);
    expect(current(index)).toEqual(['v1']);
    expect(index.commitIndexed(correction.commit)).toBe(false);
    expect(index.searchRecords(alice, 'hypertension', 10)).toHaveLength(1);
  });

  it.each([
    ['of another patient', { patient: bob }],
    ['of another compartment', { category: 'scheduling' as const }],
    ['of another record', { recordId: 'r2' }],
  ])('cannot be hidden by a version %s that claims to replace them', (_, change) => {
    const index = openIndex();
    add(index, version('v1'), version('v2', ['v1'], change));
    expect(current(index)).toContain('v1');
  });
});

describe('conflicts', () => {
  it('are known while several versions are current, also after one is taken back', () => {
    const index = openIndex();
    const rows = [version('v1'), version('v2', ['v1']), version('v3', ['v1'])];
    add(index, ...rows);
    expect(index.conflicts(10)).toEqual([{ patient: alice, category: 'problems-and-encounters', recordId: 'r1' }]);
    expect(index.currentVersions(alice, 'problems-and-encounters', 'r1').map((row) => row.versionId)).toEqual(['v2', 'v3']);
    index.removeCommit(rows[2]?.commit ?? '');
    expect(index.conflicts(10)).toEqual([]);
    add(index, version('v3', ['v1']), version('v4', ['v2', 'v3']));
    expect(index.conflicts(10)).toEqual([]);
    index.forgetPatient(alice);
    expect(index.currentVersions(alice, 'problems-and-encounters', 'r1')).toEqual([]);
  });

  it('that an index of the version before holds are found by its migration', () => {
    const db = new Database(':memory:');
    migrate(db, 'index.db', accountMigrations.slice(0, 1));
    db.exec(`INSERT INTO commits (digest) VALUES (x'01')`);
    const insert =
      db.prepare(`INSERT INTO records (version_id, record_id, previous, patient, category, resource_type, author, commit_digest,
      op_id, position, date, status, title, detail, code_system, code, encounter, extract)
      VALUES (?, ?, '[]', ?, 'scheduling', 'Appointment', ?, x'01', x'02', 0, '', '', '', '', '', '', '', '{}')`);
    for (const [versionId, recordId] of [
      ['v1', 'r1'],
      ['v2', 'r1'],
      ['v3', 'r2'],
    ])
      insert.run(versionId, recordId, alice, bob);
    migrate(db, 'index.db', accountMigrations);
    expect(db.prepare('SELECT record_id FROM conflicts').pluck().all()).toEqual(['r1']);
    db.close();
  });
});

describe('a version that comes again', () => {
  it('of its author lies in the newer commit', () => {
    const index = openIndex();
    add(index, recordRow('v1', { commit: bytes32(1), position: 3 }), recordRow('v1', { commit: bytes32(2), position: 5 }));
    expect(index.versions('r1')).toMatchObject([{ commit: bytes32(2), position: 5 }]);
    index.removeCommit(bytes32(1));
    expect(current(index)).toEqual(['v1']);
  });

  it('of another author does not take its place', () => {
    const index = openIndex();
    add(index, recordRow('v1', { commit: bytes32(1) }), recordRow('v1', { commit: bytes32(2), author: alice, title: 'Forged' }));
    expect(index.version('v1')).toMatchObject({ author: bob, title: 'Essential hypertension' });
    expect(index.versions('r1')).toHaveLength(2);
  });
});

describe('searchRecords', () => {
  it('finds titles and codes within one chart, current versions only', () => {
    const index = openIndex();
    add(
      index,
      version('v1', [], { title: 'Diabetes mellitus type 2', code: 'E11.9' }),
      version('v2', ['v1'], { title: 'Type 2 diabetes mellitus', code: 'E11.9' }),
      version('v3', [], { recordId: 'r3', title: 'Ménière’s disease', code: 'H81.0' }),
      version('v4', [], { recordId: 'r4', patient: bob, title: 'Diabetes' }),
    );
    const found = (text: string) => index.searchRecords(alice, text, 10).map(({ versionId }) => versionId);
    expect(found('diab')).toEqual(['v2']);
    expect(found('mellitus type')).toEqual(['v2']);
    expect(found('e11.9')).toEqual(['v2']);
    expect(found('meniere')).toEqual(['v3']);
    expect(found('"; DROP')).toEqual([]);
    expect(found('')).toEqual([]);
  });
});

describe('keys, cursors and drafts', () => {
  const kek = (epoch: number, compartment = bytes32(5)) =>
    ({ patient: alice, compartment, category: 'medications-and-allergies', epoch, kek: new Uint8Array(32).fill(epoch) }) as const;

  it('keeps each key once, found by patient and compartment', () => {
    const index = openIndex();
    index.addKeks([kek(1), kek(2), kek(1, bytes32(6))]);
    index.addKeks([kek(1)]);
    expect(index.keks({ patient: alice, compartment: bytes32(5) })).toEqual([kek(1), kek(2)]);
    expect(index.keks({ compartment: bytes32(6) })).toEqual([kek(1, bytes32(6))]);
    expect(index.keks({ patient: bob })).toEqual([]);
    expect(index.keks({})).toHaveLength(3);
  });

  it('begins cursors at zero', () => {
    const index = openIndex();
    index.setCursor('operations', 17);
    index.setCursor('operations', 18);
    expect([index.cursor('operations'), index.cursor('other')]).toEqual([18, 0]);
  });

  it('keeps drafts until they are deleted, newest first', () => {
    const index = openIndex();
    const draft = { id: 'd1', patient: alice, kind: 'encounter', json: '{"note":""}', updatedAt: 1 };
    index.saveDraft(draft);
    index.saveDraft({ ...draft, id: 'd2', patient: bob, updatedAt: 2 });
    index.saveDraft({ ...draft, json: '{"note":"x"}', updatedAt: 3 });
    expect(index.drafts().map(({ id }) => id)).toEqual(['d1', 'd2']);
    expect(index.drafts(alice)).toEqual([{ ...draft, json: '{"note":"x"}', updatedAt: 3 }]);
    index.deleteDraft('d1');
    expect(index.drafts(alice)).toEqual([]);
  });
});
