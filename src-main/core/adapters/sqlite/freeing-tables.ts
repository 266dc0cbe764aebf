/** What was freed here because others keep it, when patients were last seen, and what this workstation promised to keep for others. */
import { operationKinds } from '../../../../src-shared/operations.ts';
import type { FreeableOperation, FreeingPort } from '../../ports.ts';
import { bytesOfHex, hexOfBytes } from './bytes.ts';
import type { Db } from './database.ts';
import { translating } from './errors.ts';

const idOf = (opId: string) => bytesOfHex(opId, 'operation id', 32);
const patientOf = (patient: string) => patient.toLowerCase();

/** The port over an open, migrated workstation.db. */
export function freeingStore(db: Db): FreeingPort {
  const freeable = db.prepare(`
    SELECT o.seq, o.op_id, o.patient, h.records FROM operations o JOIN holdings h ON h.op_id = o.op_id
    WHERE o.kind = ${operationKinds.Commit.code} AND o.state = 'final' AND o.seq > @afterSeq AND o.issued_at < @issuedBefore
      AND h.whole = 1 AND h.copies - h.outside >= @computers AND h.hubs >= @hubs AND h.outside >= @outside
      AND NOT EXISTS (SELECT 1 FROM promises p WHERE p.op_id = o.op_id)
      AND NOT EXISTS (SELECT 1 FROM visits v WHERE v.patient = lower(o.patient) AND v.at > @unseenSince)
    ORDER BY o.seq LIMIT @limit`);
  const whole = db.prepare('SELECT records FROM holdings WHERE op_id = ? AND whole = 1').pluck();
  const promised = db.prepare('SELECT 1 FROM promises WHERE op_id = ? LIMIT 1').pluck();
  const remove = db.prepare('DELETE FROM holdings WHERE op_id = ?');
  // A new place, so that the others hear of it.
  const add = db.prepare(`
    INSERT INTO holdings (op_id, whole, records, freed, copies, hubs, outside)
    SELECT @id, 0, @records, 2, count(*), coalesce(sum(h.kind = 'hub'), 0), coalesce(sum(h.kind = 'pinning'), 0)
    FROM copies c JOIN holders h ON h.id = c.holder WHERE c.op_id = @id`);
  const gone = db.prepare('UPDATE holdings SET freed = 1 WHERE op_id = ? AND freed = 2');
  const decided = db.prepare('SELECT op_id FROM holdings WHERE freed = 2').pluck();
  const freed = db.prepare(`
    SELECT h.place, h.op_id, o.patient FROM holdings h JOIN operations o ON o.op_id = h.op_id
    WHERE h.freed > 0 AND h.place > ? ORDER BY h.place LIMIT ?`);
  const freedOf = db
    .prepare('SELECT h.op_id FROM operations o JOIN holdings h ON h.op_id = o.op_id WHERE o.patient = ? AND o.kind = ? AND h.freed > 0')
    .pluck();
  const freedBelow = db.prepare('SELECT op_id FROM holdings WHERE freed > 0 AND copies - outside < ? LIMIT ?').pluck();
  const visit = db.prepare('INSERT INTO visits (patient, at) VALUES (?, ?) ON CONFLICT (patient) DO UPDATE SET at = excluded.at');
  const lastVisit = db.prepare('SELECT at FROM visits WHERE patient = ?').pluck();
  const promise = db.prepare(
    'INSERT INTO promises (op_id, peer, round) VALUES (?, ?, ?) ON CONFLICT (op_id, peer) DO UPDATE SET round = excluded.round',
  );
  const release = db.prepare('DELETE FROM promises WHERE peer = ? AND (? IS NULL OR round <> ?)');
  const takeBack = db.prepare('DELETE FROM promises WHERE peer = ? AND op_id = ?');
  const promisedTo = db.prepare('SELECT DISTINCT peer FROM promises ORDER BY peer').pluck();
  const ids = (rows: unknown[]) => (rows as Buffer[]).map(hexOfBytes);

  return translating<FreeingPort>('workstation.db', {
    freeable: ({ hub, outside, ...filter }, afterSeq, limit) =>
      (
        freeable.all({ ...filter, hubs: hub ? 1 : 0, outside: outside ? 1 : 0, afterSeq, limit }) as (Omit<FreeableOperation, 'opId'> & {
          op_id: Buffer;
        })[]
      ).map(({ op_id: id, ...row }) => ({ ...row, opId: hexOfBytes(id) })),
    decide: (opId) =>
      db
        .transaction(() => {
          const id = idOf(opId);
          const records = whole.get(id) as number | undefined;
          if (records === undefined || promised.get(id) !== undefined) return false;
          remove.run(id);
          add.run({ id, records });
          return true;
        })
        .immediate(),
    noteGone: (opId) => void gone.run(idOf(opId)),
    decided: () => ids(decided.all()),
    freedAfter: (place, limit) =>
      (freed.all(place, limit) as { place: number; op_id: Buffer; patient: string }[]).map(({ op_id: id, ...row }) => ({
        ...row,
        opId: hexOfBytes(id),
      })),
    freedOf: (patient) => ids(freedOf.all(patient, operationKinds.Commit.code)),
    freedBelow: (computers, limit) => ids(freedBelow.all(computers, limit)),
    noteVisit: (patient, at) => void visit.run(patientOf(patient), at),
    lastVisit: (patient) => lastVisit.get(patientOf(patient)) as number | undefined,
    promise: (peer, round, opIds) =>
      db
        .transaction(() =>
          opIds.filter((opId) => {
            if (whole.get(idOf(opId)) === undefined) return false;
            promise.run(idOf(opId), peer, round);
            return true;
          }),
        )
        .immediate(),
    release: (peer, round) => void release.run(peer, round, round),
    takeBack: (peer, opId) => void takeBack.run(peer, idOf(opId)),
    isPromised: (opId) => promised.get(idOf(opId)) !== undefined,
    promisedTo: () => promisedTo.all() as string[],
  });
}
