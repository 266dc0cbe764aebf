/** What was given to a pinning service (`pins`), and what a hub pins for others (`kept_pins`). */
import type { KeptPin, KeptPinsPort, OwnPin, PinFilter, PinQueuePort, PinState } from '../../ports.ts';
import { bytesOfHex, hexOfBytes } from './bytes.ts';
import type { Db } from './database.ts';
import { translating } from './errors.ts';

const idOf = (opId: string) => bytesOfHex(opId, 'operation id', 32);
const marks = (list: readonly unknown[]) => list.map(() => '?').join(', ');

/** The port over an open, migrated workstation.db. */
export function pinQueue(db: Db): PinQueuePort {
  const add = db.prepare('INSERT INTO pins (op_id, cid) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const toSend = db.prepare(`
    SELECT p.op_id, p.cid FROM pins p JOIN operations o ON o.op_id = p.op_id WHERE p.state IS NULL AND o.block IS NOT NULL LIMIT ?`);
  const owners = db.prepare('SELECT op_id FROM pins WHERE cid = ?').pluck();
  const isPinned = db.prepare(`SELECT NOT EXISTS (SELECT 1 FROM pins WHERE op_id = ? AND state IS NOT 'pinned')`).pluck();
  const note = db.prepare('UPDATE pins SET state = ?, checked_at = ? WHERE cid = ?');
  const counts = db.prepare('SELECT state, count(*) AS count FROM pins GROUP BY state');
  const pinsOf = (rows: unknown[]): OwnPin[] =>
    (rows as { op_id: Buffer; cid: string }[]).map(({ op_id: id, cid }) => ({ opId: hexOfBytes(id), cid }));

  return translating<PinQueuePort>('workstation.db', {
    add: (list) => db.transaction(() => list.forEach(({ opId, cid }) => add.run(idOf(opId), cid))).immediate(),
    toSend: (limit) => pinsOf(toSend.all(limit)),
    toAsk: (states, before, limit) =>
      pinsOf(
        db
          .prepare(`SELECT op_id, cid FROM pins WHERE state IN (${marks(states)}) AND checked_at < ? ORDER BY checked_at LIMIT ?`)
          .all(...states, before, limit),
      ),
    note: (said, at) =>
      db
        .transaction(() => {
          const held = new Set<string>();
          const lost = new Set<string>();
          for (const { cid, state } of said) {
            const ids = owners.all(cid) as Buffer[];
            const before = new Map(ids.map((id) => [hexOfBytes(id), isPinned.get(id) === 1]));
            note.run(state, at, cid);
            for (const id of ids) {
              const opId = hexOfBytes(id);
              const now = isPinned.get(id) === 1;
              if (now) held.add(opId);
              else if (before.get(opId)) lost.add(opId);
            }
          }
          return { held: [...held], lost: [...lost] };
        })
        .immediate(),
    counts() {
      const all = { waiting: 0, queued: 0, pinning: 0, pinned: 0, failed: 0 };
      for (const { state, count } of counts.all() as { state: PinState | null; count: number }[]) all[state ?? 'waiting'] = count;
      return all;
    },
    clear: () => void db.exec('DELETE FROM pins'),
  });
}

interface KeptRow {
  readonly request_id: string;
  readonly client: string;
  readonly cid: string;
  readonly name: string;
  readonly origins: string;
  readonly meta: string;
  readonly status: PinState;
  readonly bytes: number;
  readonly created_at: number;
}

const pinOf = ({ request_id: requestId, created_at: createdAt, origins, meta, ...row }: KeptRow): KeptPin => ({
  ...{ requestId, createdAt, client: row.client, cid: row.cid, name: row.name, status: row.status, bytes: row.bytes },
  origins: JSON.parse(origins) as string[],
  meta: JSON.parse(meta) as Record<string, string>,
});

/** For LIKE with an escape. */
const escaped = (text: string) => text.replace(/[\\%_]/g, '\\$&');

function conditions(client: string, { cids, name, states, before, after, meta }: PinFilter): { sql: string; parameters: unknown[] } {
  const parts: [string, ...unknown[]][] = [
    ['client = ?', client],
    [`status IN (${marks(states)})`, ...states],
  ];
  if (cids) parts.push([`cid IN (${marks(cids)})`, ...cids]);
  if (before !== undefined) parts.push(['created_at < ?', before]);
  if (after !== undefined) parts.push(['created_at > ?', after]);
  if (name?.match === 'exact') parts.push(['name = ?', name.text]);
  if (name?.match === 'iexact') parts.push(['lower(name) = lower(?)', name.text]);
  if (name?.match === 'partial') parts.push(['instr(name, ?) > 0', name.text]);
  if (name?.match === 'ipartial') parts.push([`name LIKE ? ESCAPE '\\'`, `%${escaped(name.text)}%`]);
  for (const [key, value] of Object.entries(meta ?? {})) {
    // A key is text of others: passed as a value, never as a path.
    parts.push(['EXISTS (SELECT 1 FROM json_each(kept_pins.meta) m WHERE m.key = ? AND m.value = ?)', key, value]);
  }
  return { sql: parts.map(([part]) => part).join(' AND '), parameters: parts.flatMap(([, ...values]) => values) };
}

/** The port over an open, migrated workstation.db. */
export function keptPins(db: Db): KeptPinsPort {
  const insert = db.prepare(`
    INSERT INTO kept_pins (request_id, client, cid, name, origins, meta, status, bytes, created_at)
    VALUES (@requestId, @client, @cid, @name, @origins, @meta, @status, @bytes, @createdAt)`);
  const remove = db.prepare('DELETE FROM kept_pins WHERE request_id = ?');
  const one = db.prepare('SELECT * FROM kept_pins WHERE client = ? AND request_id = ?');
  const unfinished = db.prepare(`SELECT * FROM kept_pins WHERE status IN ('queued', 'pinning') ORDER BY seq LIMIT ?`);
  const note = db.prepare('UPDATE kept_pins SET status = ?, bytes = ? WHERE request_id = ?');
  const usage = db.prepare('SELECT count(*) AS pins, coalesce(sum(bytes), 0) AS bytes FROM kept_pins WHERE client = ?');

  return translating<KeptPinsPort>('workstation.db', {
    add(pin, replaces) {
      db.transaction(() => {
        if (replaces !== undefined) remove.run(replaces);
        insert.run({ ...pin, origins: JSON.stringify(pin.origins), meta: JSON.stringify(pin.meta) });
      }).immediate();
    },
    pin(client, requestId) {
      const row = one.get(client, requestId) as KeptRow | undefined;
      return row && pinOf(row);
    },
    list(client, filter, limit) {
      const { sql, parameters } = conditions(client, filter);
      const count = db
        .prepare(`SELECT count(*) FROM kept_pins WHERE ${sql}`)
        .pluck()
        .get(...parameters) as number;
      const rows = db.prepare(`SELECT * FROM kept_pins WHERE ${sql} ORDER BY created_at DESC, seq DESC LIMIT ?`).all(...parameters, limit);
      return { count, pins: (rows as KeptRow[]).map(pinOf) };
    },
    unfinished: (limit) => (unfinished.all(limit) as KeptRow[]).map(pinOf),
    note: (requestId, status, bytes) => void note.run(status, bytes, requestId),
    remove: (requestId) => void remove.run(requestId),
    usage: (client) => usage.get(client) as { pins: number; bytes: number },
  });
}
