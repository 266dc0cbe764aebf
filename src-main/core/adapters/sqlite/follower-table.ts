/** What the follower has read off the ledger: blocks with their hashes, and the operations' anchors. */
import { AppError } from '../../../../src-shared/errors.ts';
import { kindOf } from '../../../../src-shared/operations.ts';
import type { DecodedOperation, LedgerEvent, UncheckedCommit } from '../../ports.ts';
import { bytesOfHex } from './bytes.ts';
import type { Db, Statement } from './database.ts';
import { operationParameters, searchParameters } from './operation-rows.ts';
import { UncheckedTable } from './unchecked-table.ts';

/** Hashes kept to recognize a reorganization; deeper ones end in a replay from the start, which changes nothing that is the same. */
const keptBlocks = 4096;
const maxReasonLength = 500;

export class FollowerTable {
  readonly #db: Db;
  readonly unchecked: UncheckedTable;
  readonly #applied: Statement;
  readonly #rejected: Statement;
  readonly #addBlock: Statement;
  readonly #pruneBlocks: Statement;
  readonly #finalize: Statement;
  readonly #blocks: Statement;
  readonly #forgetBlocks: Statement;
  readonly #unanchor: Statement;
  readonly #unreject: Statement;

  constructor(db: Db) {
    this.#db = db;
    this.unchecked = new UncheckedTable(db);
    // What the ledger holds under an opId is the truth about it; `origin` and `label` stay those of whoever made it.
    this.#applied = db.prepare(`
      INSERT INTO operations (op_id, kind, actor, issued_at, deadline, payload, signatures, patient, compartment, organization, grantee,
        member, digest, state, origin, block, log_index, block_time, tx_hash, created_at, label, predecessor)
      VALUES (@opId, @kind, @actor, @issuedAt, @deadline, @payload, @signatures, @patient, @compartment, @organization, @grantee,
        @member, @digest, @anchored, 'ledger', @block, @logIndex, @blockTime, @txHash, @now, '', @predecessor)
      ON CONFLICT (op_id) DO UPDATE SET
        kind = excluded.kind, actor = excluded.actor, issued_at = excluded.issued_at, deadline = excluded.deadline,
        payload = excluded.payload, signatures = excluded.signatures, patient = excluded.patient, compartment = excluded.compartment,
        organization = excluded.organization, grantee = excluded.grantee, member = excluded.member, digest = excluded.digest,
        predecessor = excluded.predecessor,
        state = CASE WHEN state = 'final' AND block = excluded.block THEN 'final' ELSE excluded.state END,
        block = excluded.block, log_index = excluded.log_index, block_time = excluded.block_time, tx_hash = excluded.tx_hash, reject_reason = NULL, rejected_block = NULL`);
    // Others' operations too: one that a reorganization took back, and that the ledger does not take again, would wait here for good.
    this.#rejected = db.prepare(`
      UPDATE operations SET state = 'rejected', reject_reason = @reason, rejected_block = @block, tx_hash = @txHash
      WHERE op_id = @opId AND state IN ('pending', 'submitted') AND (rejected_block IS NULL OR rejected_block < @block)`);
    this.#addBlock = db.prepare(
      'INSERT INTO followed_blocks (number, hash) VALUES (?, ?) ON CONFLICT (number) DO UPDATE SET hash = excluded.hash',
    );
    this.#pruneBlocks = db.prepare('DELETE FROM followed_blocks WHERE number < (SELECT max(number) FROM followed_blocks) - ?');
    this.#finalize = db.prepare(`
      UPDATE operations SET state = 'final' WHERE seq IN (SELECT seq FROM operations WHERE state = 'mined' AND +block <= ?)`);
    this.#blocks = db.prepare('SELECT number, hash FROM followed_blocks ORDER BY number DESC LIMIT ?');
    this.#forgetBlocks = db.prepare('DELETE FROM followed_blocks WHERE number > ?');
    this.#unanchor = db.prepare(`
      UPDATE operations SET state = 'pending', block = NULL, log_index = NULL, block_time = NULL, tx_hash = NULL WHERE block > ?`);
    this.#unreject = db.prepare(`
      UPDATE operations SET state = CASE state WHEN 'rejected' THEN 'pending' ELSE state END, reject_reason = NULL, rejected_block = NULL
      WHERE rejected_block > ?`);
  }

  applyEvents(
    events: readonly { event: LedgerEvent; decoded?: DecodedOperation }[],
    blocks: readonly { number: number; hash: string }[],
    finalTo = -1,
    unchecked: readonly UncheckedCommit[] = [],
  ): void {
    const now = Date.now();
    this.#db
      .transaction(() => {
        for (const { event, decoded } of events) this.#apply(event, decoded, now, finalTo);
        for (const commit of unchecked) this.unchecked.add(commit);
        for (const { number, hash } of blocks) this.#addBlock.run(number, hash);
        this.#pruneBlocks.run(keptBlocks);
      })
      .immediate();
  }

  settleChecked(checked: readonly { commit: UncheckedCommit; decoded: DecodedOperation | null }[], finalTo: number): UncheckedCommit[] {
    const now = Date.now();
    const refused: UncheckedCommit[] = [];
    this.#db
      .transaction(() => {
        // As they stand on the ledger, so that those of one compartment become known in that order.
        const inOrder = [...checked].sort(
          ({ commit: { event: a } }, { commit: { event: b } }) => a.block - b.block || a.logIndex - b.logIndex,
        );
        for (const { commit, decoded } of inOrder) {
          if (!this.unchecked.remove(commit)) continue;
          if (decoded === null) refused.push(commit);
          else this.#apply(commit.event, decoded, now, finalTo);
        }
      })
      .immediate();
    return refused;
  }

  finalize(block: number): void {
    this.#finalize.run(block);
  }

  followedBlocks(limit: number): { number: number; hash: string }[] {
    return this.#blocks.all(limit) as { number: number; hash: string }[];
  }

  rollBackTo(number: number): void {
    this.#db
      .transaction(() => {
        this.#forgetBlocks.run(number);
        this.unchecked.rollBackTo(number);
        // Others' operations become pending too, but keep origin 'ledger': whoever made them sends them again, not this outbox.
        this.#unanchor.run(number);
        this.#unreject.run(number);
      })
      .immediate();
  }

  #apply(event: LedgerEvent, decoded: DecodedOperation | undefined, now: number, finalTo: number): void {
    const { operation, block, logIndex, txHash, blockTime = null } = event;
    const predecessor = event.predecessor === undefined ? null : bytesOfHex(event.predecessor, 'predecessor', 32);
    if (event.type === 'rejected') {
      // Another relayer was faster with the same operation: it is on the ledger, so nothing is wrong with it.
      if (event.reason?.startsWith('OpIdUsed')) return;
      const reason = (event.reason ?? 'Unknown').slice(0, maxReasonLength);
      this.#rejected.run({ opId: bytesOfHex(event.opId, 'operation id', 32), reason, block, txHash });
      return;
    }
    if (operation === undefined || operation.opId.toLowerCase() !== event.opId.toLowerCase()) {
      throw new AppError(
        'LEDGER_REFUSED',
        'The ledger reported an operation without its content. Nothing was recorded; it will be read again.',
        {
          block,
          logIndex,
        },
      );
    }
    // A kind of a later version of the contracts: that version reads the ledger anew when it is installed here.
    if (kindOf(operation.kind) === undefined) return;
    const anchored = block <= finalTo ? 'final' : 'mined';
    const place = { anchored, block, logIndex, blockTime, txHash, predecessor };
    this.#applied.run({ ...operationParameters(operation), ...searchParameters(decoded), ...place, now });
  }
}
