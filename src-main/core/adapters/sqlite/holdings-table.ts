/** What is kept here with its blocks, and who else said that they hold it. */
import type { Holder, HolderKind, Holding, HoldingsPort } from '../../ports.ts';
import { bytesOfHex, hexOfBytes } from './bytes.ts';
import type { Db } from './database.ts';
import { translating } from './errors.ts';

const idOf = (opId: string) => bytesOfHex(opId, 'operation id', 32);

interface HolderRow {
  readonly id: number;
  readonly holder: string;
  readonly kind: HolderKind;
  readonly place: number;
  readonly run: Buffer;
  readonly confirmed_at: number;
}

type TallyRow = Readonly<Record<'whole' | 'freed' | 'copies' | 'hubs' | 'outside' | 'operations' | 'records', number>>;

const holderOf = ({ holder, kind, place, run, confirmed_at: confirmedAt }: HolderRow): Holder => ({
  ...{ holder, kind, place, confirmedAt },
  run: hexOfBytes(run),
});

/** The port over an open, migrated workstation.db. */
export function holdingsStore(db: Db): HoldingsPort {
  const one = db.prepare('SELECT whole, records, copies, freed FROM holdings WHERE op_id = ?');
  const remove = db.prepare('DELETE FROM holdings WHERE op_id = ?');
  const add = db.prepare(`
    INSERT INTO holdings (op_id, whole, records, freed, copies, hubs, outside)
    SELECT @id, @whole, @records, @freed, count(*), coalesce(sum(h.kind = 'hub'), 0), coalesce(sum(h.kind = 'pinning'), 0)
    FROM copies c JOIN holders h ON h.id = c.holder WHERE c.op_id = @id`);
  const stored = db.prepare('SELECT op_id AS id, whole, records, freed FROM holdings WHERE op_id = ?');
  const changes = db.prepare(`
    SELECT place, op_id, whole, EXISTS (
      SELECT 1 FROM copies c JOIN holders h ON h.id = c.holder WHERE c.op_id = holdings.op_id AND substr(h.holder, 1, 8) = 'pinning:'
    ) AS pinned FROM holdings WHERE place > ? ORDER BY place LIMIT ?`);
  const incomplete = db.prepare(
    'SELECT place, op_id, records FROM holdings WHERE whole = 0 AND freed = 0 AND place > ? ORDER BY place LIMIT ?',
  );
  const lastPlace = db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'holdings'").pluck();
  const tally = db.prepare('SELECT whole, freed, copies, hubs, outside, operations, records FROM tally WHERE operations > 0');
  const holders = db.prepare('SELECT * FROM holders ORDER BY holder');
  const holdersOf = db.prepare('SELECT h.* FROM copies c JOIN holders h ON h.id = c.holder WHERE c.op_id = ? ORDER BY h.holder');
  const holder = db.prepare('SELECT * FROM holders WHERE holder = ?');
  const keepHolder = db
    .prepare(
      `
    INSERT INTO holders (holder, kind, place, run, confirmed_at) VALUES (@holder, @kind, @place, @run, @confirmedAt)
    ON CONFLICT (holder) DO UPDATE SET kind = @kind, place = @place, run = @run, confirmed_at = @confirmedAt RETURNING id`,
    )
    .pluck();
  const addCopy = db.prepare('INSERT INTO copies (op_id, holder) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const removeCopy = db.prepare('DELETE FROM copies WHERE op_id = ? AND holder = ?');
  const removeCopies = db.prepare('DELETE FROM copies WHERE holder = ?');
  const copiesOf = db.prepare('SELECT op_id FROM copies WHERE holder = ?').pluck();
  const count = db.prepare('SELECT count(*) FROM copies WHERE holder = ?').pluck();

  const holding = (opId: string): Holding | undefined => {
    const row = one.get(idOf(opId)) as { whole: number; records: number; copies: number; freed: number } | undefined;
    return row && { opId, whole: row.whole === 1, freed: row.freed > 0, records: row.records, copies: row.copies };
  };

  return translating<HoldingsPort>('workstation.db', {
    holding,
    note: (notes) =>
      db
        .transaction(() => {
          let changed = false;
          for (const { opId, whole, records } of notes) {
            const before = holding(opId);
            if (before?.whole === whole && before.records === records && !before.freed) continue;
            const id = idOf(opId);
            remove.run(id);
            add.run({ id, whole: whole ? 1 : 0, records, freed: 0 });
            changed = true;
          }
          return changed;
        })
        .immediate(),
    changesAfter: (place, limit) =>
      (changes.all(place, limit) as { place: number; op_id: Buffer; whole: number; pinned: number }[]).map((row) => ({
        ...{ place: row.place, opId: hexOfBytes(row.op_id), whole: row.whole === 1, pinned: row.pinned === 1 },
      })),
    retell: (opIds) =>
      db
        .transaction(() => {
          for (const opId of opIds) {
            const row = stored.get(idOf(opId)) as { id: Buffer; whole: number; records: number; freed: number } | undefined;
            if (row === undefined) continue;
            remove.run(row.id);
            add.run(row);
          }
        })
        .immediate(),
    incompleteAfter: (place, limit) =>
      (incomplete.all(place, limit) as { place: number; op_id: Buffer; records: number }[]).map((row) => ({
        ...{ place: row.place, opId: hexOfBytes(row.op_id), records: row.records },
      })),
    lastPlace: () => (lastPlace.get() as number | undefined) ?? 0,
    tally: () =>
      (tally.all() as TallyRow[]).map(({ copies, ...row }) => ({
        ...row,
        ...{ whole: row.whole === 1, freed: row.freed === 1, computers: copies - row.outside },
      })),
    holders: () => (holders.all() as HolderRow[]).map(holderOf),
    holdersOf: (opId) => (holdersOf.all(idOf(opId)) as HolderRow[]).map(holderOf),
    hear(said, list, restart) {
      db.transaction(() => {
        const before = holder.get(said.holder) as HolderRow | undefined;
        // Copies are counted by kind: taken off as what it was, and added as what it is.
        const again = before && before.kind !== said.kind && !restart ? (copiesOf.all(before.id) as Buffer[]) : [];
        if (before && (restart || before.kind !== said.kind)) removeCopies.run(before.id);
        const id = keepHolder.get({ ...said, run: bytesOfHex(said.run, 'run', 16) }) as number;
        for (const opId of again) addCopy.run(opId, id);
        for (const { opId, whole } of list) (whole ? addCopy : removeCopy).run(idOf(opId), id);
      }).immediate();
    },
    countOf(name) {
      const row = holder.get(name) as HolderRow | undefined;
      return row === undefined ? 0 : (count.get(row.id) as number);
    },
    forget(name) {
      const row = holder.get(name) as HolderRow | undefined;
      if (row === undefined) return [];
      return db
        .transaction(() => {
          const held = (copiesOf.all(row.id) as Buffer[]).map(hexOfBytes);
          removeCopies.run(row.id);
          db.prepare('DELETE FROM holders WHERE id = ?').run(row.id);
          return held;
        })
        .immediate();
    },
  });
}
