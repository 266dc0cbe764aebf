/**
 * Sends what was signed here: in the order it was made, in batches, each exactly once as far as the ledger is concerned (an operation's id
 * is used once). A transaction is stored before it is sent, so that after any crash it is known what may have arrived.
 *
 * What happened to an operation is the follower's to say. The outbox lets go of a transaction only when the follower has read its block.
 */
import { AppError, toWireError } from '../../../../src-shared/errors.ts';
import type { WireError } from '../../../../src-shared/errors.ts';
import type { LedgerPort, StoredOperation, StoredTransaction, WorkstationStorePort } from '../../ports.ts';
import { statusOnly } from './event-check.ts';
import type { OperationChange } from './event-check.ts';
import { createLoop } from './loop.ts';
import { settleTransactions } from './open-transactions.ts';
import { createSendQueue } from './send-queue.ts';

const maxBatchOperations = 100;
/** Batches that may be under way at once. */
const maxOpen = 4;
const openPollMs = 250;
const waitingPollMs = 1000;
const idlePollMs = 5000;

export interface Outbox {
  start(): void;
  poke(): void;
  /** As poke, even while the ledger does not answer: somebody asked, or a connection came back. */
  hurry(): void;
  /** Resolves when nothing runs any more; closing the ledger first cuts a hanging request short. */
  stop(): Promise<void>;
  /** Why sending does not go on; null while it does. */
  readonly error: WireError | null;
}

export interface OutboxOptions {
  readonly store: WorkstationStorePort;
  readonly ledger: LedgerPort;
  /** secp256k1 key of this workstation's relayer, 32 bytes. */
  readonly relayerKey: Uint8Array;
  readonly clock: () => number;
  /** How long what another workstation of the clinic brought is left to others to send (milliseconds). */
  readonly headStartMs?: () => number;
  /** States of operations changed, or a batch was sent: the follower should look. */
  readonly onChange: (kinds: OperationChange) => void;
}

function refusalOf(error: unknown): string | null {
  return error instanceof AppError && error.code === 'LEDGER_REFUSED' ? String(error.details['reason']) : null;
}

export function createOutbox({ store, ledger, relayerKey, clock, headStartMs, onChange }: OutboxOptions): Outbox {
  const relayer = ledger.relayerAddress(relayerKey);
  const queue = createSendQueue(store, clock, headStartMs);
  let batchLimit = maxBatchOperations;
  let checked = false;
  let error: WireError | null = null;

  /** A batch that the ledger did not carry out as a whole is tried in halves, down to the operation that is to blame. */
  function shrink(opIds: readonly string[]): void {
    batchLimit = Math.max(1, Math.floor(opIds.length / 2));
    const [only] = opIds;
    if (opIds.length === 1 && only !== undefined) {
      queue.leaveOut(only);
      const text = 'The ledger does not take one of the operations. It is kept here and tried again later; the others go on.';
      error = toWireError(new AppError('LEDGER_REFUSED', text, { opId: only, reason: 'reverted' }));
    }
  }

  /** Whether nothing was put before the batch meanwhile, as happens when the follower rolls back. */
  function isStillNext(batch: readonly StoredOperation[]): boolean {
    const again = queue.next(batchLimit);
    return batch.every(({ operation }, i) => again[i]?.operation.opId === operation.opId);
  }

  /** Signs, stores and sends a batch. False where the round has to begin again with what was learned. */
  async function sendBatch(batch: readonly StoredOperation[], nonce: number): Promise<boolean> {
    const opIds = batch.map(({ operation }) => operation.opId);
    let signed: { hash: string; raw: string };
    try {
      signed = await ledger.signBatch(
        batch.map(({ operation }) => operation),
        relayerKey,
        nonce,
        { predecessor: batch[0]?.predecessor ?? null },
      );
    } catch (failure) {
      if (refusalOf(failure) !== 'batch-too-large') throw failure;
      shrink(opIds);
      return false;
    }
    if (loop.stopping || !isStillNext(batch)) return false;
    store.saveTransaction({ ...signed, nonce, opIds, createdAt: clock() });
    onChange(new Set(batch.map(({ kind }) => kind)));
    try {
      await ledger.broadcast(signed.raw);
    } catch (failure) {
      const reason = refusalOf(failure);
      // Too low: the nonce was used elsewhere, or this very transaction was carried out and something on the way sent it twice. Settling finds out.
      if (reason === 'nonce-too-low') return false;
      // Unreachable: it may have arrived all the same. It stays open, and is looked for and sent again.
      // Underpriced: settling replaces it.
      if (reason !== null && reason !== 'underpriced') store.dropTransaction(signed.hash);
      throw failure;
    }
    settle.noteSent(signed.hash);
    onChange(statusOnly);
    return true;
  }

  /**
   * Whether the ledger still holds what was followed. If not, the follower is about to put operations back to pending, and what depends on
   * them must not be sent before them.
   */
  async function isAligned(): Promise<boolean> {
    const followed = store.followedBlocks(1)[0];
    return followed === undefined || (await ledger.blockHash(followed.number)) === followed.hash;
  }

  async function round(): Promise<number> {
    const open = store.openTransactions();
    if (open.length === 0 && queue.next(1).length === 0) return queue.waiting ? waitingPollMs : idlePollMs;
    // Nothing is concluded from the answers of another chain, and nothing sent to it.
    if (!checked || store.followedBlocks(1).length === 0) await ledger.check();
    checked = true;
    if (!(await isAligned())) {
      onChange(statusOnly);
      return openPollMs;
    }
    const nonce = await ledger.nonce(relayer);
    const isClear = await settle.round(open, nonce);
    if (loop.stopping) return 0;
    if (!isClear) return openPollMs;
    const left = store.openTransactions();
    const batch = queue.next(batchLimit);
    if (batch.length === 0 || left.length >= maxOpen) {
      if (left.length === 0 && batch.length === 0 && !queue.waiting) error = null;
      return left.length > 0 ? openPollMs : queue.waiting ? waitingPollMs : idlePollMs;
    }
    const sent = await sendBatch(batch, Math.max(nonce, ...left.map((transaction) => transaction.nonce + 1)));
    if (sent && !queue.waiting) error = null;
    return sent && queue.next(1).length === 0 ? openPollMs : 0;
  }

  const loop = createLoop(round, (failure) => {
    const wire = toWireError(failure);
    const news = error?.code !== wire.code || error.message !== wire.message;
    error = wire;
    checked = false;
    if (news) onChange(statusOnly);
  });

  const settle = settleTransactions({
    store,
    ledger,
    relayerKey,
    clock,
    stopping: () => loop.stopping,
    onSettled(transaction: StoredTransaction, success: boolean) {
      if (success) batchLimit = Math.min(batchLimit * 2, maxBatchOperations);
      else shrink(transaction.opIds);
      if (success) for (const opId of transaction.opIds) queue.noteCarriedOut(opId);
      onChange(statusOnly);
    },
  });

  return {
    start: () => loop.start(),
    poke: () => loop.poke(),
    hurry: () => loop.hurry(),
    stop: () => loop.stop(),
    get error() {
      return error;
    },
  };
}
