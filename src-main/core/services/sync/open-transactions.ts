/**
 * What becomes of transactions that were sent, or may have been: mined, lost, stuck, replaced. Every doubt ends the same way: the operations
 * go back to pending and are sent once more, which is safe because the ledger takes an operation's id once.
 */
import { AppError } from '../../../../src-shared/errors.ts';
import type { LedgerPort, StoredTransaction, WorkstationStorePort } from '../../ports.ts';

/** A transaction without a receipt is sent again after so long: nodes forget what they cannot mine. */
const resendAfterMs = 5000;
/** The next one in line is offered at a higher price after so long. */
const stuckAfterMs = 30_000;
/** So long a nonce and a missing receipt may contradict each other: a node makes a block in steps, and of several behind one address one lags. */
const contradictionMs = 3000;
const priceStep = 1.25;
const longestReplacements = 10;

export interface SettleOptions {
  readonly store: WorkstationStorePort;
  readonly ledger: LedgerPort;
  readonly relayerKey: Uint8Array;
  readonly clock: () => number;
  readonly stopping: () => boolean;
  /** A transaction is out of the way; `success` false where the ledger reverted it as a whole. */
  readonly onSettled: (transaction: StoredTransaction, success: boolean) => void;
}

export interface Settle {
  /**
   * Looks at all open transactions; `nonce` is the relayer's next one on the ledger. False where it cannot be told yet what became of one: what is sent
   * after it now might come before it.
   */
  round(open: readonly StoredTransaction[], nonce: number): Promise<boolean>;
  noteSent(hash: string): void;
}

function refusalOf(error: unknown): string | null {
  return error instanceof AppError && error.code === 'LEDGER_REFUSED' ? String(error.details['reason']) : null;
}

export function settleTransactions({ store, ledger, relayerKey, clock, stopping, onSettled }: SettleOptions): Settle {
  /** When a transaction was first and last sent since this workstation started. */
  const sent = new Map<string, { first: number; last: number }>();
  /** Since when nonce and receipt contradict each other, by transaction. */
  const contradicted = new Map<string, number>();

  function noteSent(hash: string): void {
    const now = clock();
    sent.set(hash, { first: sent.get(hash)?.first ?? now, last: now });
  }

  function drop(transactions: readonly StoredTransaction[]): void {
    for (const { hash } of transactions) {
      store.dropTransaction(hash);
      sent.delete(hash);
      contradicted.delete(hash);
    }
  }

  /** Whether it has been so for so long that the transaction is lost, and not a node behind. */
  function isContradictedForLong(latest: StoredTransaction): boolean {
    const now = clock();
    // A clock that was set back begins it again rather than never ending it.
    const since = Math.min(contradicted.get(latest.hash) ?? now, now);
    contradicted.set(latest.hash, since);
    return now - since >= contradictionMs;
  }

  /** Whether one of the transactions with the same nonce is mined; if the follower has read its block, all of them are done with. */
  async function settleMined(rivals: readonly StoredTransaction[]): Promise<boolean> {
    for (const transaction of rivals) {
      const receipt = await ledger.receipt(transaction.hash);
      if (receipt === null) continue;
      if (receipt.block <= (store.followedBlocks(1)[0]?.number ?? -1) && !stopping()) {
        drop(rivals);
        onSettled(transaction, receipt.success);
      }
      return true;
    }
    return false;
  }

  /** Offers the same operations under the same nonce at a higher price. */
  async function replace(rivals: readonly StoredTransaction[], latest: StoredTransaction): Promise<void> {
    const stored = latest.opIds.flatMap((opId) => store.operation(opId) ?? []);
    const [first] = stored;
    if (first === undefined || rivals.length > longestReplacements || stored.length !== latest.opIds.length) return;
    const operations = stored.map(({ operation }) => operation);
    const options = { gasPriceFactor: priceStep ** rivals.length, predecessor: first.predecessor };
    const { hash, raw } = await ledger.signBatch(operations, relayerKey, latest.nonce, options);
    // Where gas costs nothing a higher price is the same price, and the replacement the same transaction.
    if (rivals.some((rival) => rival.hash === hash) || stopping()) return;
    store.saveTransaction({ hash, raw, nonce: latest.nonce, opIds: latest.opIds, createdAt: clock() });
    try {
      await ledger.broadcast(raw);
      noteSent(hash);
    } catch (failure) {
      const reason = refusalOf(failure);
      if (reason === null) throw failure;
      // The node prefers what it has. The earlier one stays; the operations with it.
      drop([{ hash, raw, nonce: latest.nonce, opIds: latest.opIds, createdAt: 0 }]);
      const latestSent = sent.get(latest.hash);
      // Not again at every round.
      if (latestSent) sent.set(latest.hash, { first: clock(), last: clock() });
    }
  }

  /** Sends a transaction again that has no receipt. */
  async function resend(rivals: readonly StoredTransaction[], latest: StoredTransaction, isNext: boolean): Promise<void> {
    const times = sent.get(latest.hash);
    if (times !== undefined && clock() - times.last < resendAfterMs) return;
    try {
      await ledger.broadcast(latest.raw);
      noteSent(latest.hash);
    } catch (failure) {
      const reason = refusalOf(failure);
      if (reason === null) throw failure;
      if (reason === 'underpriced') return replace(rivals, latest);
      // Too low: mined a moment ago, or the nonce was used elsewhere. The next round knows more.
      if (reason === 'nonce-too-low') return;
      drop(rivals);
      throw failure;
    }
    if (isNext && times !== undefined && clock() - times.first > stuckAfterMs) await replace(rivals, latest);
  }

  return {
    noteSent,
    async round(open, nonce) {
      const nonces = [...new Set(open.map((transaction) => transaction.nonce))].sort((a, b) => a - b);
      let expected = nonce;
      let isClear = true;
      for (const current of nonces) {
        const rivals = open.filter((transaction) => transaction.nonce === current);
        const latest = rivals.at(-1);
        if (latest === undefined) continue;
        if (await settleMined(rivals)) {
          // It may have been mined after the nonce was asked for.
          expected = Math.max(expected, current + 1);
          continue;
        }
        if (stopping()) return false;
        if (current !== expected) {
          // Below: the nonce was used by another transaction (a ledger that began anew and was used, a restored copy of this
          // workstation). Above: one before it is lost, so it can never be mined. Either way the operations are sent anew.
          if (isContradictedForLong(latest)) drop(rivals);
          else isClear = false;
          continue;
        }
        contradicted.delete(latest.hash);
        expected += 1;
        await resend(rivals, latest, current === nonce);
      }
      return isClear;
    },
  };
}
