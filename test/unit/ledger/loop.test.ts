import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLoop } from '../../../src-main/core/services/sync/loop.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

it('runs at its own pace, and at once when woken', async () => {
  let rounds = 0;
  const loop = createLoop(
    () => Promise.resolve((rounds++, 1000)),
    () => expect.unreachable(),
  );
  loop.start();
  await vi.advanceTimersByTimeAsync(999);
  expect(rounds).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(rounds).toBe(2);
  loop.poke();
  await vi.advanceTimersByTimeAsync(0);
  expect(rounds).toBe(3);
  await loop.stop();
  expect(vi.getTimerCount()).toBe(0);
});

it('slows down while it fails, never beyond 12.5 s, and is quick again after a success', async () => {
  let failing = true;
  const times: number[] = [];
  const loop = createLoop(
    () => {
      times.push(Date.now());
      return failing ? Promise.reject(new Error('down')) : Promise.resolve(100);
    },
    () => undefined,
  );
  loop.start();
  await vi.advanceTimersByTimeAsync(120_000);
  const pauses = times.slice(1).map((time, i) => time - times[i]!);
  expect(pauses[0]).toBeLessThanOrEqual(625);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(12_500);
  expect(pauses.at(-1)).toBeGreaterThanOrEqual(7500);
  failing = false;
  loop.hurry();
  await vi.advanceTimersByTimeAsync(150);
  expect(times.at(-1)! - times.at(-2)!).toBe(100);
  await loop.stop();
});

it('runs again right after a round in which it was woken, and ends with the round in which it was stopped', async () => {
  let finish: (() => void) | null = null;
  let rounds = 0;
  const loop = createLoop(
    () => {
      rounds += 1;
      return new Promise<number>((resolve) => {
        finish = () => resolve(60_000);
      });
    },
    () => expect.unreachable(),
  );
  loop.start();
  loop.poke();
  finish!();
  await vi.advanceTimersByTimeAsync(0);
  expect(rounds).toBe(2);
  const stopped = loop.stop();
  finish!();
  await stopped;
  expect(rounds).toBe(2);
  expect(vi.getTimerCount()).toBe(0);
});

it('is not driven by work while it fails, only by somebody who asks', async () => {
  let attempts = 0;
  const loop = createLoop(
    () => {
      attempts += 1;
      return Promise.reject(new Error('down'));
    },
    () => undefined,
  );
  loop.start();
  await vi.advanceTimersByTimeAsync(60_000);
  const before = attempts;
  for (let save = 0; save < 1000; save++) {
    loop.poke();
    await vi.advanceTimersByTimeAsync(7);
  }
  expect(attempts - before).toBeLessThanOrEqual(1);
  const asked = attempts;
  loop.hurry();
  await vi.advanceTimersByTimeAsync(0);
  expect(attempts).toBe(asked + 1);
  await loop.stop();
});
