/** Operations known here and the outbox: what was made on this workstation and is not yet on the ledger. */
import { AppError } from '../../../../src-shared/errors.ts';
import { kindOf, operationKinds } from '../../../../src-shared/operations.ts';
import type { OperationKind, SignedOperation } from '../../../../src-shared/operations.ts';
import type {
  DecodedOperation,
  OperationFilter,
  OperationState,
  StoredOperation,
  StoredTransaction,
  WithdrawnOperation,
} from '../../ports.ts';
import { bytesOfHex, hexOfBytes } from './bytes.ts';
import type { Db, Statement } from './database.ts';
import { operationColumns, operationParameters, searchParameters, storedOperation } from './operation-rows.ts';
import type { OperationRow } from './operation-rows.ts';
import { operationQuery } from './operation-query.ts';

const maxLabelLength = 200;

export class OperationTable {
  readonly #db: Db;
  readonly #queries = new Map<string, Statement>();
  readonly #insert: Statement;
  readonly #byId: Statement;
  readonly #pending: Statement;

  constructor(db: Db) {
    this.#db = db;
    this.#insert = db.prepare(`
      INSERT INTO operations (op_id, kind, actor, issued_at, deadline, payload, signatures, patient, compartment, organization, grantee,
        member, digest, state, origin, created_at, label, save, handed_out)
      VALUES (@opId, @kind, @actor, @issuedAt, @deadline, @payload, @signatures, @patient, @compartment, @organization, @grantee,
        @member, @digest, 'pending', 'here', @now, @label, @save, @handedOut)
      ON CONFLICT (op_id) DO NOTHING`);
    this.#byId = db.prepare(`SELECT ${operationColumns} FROM operations WHERE op_id = ?`);
    this.#pending = db.prepare(`
      SELECT ${operationColumns} FROM operations INDEXED BY operations_sending
      WHERE state = 'pending' AND origin = 'here' ORDER BY coalesce(send_order, seq) LIMIT ?`);
  }

  enqueue(
    operations: readonly { operation: SignedOperation; decoded: DecodedOperation; label: string }[],
    replaces: readonly string[] = [],
  ): void {
    const now = Date.now();
    this.#db
      .transaction(() => {
        for (const opId of replaces) {
          this.#query(`DELETE FROM operations WHERE op_id = ? AND origin = 'here' AND state = 'rejected'`).run(
            bytesOfHex(opId, 'operation id', 32),
          );
        }
        // The place that the first of them gets; AUTOINCREMENT never gives one twice.
        const save = this.#nextSeq();
        for (const { operation, decoded, label } of operations) {
          // What takes the place of something that was sent cannot be withdrawn either.
          const own = { now, save, label: label.slice(0, maxLabelLength), handedOut: replaces.length > 0 ? 1 : 0 };
          this.#insert.run({ ...operationParameters(operation), ...searchParameters(decoded), ...own });
        }
      })
      .immediate();
  }

  operation(opId: string): StoredOperation | undefined {
    const row = this.#byId.get(bytesOfHex(opId, 'operation id', 32)) as OperationRow | undefined;
    return row && storedOperation(row);
  }

  operations(filter: OperationFilter): StoredOperation[] {
    const { from, order, parameters } = operationQuery(filter);
    const rows = this.#query(`SELECT ${operationColumns} ${from} ${order} LIMIT ?`).all(...parameters, filter.limit ?? -1);
    return (rows as OperationRow[]).map(storedOperation);
  }

  countOperations(filter: OperationFilter): number {
    const { from, parameters } = operationQuery(filter);
    return (this.#query(`SELECT count(*) AS count ${from}`).get(...parameters) as { count: number }).count;
  }

  pending(limit: number): StoredOperation[] {
    return (this.#pending.all(limit) as OperationRow[]).map(storedOperation);
  }

  retry(opId: string): void {
    // rejected_block stays: a second reading of the block that refused it must not refuse the new attempt.
    const { changes } = this.#query(
      `
      UPDATE operations SET state = 'pending', reject_reason = NULL, tx_hash = NULL
      WHERE op_id = ? AND state = 'rejected'`,
    ).run(bytesOfHex(opId, 'operation id', 32));
    if (changes === 0) {
      throw new AppError(
        'NOT_FOUND',
        'There is no refused operation with this id: it may have been sent again already. Nothing was changed.',
      );
    }
  }

  saveTransaction(transaction: StoredTransaction): void {
    this.#db
      .transaction(() => {
        const { hash, nonce, raw, opIds, createdAt } = transaction;
        this.#query(
          'INSERT INTO transactions (hash, nonce, raw, op_ids, created_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING',
        ).run(hash, nonce, raw, JSON.stringify(opIds), createdAt);
        for (const opId of opIds) {
          const id = bytesOfHex(opId, 'operation id', 32);
          this.#query('INSERT INTO transaction_operations (op_id, hash) VALUES (?, ?) ON CONFLICT DO NOTHING').run(id, hash);
          // From here on it may be anywhere, whatever becomes of the transaction.
          this.#query(`UPDATE operations SET handed_out = 1 WHERE op_id = ? AND handed_out = 0`).run(id);
          this.#query(`UPDATE operations SET state = 'submitted', tx_hash = ? WHERE op_id = ? AND state IN ('pending', 'submitted')`).run(
            hash,
            id,
          );
        }
      })
      .immediate();
  }

  openTransactions(): StoredTransaction[] {
    const rows = this.#query('SELECT hash, nonce, raw, op_ids, created_at FROM transactions ORDER BY nonce, created_at').all() as {
      hash: string;
      nonce: number;
      raw: string;
      op_ids: string;
      created_at: number;
    }[];
    return rows.map((row) => ({
      hash: row.hash,
      nonce: row.nonce,
      raw: row.raw,
      opIds: JSON.parse(row.op_ids) as string[],
      createdAt: row.created_at,
    }));
  }

  dropTransaction(hash: string): void {
    this.#db
      .transaction(() => {
        const ids = this.#query('SELECT op_id FROM transaction_operations WHERE hash = ?').all(hash) as { op_id: Uint8Array }[];
        this.#query('DELETE FROM transactions WHERE hash = ?').run(hash);
        for (const { op_id: id } of ids) {
          // A replacement (same nonce, higher price) may carry the operation still: then it stays submitted, under that hash.
          const other = this.#query('SELECT hash FROM transaction_operations WHERE op_id = ? LIMIT 1').get(id) as
            { hash: string } | undefined;
          this.#query(`UPDATE operations SET state = ?, tx_hash = ? WHERE op_id = ? AND state = 'submitted'`).run(
            other === undefined ? 'pending' : 'submitted',
            other?.hash ?? null,
            id,
          );
        }
      })
      .immediate();
  }

  countMade(): Record<OperationState, number> {
    const counts = { pending: 0, submitted: 0, mined: 0, final: 0, rejected: 0 };
    const sql = `SELECT state, count(*) AS count FROM operations INDEXED BY operations_here WHERE origin = 'here' GROUP BY state`;
    for (const { state, count } of this.#query(sql).all() as { state: OperationState; count: number }[]) counts[state] = count;
    return counts;
  }

  lastSeq(): number {
    return (this.#query('SELECT max(seq) AS seq FROM operations').get() as { seq: number | null }).seq ?? 0;
  }

  commitsAfter(seq: number, limit: number): { seq: number; compartment: string }[] {
    const sql = 'SELECT seq, compartment FROM operations INDEXED BY operations_kind WHERE kind = ? AND seq > ? ORDER BY seq LIMIT ?';
    const rows = this.#query(sql).all(operationKinds.Commit.code, seq, limit) as { seq: number; compartment: Uint8Array }[];
    return rows.map((row) => ({ seq: row.seq, compartment: hexOfBytes(row.compartment) }));
  }

  savedWith(opId: string): StoredOperation[] {
    const one = this.operation(opId);
    if (one === undefined || one.save === null) return one ? [one] : [];
    const sql = `SELECT ${operationColumns} FROM operations INDEXED BY operations_save WHERE save = ? ORDER BY seq`;
    return (this.#query(sql).all(one.save) as OperationRow[]).map(storedOperation);
  }

  withdraw(opId: string): void {
    this.#db
      .transaction(() => {
        const together = this.savedWith(opId);
        if (together.length === 0 || together.some(({ save, origin }) => save === null || origin !== 'here')) {
          throw new AppError(
            'NOT_FOUND',
            'There is nothing of this kind to withdraw: it may have been withdrawn already. Nothing was changed.',
          );
        }
        if (together.some(({ state, handedOut }) => state !== 'pending' || handedOut)) throw alreadySent();
        const { save } = together[0] as StoredOperation;
        this.#query(
          'INSERT INTO withdrawn (op_id, kind, patient, grantee, digest) SELECT op_id, kind, patient, grantee, digest FROM operations WHERE save = ? ORDER BY seq',
        ).run(save);
        this.#query('DELETE FROM operations WHERE save = ?').run(save);
      })
      .immediate();
  }

  withdrawnAfter(after: number): WithdrawnOperation[] {
    const sql = 'SELECT seq, op_id, kind, patient, grantee, digest FROM withdrawn WHERE seq > ? ORDER BY seq';
    const rows = this.#query(sql).all(after) as {
      seq: number;
      op_id: Uint8Array;
      kind: number;
      patient: string | null;
      grantee: Uint8Array | null;
      digest: Uint8Array | null;
    }[];
    const hex = (bytes: Uint8Array | null) => bytes && hexOfBytes(bytes);
    return rows.flatMap((row) => {
      const kind = kindOf(row.kind);
      if (kind === undefined) return [];
      const { seq, patient } = row;
      return [{ seq, opId: hexOfBytes(row.op_id), kind, patient, grantee: hex(row.grantee), digest: hex(row.digest) }];
    });
  }

  noteHandedOut(opIds: readonly string[]): void {
    this.#db
      .transaction(() => {
        const note = this.#query('UPDATE operations SET handed_out = 1 WHERE op_id = ? AND handed_out = 0');
        for (const opId of opIds) note.run(bytesOfHex(opId, 'operation id', 32));
      })
      .immediate();
  }

  moveFrom(domain: string, left: readonly OperationKind[]): void {
    const former = bytesOfHex(domain, 'domain', 32);
    this.#db
      .transaction(() => {
        this.#query(
          `
          UPDATE operations SET send_order = places.place
          FROM (SELECT seq AS id, row_number() OVER (ORDER BY block IS NULL, block, log_index, seq) AS place FROM operations) AS places
          WHERE operations.seq = places.id`,
        ).run();
        this.#query('UPDATE operations SET predecessor = ? WHERE predecessor IS NULL').run(former);
        // Other workstations of the clinic follow; what they made is sent from here like the rest, and a refusal of it is kept.
        this.#query(
          `
          UPDATE operations SET state = CASE state WHEN 'rejected' THEN 'rejected' ELSE 'pending' END, block = NULL, log_index = NULL, block_time = NULL, tx_hash = NULL,
            rejected_block = NULL, handed_out = 1, origin = 'here'`,
        ).run();
        const codes = JSON.stringify(left.map((kind) => operationKinds[kind].code));
        this.#query(
          `
          UPDATE operations SET state = 'rejected', reject_reason = 'PredecessorCannotGovern(' || kind || ')'
          WHERE state = 'pending' AND kind IN (SELECT value FROM json_each(?))`,
        ).run(codes);
        for (const table of ['transaction_operations', 'transactions', 'followed_blocks', 'unchecked_commits'])
          this.#query(`DELETE FROM ${table}`).run();
      })
      .immediate();
  }

  #nextSeq(): number {
    const row = this.#query(`SELECT seq FROM sqlite_sequence WHERE name = 'operations'`).get() as { seq: number } | undefined;
    return (row?.seq ?? 0) + 1;
  }

  #query(sql: string): Statement {
    let statement = this.#queries.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#queries.set(sql, statement);
    }
    return statement;
  }
}

function alreadySent(): AppError {
  return new AppError(
    'ALREADY_SENT',
    'Part of this was sent already, so it cannot be taken back any more. Nothing was changed. Correct it by a new entry instead.',
  );
}
