/**
 * Argon2id (RFC 9106) in a worker thread, one at a time: its memory is the point of it, so two at once could take what the
 * workstation needs, and a queue without end would keep a logged-in person waiting behind guesses.
 */
import { Worker } from 'node:worker_threads';
import { AppError } from '../../../../src-shared/errors.ts';
import { workerFile } from '../threads/worker-file.ts';
import { randomBytes } from './hashing.ts';

export interface Argon2Cost {
  readonly memoryKiB: number;
  readonly passes: number;
}

/** What an unlock costs unless a test lowers it: RFC 9106, section 4, second recommended option, with one lane (a worker has one core). */
export const defaultCost: Argon2Cost = { memoryKiB: 65_536, passes: 3 };

/** Sealed secrets come from files and cards: what they ask for is bounded before it is done. */
export const costLimits = { memoryKiB: [8_192, 262_144], passes: [1, 10], saltBytes: [16, 64] } as const;

const maxWaiting = 16;

export interface Argon2 {
  /** Stretches a passphrase to 32 bytes. The passphrase bytes are moved to the worker and zeroed there. Throws TRY_LATER. */
  derive(passphrase: Uint8Array, salt: Uint8Array, cost: Argon2Cost): Promise<Uint8Array>;
  /** Seconds that one derivation of this cost takes here: the fastest so far, since a busy machine only ever makes one slower. */
  seconds(cost: Argon2Cost): Promise<number>;
}

interface Derived {
  readonly key: Uint8Array;
  readonly seconds: number;
}

/** A queue of derivations, one worker at a time. */
export function createArgon2(): Argon2 {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  const fastest = new Map<string, number>();
  const nameOf = ({ memoryKiB, passes }: Argon2Cost): string => `${memoryKiB}/${passes}`;
  const argon2: Argon2 = {
    derive(passphrase, salt, cost) {
      if (waiting >= maxWaiting) {
        passphrase.fill(0);
        return Promise.reject(
          new AppError('TRY_LATER', 'Too many passphrases are being checked at once. Nothing was changed; try again in a moment.'),
        );
      }
      waiting += 1;
      const result = last.then(() => runWorker(passphrase, salt, cost)).finally(() => (waiting -= 1));
      // The next one waits for this one to end, however it ends; the failure itself goes to this one's caller.
      last = result.then(
        () => undefined,
        () => undefined,
      );
      return result.then(({ key, seconds }) => {
        const name = nameOf(cost);
        fastest.set(name, Math.min(seconds, fastest.get(name) ?? Infinity));
        return key;
      });
    },
    async seconds(cost) {
      if (!fastest.has(nameOf(cost))) (await argon2.derive(randomBytes(8), randomBytes(16), cost)).fill(0);
      return fastest.get(nameOf(cost)) ?? 0;
    },
  };
  return argon2;
}

function runWorker(passphrase: Uint8Array, salt: Uint8Array, cost: Argon2Cost): Promise<Derived> {
  return new Promise((resolve, reject) => {
    const failed = (cause?: unknown): void =>
      reject(
        new AppError(
          'INTERNAL',
          'The passphrase could not be checked on this machine (it may be short of memory). Nothing was changed; close other programs and try again.',
          {},
          { cause },
        ),
      );
    // An ArrayBuffer of its own: moving one that is shared with Node's pool would take other bytes along.
    const moved = new Uint8Array(passphrase);
    passphrase.fill(0);
    try {
      const worker = new Worker(workerFile('argon2-worker', import.meta.url), {
        workerData: { passphrase: moved, salt, ...cost },
        transferList: [moved.buffer],
      });
      worker.once('message', (derived: Derived) => resolve(derived));
      worker.once('error', failed);
      // After a message this changes nothing: a promise settles once.
      worker.once('exit', (code) => failed(`worker ended with code ${code}`));
    } catch (cause) {
      failed(cause);
    }
  });
}
