/**
 * The one way in which anything is saved: first the blocks, then the signed operations as the commit point, both durable when this returns
 * (design section 6). What comes after (index, outbox, screens) follows and is repaired at start if a crash came between.
 */
import type { OperationKind } from '../../../src-shared/operations.ts';
import type { EncodedFileBlock, IpfsPort, WorkstationStorePort } from '../ports.ts';
import type { FactBus } from './facts.ts';
import type { PreparedOperation } from './signing.ts';

export interface Publisher {
  /** `replaces`: opIds of refused operations whose place these take. Throws DISK_FULL, DISK_FAILED or STORE_DAMAGED; then nothing of it counts as saved. */
  publish(blocks: readonly EncodedFileBlock[], operations: readonly PreparedOperation[], replaces?: readonly string[]): void;
  /**
   * What follows the commit point, in somebody's index. What was saved stays so where this fails (a full disk, a lock), and whoever saved it must not be told
   * otherwise: they would do it again. The index then reads it from the store, as after a crash in between.
   */
  follow(step: () => void | Promise<void>): Promise<void>;
}

export function createPublisher(store: WorkstationStorePort, ipfs: IpfsPort, facts: FactBus, report: (error: unknown) => void): Publisher {
  return {
    publish(blocks, operations, replaces) {
      if (blocks.length > 0) ipfs.put(blocks);
      store.enqueue(operations, replaces);
      const kinds = new Set<OperationKind>(operations.map((o) => o.decoded.kind));
      facts.tell('operations', { kinds });
    },
    async follow(step) {
      try {
        await step();
      } catch (error) {
        report(error);
      }
    },
  };
}
