/** Outbox and follower of one workstation together: what one learns wakes the other. */
import type { WireError } from '../../../../src-shared/errors.ts';
import type { OperationChange } from './event-check.ts';
import { createFollower } from './follower.ts';
import type { FollowerOptions, FollowerStatus } from './follower.ts';
import { createOutbox } from './outbox.ts';

export interface LedgerSync {
  start(): void;
  /** After operations were enqueued. While the ledger does not answer, they wait for the next attempt. */
  poke(): void;
  /** When somebody asks for it, or the network is said to be back: at once. */
  hurry(): void;
  setPaused(paused: boolean): void;
  /** Resolves when neither runs any more; closing the ledger first cuts a hanging request short. */
  stop(): Promise<void>;
  status(): FollowerStatus & { readonly sendError: WireError | null };
}

export interface LedgerSyncOptions extends FollowerOptions {
  /** secp256k1 key of this workstation's relayer, 32 bytes. */
  readonly relayerKey: Uint8Array;
  readonly headStartMs?: () => number;
}

export function createLedgerSync(options: LedgerSyncOptions): LedgerSync {
  let online = false;
  const follower = createFollower({
    ...options,
    onChange(kinds: OperationChange) {
      // The ledger answers again: what could not be sent need not wait for its own next attempt.
      if (follower.online && !online) outbox.hurry();
      else outbox.poke();
      online = follower.online;
      options.onChange(kinds);
    },
  });
  const outbox = createOutbox({
    ...options,
    onChange(kinds: OperationChange) {
      follower.poke();
      options.onChange(kinds);
    },
  });
  return {
    start() {
      follower.start();
      outbox.start();
    },
    poke() {
      outbox.poke();
      follower.poke();
    },
    hurry() {
      outbox.hurry();
      follower.hurry();
    },
    setPaused: (paused) => follower.setPaused(paused),
    async stop() {
      await Promise.all([follower.stop(), outbox.stop()]);
    },
    status: () => ({ ...follower.status(), sendError: outbox.error }),
  };
}
