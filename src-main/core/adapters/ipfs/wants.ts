/**
 * Blocks that are asked of peers, each once however many wait for it. Nobody waits for long; but what is on its way over a slow line when the last of them
 * gives up is taken all the same, and is here when it is asked for again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { CID } from 'multiformats/cid';
import { patience, type Patience } from './patience.ts';

/** A want that nobody waits for any more ends when nothing came from any peer for so long, at the latest after so long. */
const lingerQuietMs = 10_000;
const lingerLongestMs = 600_000;
/** Those that linger longest give way. */
const mostLingering = 256;
/**
 * Bitswap forgets a want now and then: one that was given up and wanted again at once, or whose block came while the want was still being sent. So what is wanted is
 * asked for anew after so long; what is on its way then is taken all the same.
 */
const renewMs = 30_000;
/** What it was asked for before, it has forgotten by then. */
const forgottenMs = 1_000;

interface Want {
  readonly block: Promise<Uint8Array>;
  readonly end: AbortController;
  waiting: number;
  lingering: Patience | null;
}

export interface Wants {
  /** Rejects when the wait is over. */
  fetch(cid: CID, wait: Patience): Promise<Uint8Array>;
  /** Bytes of blocks came from a peer. */
  note(bytes: number): void;
}

/** @param get asks peers for a block and stores it when it comes. */
export function createWants(get: (cid: CID, signal: AbortSignal) => Promise<Uint8Array>): Wants {
  const wants = new Map<string, Want>();
  const waits = new Set<Patience>();

  const wanted = async (cid: CID, end: AbortSignal): Promise<Uint8Array> => {
    for (;;) {
      const turn = AbortSignal.timeout(renewMs);
      try {
        return await get(cid, AbortSignal.any([end, turn]));
      } catch (error) {
        if (end.aborted || !turn.aborted) throw error;
      }
      await delay(forgottenMs, undefined, { ref: false });
    }
  };
  const begin = (key: string, cid: CID): Want => {
    const end = new AbortController();
    const block = wanted(cid, end.signal).finally(() => {
      wants.get(key)?.lingering?.end();
      wants.delete(key);
    });
    block.catch(() => undefined);
    const want: Want = { block, end, waiting: 0, lingering: null };
    wants.set(key, want);
    return want;
  };
  const linger = (key: string, want: Want): void => {
    const wait = patience(lingerQuietMs, lingerLongestMs);
    want.lingering = wait;
    wait.signal.addEventListener('abort', () => want.end.abort(wait.signal.reason), { once: true });
    // Put last, so that the first is the one that has lingered longest.
    wants.delete(key);
    wants.set(key, want);
    const lingering = [...wants.values()].filter((one) => one.lingering !== null);
    if (lingering.length > mostLingering) lingering[0]?.end.abort(new Error('Too many wants'));
  };

  return {
    async fetch(cid, wait) {
      const key = Buffer.from(cid.multihash.bytes).toString('base64');
      const want = wants.get(key) ?? begin(key, cid);
      want.lingering?.end();
      want.lingering = null;
      want.waiting += 1;
      waits.add(wait);
      let giveUp = (): void => undefined;
      const over = new Promise<never>((_, reject) => {
        giveUp = () => reject(wait.signal.reason as Error);
        if (wait.signal.aborted) giveUp();
        wait.signal.addEventListener('abort', giveUp, { once: true });
      });
      try {
        return await Promise.race([want.block, over]);
      } finally {
        wait.signal.removeEventListener('abort', giveUp);
        waits.delete(wait);
        want.waiting -= 1;
        if (want.waiting === 0 && wants.get(key) === want) linger(key, want);
      }
    },
    note(bytes) {
      for (const wait of waits) wait.note(bytes);
      for (const { lingering } of wants.values()) lingering?.note(bytes);
    },
  };
}
