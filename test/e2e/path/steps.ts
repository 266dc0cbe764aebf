/** A path is a row of steps that build on each other: after one that failed, the rest would fail for its reason, and slowly. */
import { beforeEach, expect, onTestFailed } from 'vitest';

/** Called inside a describe: skips what comes after a failed step. */
export function stopAfterFailure(): void {
  let failed: string | null = null;
  beforeEach((context) => {
    if (failed !== null) context.skip(`“${failed}” failed before`);
    onTestFailed(({ task }) => void (failed ??= task.name));
  });
}

/** Asserts what is true in the end: asked again until it holds, for half a minute. */
export const eventually = <T>(probe: () => T | Promise<T>) => expect.poll(probe, { timeout: 30_000, interval: 100 });
