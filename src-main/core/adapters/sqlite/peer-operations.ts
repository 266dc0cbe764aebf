/** Operations that other workstations of the clinic brought, what those hold of what was made here, and whose blocks are still to come. */
import type { SignedOperation } from '../../../../src-shared/operations.ts';
import type { DecodedOperation, StoredOperation } from '../../ports.ts';
import { bytesOfHex } from './bytes.ts';
import type { Db, Statement } from './database.ts';
import { operationColumns, operationParameters, searchParameters, storedOperation } from './operation-rows.ts';
import type { OperationRow } from './operation-rows.ts';

const idOf = (opId: string) => bytesOfHex(opId, 'operation id', 32);

export class PeerOperations {
  readonly #db: Db;
  readonly #insert: Statement;
  readonly #publish: Statement;
  readonly #await: Statement;
  readonly #awaiting: Statement;
  readonly #arrived: Statement;

  constructor(db: Db) {
    this.#db = db;
    this.#insert = db.prepare(`
      INSERT INTO operations (op_id, kind, actor, issued_at, deadline, payload, signatures, patient, compartment, organization, grantee,
        member, digest, state, origin, created_at, label, from_peer, awaits_blocks)
      VALUES (@opId, @kind, @actor, @issuedAt, @deadline, @payload, @signatures, @patient, @compartment, @organization, @grantee,
        @member, @digest, 'pending', 'ledger', @now, '', 1, @awaits)
      ON CONFLICT (op_id) DO NOTHING`);
    this.#publish = db.prepare('UPDATE operations SET published = 1 WHERE op_id = ? AND published = 0');
    this.#await = db.prepare('UPDATE operations SET awaits_blocks = 1 WHERE op_id = ?');
    this.#awaiting = db.prepare(`
      SELECT ${operationColumns} FROM operations INDEXED BY operations_awaiting WHERE awaits_blocks = 1 AND seq > ? ORDER BY seq LIMIT ?`);
    this.#arrived = db.prepare('UPDATE operations SET awaits_blocks = 0 WHERE op_id = ?');
  }

  add(operations: readonly { operation: SignedOperation; decoded: DecodedOperation; awaitsBlocks: boolean }[]): string[] {
    const now = Date.now();
    const added: string[] = [];
    this.#db
      .transaction(() => {
        for (const { operation, decoded, awaitsBlocks } of operations) {
          const row = { ...operationParameters(operation), ...searchParameters(decoded), now, awaits: awaitsBlocks ? 1 : 0 };
          if (this.#insert.run(row).changes > 0) added.push(operation.opId);
        }
      })
      .immediate();
    return added;
  }

  markPublished(opIds: readonly string[]): string[] {
    return this.#db.transaction(() => opIds.filter((opId) => this.#publish.run(idOf(opId)).changes > 0)).immediate();
  }

  awaitBlocks(opIds: readonly string[]): void {
    this.#db.transaction(() => opIds.forEach((opId) => this.#await.run(idOf(opId)))).immediate();
  }

  awaiting(limit: number, afterSeq: number): StoredOperation[] {
    return (this.#awaiting.all(afterSeq, limit) as OperationRow[]).map(storedOperation);
  }

  noteBlocks(opId: string): void {
    this.#arrived.run(idOf(opId));
  }
}
