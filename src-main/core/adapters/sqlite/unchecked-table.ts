/** Commits that the ledger told of and whose signatures are still to be checked: until then nothing else here knows of them. */
import type { LedgerEvent, UncheckedCommit } from '../../ports.ts';
import { bytesOfHex, hexOfBytes } from './bytes.ts';
import type { Db, Statement } from './database.ts';

interface Row {
  readonly compartment: Uint8Array;
  readonly signer: string;
  readonly wanted: number;
  readonly event: string;
}

const idOf = (opId: string) => bytesOfHex(opId, 'operation id', 32);

export class UncheckedTable {
  readonly #add: Statement;
  readonly #newest: Statement;
  readonly #ofCompartment: Statement;
  readonly #want: Statement;
  readonly #remove: Statement;
  readonly #rollBack: Statement;
  readonly #count: Statement;

  constructor(db: Db) {
    // Read again after the chain changed, it stands at another place.
    this.#add = db.prepare(`
      INSERT INTO unchecked_commits (op_id, compartment, signer, wanted, block, log_index, event) VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (op_id) DO UPDATE SET compartment = excluded.compartment, signer = excluded.signer, block = excluded.block,
        log_index = excluded.log_index, event = excluded.event, wanted = excluded.wanted`);
    this.#newest = db.prepare(`
      SELECT DISTINCT compartment FROM (
        SELECT compartment FROM unchecked_commits WHERE wanted = ? ORDER BY block DESC, log_index DESC LIMIT ?)`);
    this.#ofCompartment = db.prepare(`
      SELECT compartment, signer, wanted, event FROM unchecked_commits WHERE compartment = ? ORDER BY block, log_index LIMIT ?`);
    this.#want = db.prepare(
      'UPDATE unchecked_commits SET wanted = 1 WHERE wanted = 0 AND compartment IN (SELECT unhex(value) FROM json_each(?))',
    );
    this.#remove = db.prepare('DELETE FROM unchecked_commits WHERE op_id = ? AND signer = ? AND event = ?');
    this.#rollBack = db.prepare('DELETE FROM unchecked_commits WHERE block > ?');
    this.#count = db.prepare('SELECT count FROM unchecked_count');
  }

  add({ event, compartment, signer, wanted }: UncheckedCommit): void {
    const place = [event.block, event.logIndex];
    const id = idOf(event.opId);
    this.#add.run(id, bytesOfHex(compartment, 'compartment', 32), signer, wanted ? 1 : 0, ...place, JSON.stringify(event));
  }

  /** Of the compartments with the newest ones, each in the order of the ledger: what is written next follows what became known last. */
  newest(wanted: boolean, limit: number): UncheckedCommit[] {
    const rows: Row[] = [];
    for (const { compartment } of this.#newest.all(wanted ? 1 : 0, limit) as { compartment: Uint8Array }[]) {
      rows.push(...(this.#ofCompartment.all(compartment, limit - rows.length) as Row[]));
      if (rows.length === limit) break;
    }
    return rows.map(({ compartment, signer, wanted: isWanted, event }) => ({
      ...{ compartment: hexOfBytes(compartment), signer, wanted: isWanted === 1 },
      event: JSON.parse(event) as LedgerEvent,
    }));
  }

  want(compartments: readonly string[]): void {
    this.#want.run(JSON.stringify(compartments.map((compartment) => compartment.slice(2))));
  }

  /** False where it is not there any more, or stands elsewhere, or somebody else signs for its author now. */
  remove({ event, signer }: UncheckedCommit): boolean {
    return this.#remove.run(idOf(event.opId), signer, JSON.stringify(event)).changes > 0;
  }

  rollBackTo(block: number): void {
    this.#rollBack.run(block);
  }

  count(): number {
    return (this.#count.get() as { count: number }).count;
  }
}
