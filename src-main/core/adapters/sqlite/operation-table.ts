/** Operations known here and the outbox: what was made on this workstation and is not yet on the ledger. */
import { AppError } from '../../../../src-shared/errors.ts';
import type { SignedOperation } from '../../../../src-shared/operations.ts';
import type { DecodedOperation, OperationFilter, StoredOperation, StoredTransaction } from '../../ports.ts';
import { bytesOfHex } from './bytes.ts';
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
        member, digest, state, origin, created_at, label)
      VALUES (@opId, @kind, @actor, @issuedAt, @deadline, @payload, @signatures, @patient, @compartment, @organization, @grantee,
        @member, @digest, 'pending', 'here', @now, @label)
      ON CONFLICT (op_id) DO NOTHING`);
    this.#byId = db.prepare(`SELECT ${operationColumns} FROM operations WHERE op_id = ?`);
    this.#pending = db.prepare(`
      SELECT ${operationColumns} FROM operations INDEXED BY operations_outbox
      WHERE state = 'pending' AND origin = 'here' ORDER BY seq LIMIT ?`);
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
        for (const { operation, decoded, label } of operations) {
          this.#insert.run({ ...operationParameters(operation), ...searchParameters(decoded), now, label: label.slice(0, maxLabelLength) });
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

  #query(sql: string): Statement {
    let statement = this.#queries.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#queries.set(sql, statement);
    }
    return statement;
  }
}
