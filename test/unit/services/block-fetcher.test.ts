/** When contents are asked for again that did not come. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createBlockFetcher } from '../../../src-main/core/services/peers/block-fetcher.ts';
import { AppError } from '../../../src-shared/errors.ts';

const opId = `0x${'11'.repeat(32)}`;
const minute = 60_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** One operation whose block comes for nobody, until it does. Answers how long that takes from then on, in ms. */
async function afterAnHour(isOffered: boolean): Promise<number> {
  let comes = false;
  let waits = true;
  let asked = 0;
  const stored = { seq: 1, operation: { opId } };
  const fetcher = createBlockFetcher({
    store: {
      awaitingBlocks: (_: number, after: number) => (waits && after < 1 ? [stored] : []),
      noteBlocks: () => (waits = false),
    } as never,
    ipfs: {
      async get() {
        asked += 1;
        if (!comes) throw new AppError('BLOCK_UNAVAILABLE', 'Nobody has it.');
        return new Uint8Array(1);
      },
      peers: () => [{ id: 'somebody' }],
    } as never,
    crypto: { cidOfDigest: () => 'cid' } as never,
    codec: { decodePayload: () => ({ kind: 'RequestAccess', payload: { reason: opId } }) } as never,
    areMoved: () => Promise.resolve(false),
    isOffered: () => isOffered,
    report(error) {
      throw error;
    },
  });
  fetcher.wake();
  await vi.advanceTimersByTimeAsync(60 * minute);
  // It has failed once more just before.
  const before = asked;
  while (asked === before) await vi.advanceTimersByTimeAsync(1000);
  comes = true;
  const from = Date.now();
  while (waits) await vi.advanceTimersByTimeAsync(1000);
  await fetcher.stop();
  return Date.now() - from;
}

describe('contents that did not come for an hour', () => {
  it('are asked for soon again where somebody who is connected said they have them', async () => {
    expect(await afterAnHour(true)).toBeLessThanOrEqual(15_000);
  });

  it('and seldom where nobody did', async () => {
    const ms = await afterAnHour(false);
    expect(ms).toBeGreaterThan(15_000);
    expect(ms).toBeLessThanOrEqual(5 * minute);
  });
});
