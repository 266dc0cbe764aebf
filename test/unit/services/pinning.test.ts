/** How much a service is asked about in one round. */
import { expect, it } from 'vitest';
import { createPinning } from '../../../src-main/core/services/availability/pinning.ts';

it('asks a pinning service in one round about all that it has not confirmed for a day', async () => {
  const now = Date.UTC(2026, 0, 2);
  const checked = new Map(Array.from({ length: 35 }, (_, i) => [`cid${i}`, 0]));
  const questions: string[][] = [];
  const settings = new Map<string, unknown>([
    ['pinning.service', { id: '00', name: 'Pins', endpoint: 'https://pins.example', token: 'token' }],
  ]);
  const pinning = createPinning({
    store: { setting: (name: string) => settings.get(name) },
    held: { changesAfter: () => [], hear: () => undefined, retell: () => undefined },
    queue: {
      toSend: () => [],
      toAsk: (states: string[], before: number, limit: number) =>
        [...checked]
          .filter(([, at]) => states.includes('pinned') && at < before)
          .slice(0, limit)
          .map(([cid]) => ({ opId: '', cid })),
      note(said: { cid: string }[], at: number) {
        for (const { cid } of said) checked.set(cid, at);
        return { held: [], lost: [] };
      },
      counts: () => ({ waiting: 0, queued: 0, pinning: 0, pinned: checked.size, failed: 0 }),
    },
    service: {
      of(_: unknown, cids: string[]) {
        questions.push(cids);
        return Promise.resolve(cids.map((cid) => ({ cid, status: 'pinned', delegates: [] })));
      },
    },
    ...{ ipfs: { peers: () => [] }, clock: () => now, onChange: () => undefined },
    report(error: unknown) {
      throw error;
    },
  } as never);
  pinning.start();
  // The round that has begun is waited for, and no other follows.
  while (pinning.view()?.answeredAt === null) await new Promise((resolve) => setImmediate(resolve));
  await pinning.stop();
  expect(questions.map((cids) => cids.length)).toEqual([10, 10, 10, 5]);
  expect(new Set(questions.flat()).size).toBe(35);
});
