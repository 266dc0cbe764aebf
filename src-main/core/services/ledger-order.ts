import type { StoredOperation } from '../ports.ts';

/** Ledger order: anchored by block and log index, then waiting ones as they became known here. */
export function precedes(a: StoredOperation, b: StoredOperation): boolean {
  if (a.block !== null && b.block !== null) return a.block < b.block || (a.block === b.block && (a.logIndex ?? 0) < (b.logIndex ?? 0));
  if (a.block !== null) return true;
  if (b.block !== null) return false;
  return a.seq < b.seq;
}
