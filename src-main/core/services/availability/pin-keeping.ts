/**
 * What a hub pins for other clinics. A pin is the block that is named and, where that is a commit, its pack and its files; not the commits before it,
 * which have pins of their own. Blocks are fetched from whoever is connected, counted against the client's room, and looked after like the clinic's own.
 */
import { AppError } from '../../../../src-shared/errors.ts';
import type { BlockCarePort, IpfsPort, KeptPin, KeptPinsPort, PinKeeper, RecordCryptoPort } from '../../ports.ts';
import { hexOf } from '../bytes.ts';
import { isWrong } from '../content-errors.ts';
import { contentsOf, type BlockLists } from './operation-blocks.ts';

export interface PinKeeping extends PinKeeper {
  start(): void;
  stop(): Promise<void>;
}

export interface PinLimits {
  /** Of one client. */
  readonly bytes: number;
  readonly pins: number;
}

export const usualPinLimits: PinLimits = { bytes: 100 * 1024 ** 3, pins: 5_000_000 };
const blockTimeoutMs = 8_000;
const together = 4;
const page = 50;
const firstPauseMs = 1_000;
const longestPauseMs = 5 * 60_000;
const maxCommitBytes = 2 * 1024 * 1024;
/** Not everybody's whole list is dialled for one pin. */
const maxDials = 3;
/** After so long without a block that it needs, a pin has failed; its owner may give it again. */
const giveUpAfterMs = 7 * 24 * 60 * 60_000;

