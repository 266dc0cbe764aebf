/**
 * Recovers who signed, many signatures at once, on worker threads: a catch-up is limited by nothing as much as by this (a recovery takes 1 to 2 ms), and
 * the event loop has screens to answer. Threads start with the first large number and end when nothing came for a while.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { SignedDigest } from '../../ports.ts';
import { workerFile } from '../threads/worker-file.ts';
import { recoverAddress } from './recover-address.ts';
import type { SignerAnswer, SignerTask } from './signer-worker.ts';

/** Fewer are done before a thread has started. */
const worthThreads = 64;
const perSlice = 16;
const mostThreads = 4;
const idleMs = 30_000;

export interface Signers {
  /** Addresses in lower case, in the order of the signatures; null for what is nobody's. */
  recoverAll(signatures: readonly SignedDigest[]): Promise<readonly (string | null)[]>;
}

type Addresses = readonly (string | null)[];

interface Thread {
  /** Rejects where the thread ended before it answered. */
  recover(signatures: readonly SignedDigest[]): Promise<Addresses>;
  end(): void;
}

function startThread(): Thread {
  const worker = new Worker(workerFile('signer-worker', import.meta.url));
  // It keeps no process from ending.
  worker.unref();
  const waiting = new Map<number, { resolve(addresses: Addresses): void; reject(cause: unknown): void }>();
  let ended: unknown = null;
  let id = 0;
  const fail = (cause: unknown): void => {
    ended ??= cause;
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  worker.on('message', ({ id: answered, addresses }: SignerAnswer) => {
    waiting.get(answered)?.resolve(addresses);
    waiting.delete(answered);
    if (waiting.size === 0) worker.unref();
  });
  worker.on('error', fail);
  worker.on('exit', (code) => fail(new Error(`A thread ended with code ${code}`)));
  return {
    recover: (signatures) =>
      new Promise((resolve, reject) => {
        if (ended !== null) return reject(ended);
        id += 1;
        waiting.set(id, { resolve, reject });
        worker.ref();
        worker.postMessage({ id, signatures } satisfies SignerTask);
      }),
    end: () => void worker.terminate(),
  };
}

async function onThisThread(signatures: readonly SignedDigest[]): Promise<Addresses> {
  await new Promise((resolve) => setImmediate(resolve));
  return signatures.map(({ digest, signature }) => recoverAddress(digest, signature));
}

export function createSigners(): Signers {
  let threads: Thread[] = [];
  let users = 0;
  let idle: NodeJS.Timeout | null = null;

  function endThreads(): void {
    for (const thread of threads) thread.end();
    threads = [];
  }

  /** Each thread takes the next slice when it has done one; what a thread that fails leaves is done here. */
  async function onThreads(slices: readonly (readonly SignedDigest[])[]): Promise<readonly Addresses[]> {
    if (idle !== null) clearTimeout(idle);
    users += 1;
    while (threads.length < Math.min(mostThreads, availableParallelism())) threads.push(startThread());
    const results: Addresses[] = [];
    let next = 0;
    const work = async (thread: Thread): Promise<void> => {
      for (let at = next++; at < slices.length; at = next++) {
        const slice = slices[at] ?? [];
        results[at] = await thread.recover(slice).catch(() => {
          threads = threads.filter((other) => other !== thread);
          return onThisThread(slice);
        });
      }
    };
    try {
      // Two slices at a time each, so that none waits while this thread is busy.
      await Promise.all([...threads, ...threads].map(work));
      return results;
    } finally {
      users -= 1;
      if (users === 0) {
        idle = setTimeout(endThreads, idleMs);
        idle.unref();
      }
    }
  }

  return {
    async recoverAll(signatures) {
      const slices: SignedDigest[][] = [];
      for (let at = 0; at < signatures.length; at += perSlice)
        // Only what a thread needs is copied to it.
        slices.push(signatures.slice(at, at + perSlice).map(({ digest, signature }) => ({ digest, signature })));
      if (signatures.length >= worthThreads) return (await onThreads(slices)).flat();
      const addresses: (string | null)[] = [];
      for (const slice of slices) addresses.push(...(await onThisThread(slice)));
      return addresses;
    },
  };
}
