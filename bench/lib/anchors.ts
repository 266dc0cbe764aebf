/**
 * Anchors what waits in an outbox, without a ledger: writes the operations as read off one, in a block of their own. For figures of what comes after
 * anchoring, where a ledger in the same run would only take processor time away.
 */
import type { LedgerEvent, WorkstationStorePort } from '../../src-main/core/ports.ts';
import { createOperationCodec } from '../../src-main/core/adapters/ledger/operation-codec.ts';

export function anchorAll(store: WorkstationStorePort): void {
  const codec = createOperationCodec();
  const block = (store.followedBlocks(1)[0]?.number ?? 0) + 1;
  const blockHash = `0x${block.toString(16).padStart(64, '0')}`;
  const events = store.pending(1_000_000).map(({ operation }, logIndex) => {
    const event: LedgerEvent = { type: 'applied', opId: operation.opId, operation, block, blockHash, logIndex, txHash: blockHash };
    return { event, decoded: codec.decodePayload(operation) };
  });
  store.applyEvents(events, [{ number: block, hash: blockHash }]);
  store.finalize(block);
}