export function createPinKeeping(deps: {
  readonly kept: KeptPinsPort;
  readonly care: BlockCarePort;
  readonly ipfs: Pick<IpfsPort, 'get' | 'has' | 'fileBlocks' | 'addresses' | 'dial' | 'peers' | 'onPeersChanged'>;
  readonly crypto: Pick<RecordCryptoPort, 'decodeCommit' | 'randomBytes' | 'sha256'>;
  readonly lists: Pick<BlockLists, 'areMoved'>;
  readonly limits: PinLimits;
  readonly clock: () => number;
  readonly report: (error: unknown) => void;
}): PinKeeping {
  const { kept, care, ipfs, crypto, limits, clock } = deps;
  let timer: NodeJS.Timeout | null = null;
  let pauseMs = firstPauseMs;
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = false;

  const meet = async ({ origins }: KeptPin): Promise<void> => {
    const connected = new Set(ipfs.peers().map(({ id }) => id));
    const unknown = origins.filter((address) => !connected.has(/\/p2p\/([^/]+)$/.exec(address)?.[1] ?? ''));
    // One of them is enough, where they are addresses of one workstation.
    if (unknown.length < origins.length) return;
    for (const address of unknown.slice(0, maxDials)) {
      try {
        await ipfs.dial(address);
        return;
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
      }
    }
  };

  const commitIn = (bytes: Uint8Array) => {
    try {
      return crypto.decodeCommit(bytes);
    } catch (error) {
      // A profile, an envelope: a block that stands for itself.
      if (error instanceof AppError) return null;
      throw error;
    }
  };

  /**
   * Brings all of it here, each block named as soon as it is here: whoever else needed it may give it up meanwhile. Answers its bytes. Throws
   * BLOCK_UNAVAILABLE where nobody gives a block, FILE_TOO_LARGE beyond the client's room, CANCELLED where the pin was taken back.
   */
  const fetchAll = async (pin: KeptPin): Promise<{ cids: string[]; bytes: number }> => {
    let room = limits.bytes - (kept.usage(pin.client).bytes - pin.bytes);
    let bytes = 0;
    const cids = new Set<string>();
    const get = async (cid: string) => {
      const block = await ipfs.get(cid, { timeoutMs: blockTimeoutMs });
      if (stopped || kept.pin(pin.client, pin.requestId) === undefined)
        throw new AppError('CANCELLED', 'Nobody waits for this pin any more.');
      care.name([{ owner: pin.requestId, cids: [cid] }]);
      if (!cids.has(cid)) {
        cids.add(cid);
        bytes += block.length;
        room -= block.length;
      }
      if (room < 0) throw new AppError('FILE_TOO_LARGE', 'There is no room left for this client.');
      return block;
    };
    const root = await get(pin.cid);
    const commit = root.length <= maxCommitBytes ? commitIn(root) : null;
    // What a patient had encrypted anew is to be nowhere any more (ADR 11), and nobody would give it.
    const isMoved = commit !== null && (await deps.lists.areMoved(commit, hexOf(crypto.sha256(root))));
    for (const file of commit === null || isMoved ? [] : contentsOf(commit)) {
      for (const cid of await ipfs.fileBlocks(file, { timeoutMs: blockTimeoutMs })) await get(cid);
    }
    return { cids: [...cids], bytes };
  };

  /** Whether it need not be tried again. */
  const work = async (pin: KeptPin): Promise<boolean> => {
    try {
      await meet(pin);
      kept.note(pin.requestId, 'pinning', pin.bytes);
      const { cids, bytes } = await fetchAll(pin);
      // What only the pin needed that this one replaced.
      care.free(pin.requestId, cids);
      // A block may have gone in the moment before it was named: then all of it is gone through once more.
      kept.note(pin.requestId, care.isWhole(pin.requestId) ? 'pinned' : 'queued', bytes);
      return true;
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.code === 'CANCELLED') return true;
      // No room for it, or not what its name says. All else passes: a disk that is full, a peer that is away.
      const isHopeless = isWrong(error) || clock() - pin.createdAt > giveUpAfterMs;
      if (isHopeless) care.drop(release(pin.requestId));
      kept.note(pin.requestId, isHopeless ? 'failed' : 'queued', isHopeless ? 0 : pin.bytes);
      return isHopeless;
    }
  };

  const round = async (): Promise<boolean> => {
    const queue = kept.unfinished(page);
    const size = queue.length;
    let done = 0;
    await Promise.all(
      Array.from({ length: together }, async () => {
        for (let pin = queue.shift(); pin !== undefined && !stopped; pin = queue.shift()) if (await work(pin)) done += 1;
      }),
    );
    return size === 0 || done > 0;
  };

  const run = async (): Promise<void> => {
    let moved: boolean;
    try {
      do {
        again = false;
        moved = await round();
      } while ((again || (moved && kept.unfinished(1).length > 0)) && !stopped);
    } catch (error) {
      if (!stopped) deps.report(error);
      moved = false;
    }
    if (stopped || kept.unfinished(1).length === 0) return;
    pauseMs = moved ? firstPauseMs : Math.min(pauseMs * 2, longestPauseMs);
    timer = setTimeout(wake, pauseMs);
    timer.unref();
  };

  const wake = () => {
    if (timer) clearTimeout(timer);
    timer = null;
    if (stopped) return;
    if (running) again = true;
    else running = run().finally(() => (running = null));
  };

  ipfs.onPeersChanged(() => {
    if (timer) wake();
  });

  return {
    add(client, request, replaces) {
      const used = kept.usage(client);
      if (replaces === undefined && (used.pins >= limits.pins || used.bytes >= limits.bytes)) {
        throw new AppError('NOT_ALLOWED', 'There is no room left for this token on the hub.');
      }
      const pin: KeptPin = {
        ...request,
        ...{ client, requestId: hexOf(crypto.randomBytes(32)), status: 'queued', createdAt: clock() },
        bytes: replaces === undefined ? 0 : (kept.pin(client, replaces)?.bytes ?? 0),
      };
      // Nothing of what both need goes: until the new one has all of it, it holds, and counts, what the old one held.
      if (replaces !== undefined) care.name([{ owner: pin.requestId, cids: care.blocksOf(replaces) }]);
      kept.add(pin, replaces);
      if (replaces !== undefined) care.forget(replaces);
      pauseMs = firstPauseMs;
      wake();
      return pin;
    },
    pin: (client, requestId) => kept.pin(client, requestId),
    list: (client, filter, limit) => kept.list(client, filter, limit),
    remove(client, requestId) {
      if (kept.pin(client, requestId) === undefined) return false;
      kept.remove(requestId);
      // Other pins, and the clinic's own records, may need the same blocks: those stay.
      care.drop(release(requestId));
      return true;
    },
    delegates: () => ipfs.addresses().slice(0, 20),
    start: wake,
    async stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
      await running;
    },
  };

  function release(requestId: string): string[] {
    const cids = care.blocksOf(requestId);
    care.forget(requestId);
    return cids;
  }
}
