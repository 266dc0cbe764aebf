/**
 * Wrong passphrases and PINs: the delay before the next try doubles with each, survives a restart, and starts again after a right one.
 * The answer never says which part was wrong.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { WorkstationStorePort } from '../ports.ts';

interface Attempts {
  readonly wrong: number;
  /** Milliseconds since 1970. */
  readonly until: number;
}

const longestDelayMs = 15 * 60_000;

export interface AttemptLimiter {
  /** Runs a try. Throws TRY_LATER (details.retryInSeconds) while the delay lasts; passes on what `attempt` throws, counting WRONG_CREDENTIALS. */
  guard<T>(subject: string, attempt: () => Promise<T>): Promise<T>;
  /** What was tried before no longer counts: the passphrase is another one now. */
  forget(subject: string): void;
}

export function createAttemptLimiter(store: WorkstationStorePort, clock: () => number): AttemptLimiter {
  const busy = new Set<string>();
  return {
    forget(subject) {
      store.setSetting(`attempts:${subject}`, { wrong: 0, until: 0 } satisfies Attempts);
    },
    async guard(subject, attempt) {
      const setting = `attempts:${subject}`;
      const before = store.setting<Attempts>(setting) ?? { wrong: 0, until: 0 };
      // A clock that was turned back must not lock anyone out for longer than the longest delay.
      const wait = Math.min(before.until - clock(), longestDelayMs);
      if (wait > 0 || busy.has(subject)) {
        const retryInSeconds = Math.max(1, Math.ceil(wait / 1000));
        throw new AppError('TRY_LATER', `Please wait ${retryInSeconds} seconds before the next try.`, { retryInSeconds });
      }
      busy.add(subject);
      try {
        const result = await attempt();
        if (before.wrong > 0) store.setSetting(setting, { wrong: 0, until: 0 } satisfies Attempts);
        return result;
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'WRONG_CREDENTIALS') throw error;
        const wrong = before.wrong + 1;
        const delay = Math.min(1000 * 2 ** (wrong - 1), longestDelayMs);
        store.setSetting(setting, { wrong, until: clock() + delay } satisfies Attempts);
        throw new AppError('WRONG_CREDENTIALS', 'That did not open. Check what was typed and try again.', {
          retryInSeconds: Math.ceil(delay / 1000),
        });
      } finally {
        busy.delete(subject);
      }
    },
  };
}
