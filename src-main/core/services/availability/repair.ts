/**
 * Looks after the blocks of this workstation: compares them with their hashes, a little at a time and the whole now and again, and fetches what is missing or
 * damaged from whoever has it. What was found damaged stays in its place, and is not handed out, until a good copy has come.
 */
import { AppError } from '../../../../src-shared/errors.ts';
import type { BlockCarePort, HoldingsPort, IpfsPort, PeerPort, WorkstationStorePort } from '../../ports.ts';
import type { Hello } from '../peers/hello.ts';

export interface CheckProgress {
  /** Milliseconds; when all blocks had been looked at the last time. */
  readonly checkedAt: number | null;
  /** Of the look that is under way; null between looks. */
  readonly bytes: number | null;
}

export interface CheckResult {
  readonly blocks: number;
  readonly bytes: number;
  readonly damaged: number;
}

export interface Repair {
  start(): void;
  progress(): CheckProgress;
  /** Looks at everything now, as fast as it goes. */
  checkAll(tell?: (bytes: number) => void): Promise<CheckResult>;
  /** Fetches what is wanted. Resolves when all of it was asked for once. */
  fetchWanted(): Promise<void>;
  /** After peers came. */
  wake(): void;
  onRepaired(listener: () => void): void;
  stop(): Promise<void>;
}

const setting = 'availability.check';
/** About 2 MiB/s at most: a hundredth of what hashing would take of the computer. */
const stepBytes = 2 * 1024 * 1024;
const pauseMs = 1_000;
/** Between two looks at everything. */
const everyMs = 7 * 24 * 60 * 60_000;
const keepEveryBytes = 256 * 1024 * 1024;
const blockProtocol = '/anamnesis/block/1';
const maxBlockBytes = 4 * 1024 * 1024;
const maxCidLength = 128;
const maxOwners = 8;
const timeoutMs = 10_000;
const parallel = 4;
const page = 200;
const firstRetryMs = 5_000;
const longestRetryMs = 10 * 60_000;

interface Kept {
  readonly after: number;
  readonly checkedAt: number | null;
}

export function createRepair(deps: {
  readonly store: WorkstationStorePort;
  readonly care: BlockCarePort;
  readonly held: HoldingsPort;
  readonly ipfs: IpfsPort & PeerPort;
  readonly hello: Pick<Hello, 'standing'>;
  readonly clock: () => number;
  readonly report: (error: unknown) => void;
}): Repair {
  const { store, care, held, ipfs, clock } = deps;
  const listeners: (() => void)[] = [];
  let timer: NodeJS.Timeout | null = null;
  let retryTimer: NodeJS.Timeout | null = null;
  let retryMs = firstRetryMs;
  let state: Kept = { after: 0, checkedAt: null };
  let keptBytes = 0;
  let bytes: number | null = null;
  let fetching: Promise<void> | null = null;
  let again = false;
  let stopped = false;

  const breathe = () => new Promise((resolve) => setImmediate(resolve));

  const keep = (next: Kept) => {
    state = next;
    store.setSetting(setting, next);
  };

  /** Which named blocks are not here at all. */
  const checkNames = async (): Promise<void> => {
    for (let after = care.checkNames(null); after !== null && !stopped; after = care.checkNames(after)) await breathe();
  };

  const step = async (): Promise<void> => {
    const { checkedAt, after } = state;
    if (after === 0 && checkedAt !== null && clock() < checkedAt + everyMs && clock() >= checkedAt)
      return later(Math.min(everyMs, 3_600_000));
    if (after === 0) await checkNames();
    const found = care.check(after, stepBytes);
    bytes = (bytes ?? 0) + found.bytes;
    if (found.damaged > 0) wake();
    if (found.next === null) {
      keep({ after: 0, checkedAt: clock() });
      bytes = null;
      keptBytes = 0;
    } else if (bytes - keptBytes > keepEveryBytes) {
      keptBytes = bytes;
      keep({ after: found.next, checkedAt });
    } else state = { after: found.next, checkedAt };
    later(pauseMs);
  };

  const later = (ms: number) => {
    if (stopped) return;
    timer = setTimeout(() => void step().catch(deps.report), ms);
    timer.unref();
  };

  /**
   * Asks one after the other, those first that said they have it. Not over bitswap: a peer that sent a block before passes over the next wish for it.
   */
  const fetchOne = async (cid: string): Promise<boolean> => {
    const said = new Set(care.owners(cid, maxOwners).flatMap((owner) => held.holdersOf(owner).map(({ holder }) => holder)));
    const connected = ipfs.peers().map(({ id }) => id);
    const order = [...connected.filter((id) => said.has(id)), ...connected.filter((id) => !said.has(id))];
    for (const peer of order) {
      if (stopped) return false;
      try {
        const bytes = await ipfs.ask(peer, blockProtocol, new TextEncoder().encode(cid), { maxBytes: maxBlockBytes, timeoutMs });
        // Throws where it is another block.
        ipfs.put([{ cid, bytes }]);
        return true;
      } catch (error) {
        // It has not got it, or gave something else: the next one is asked.
        if (!(error instanceof AppError) || !['PEER_UNREACHABLE', 'INVALID_INPUT'].includes(error.code)) throw error;
      }
    }
    return false;
  };

  /** Whether all of it came. */
  const round = async (): Promise<boolean> => {
    let complete = true;
    for (let after: string | undefined; !stopped;) {
      const cids = care.wanted(page, after);
      after = cids.at(-1);
      const queue = [...cids];
      const work = async () => {
        for (let cid = queue.shift(); cid !== undefined && !stopped; cid = queue.shift()) {
          if (await fetchOne(cid)) retryMs = firstRetryMs;
          else complete = false;
        }
      };
      await Promise.all(Array.from({ length: parallel }, work));
      if (cids.length > 0) for (const listener of listeners) listener();
      if (cids.length < page) break;
    }
    return complete;
  };

  const fetchWanted = (): Promise<void> => {
    fetching ??= round()
      .then((complete) => {
        if (stopped || (complete && !again)) return;
        // What was found in the meantime is not kept waiting.
        if (again) retryMs = 0;
        again = false;
        retryTimer = setTimeout(wake, retryMs);
        retryTimer.unref();
        retryMs = Math.min(Math.max(firstRetryMs, retryMs * 2), longestRetryMs);
      })
      .finally(() => (fetching = null));
    return fetching;
  };

  const wake = () => {
    if (retryTimer) clearTimeout(retryTimer);
    retryTimer = null;
    if (fetching) again = true;
    else if (!stopped && ipfs.peers().length > 0 && care.wanted(1).length > 0) fetchWanted().catch(deps.report);
  };

  care.onDamaged(wake);
  ipfs.serve(blockProtocol, {
    maxRequestBytes: maxCidLength,
    maxAnswerBytes: maxBlockBytes,
    async answer(peer, question) {
      if (stopped || !['own', 'member'].includes(await deps.hello.standing(peer))) return null;
      return ipfs.get(new TextDecoder().decode(question), { offline: true });
    },
  });

  return {
    start() {
      const kept = store.setting<Kept>(setting);
      if (kept) state = kept;
      // The first minutes belong to who works here.
      later(60_000);
    },
    progress: () => ({ checkedAt: state.checkedAt, bytes }),
    async checkAll(tell) {
      await checkNames();
      const total = { blocks: 0, bytes: 0, damaged: 0 };
      for (let after: number | null = 0; after !== null && !stopped;) {
        const found = care.check(after, stepBytes);
        total.blocks += found.blocks;
        total.bytes += found.bytes;
        total.damaged += found.damaged;
        after = found.next;
        tell?.(total.bytes);
        await breathe();
      }
      if (!stopped) keep({ after: 0, checkedAt: clock() });
      return total;
    },
    fetchWanted,
    wake,
    onRepaired: (listener) => void listeners.push(listener),
    async stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
      if (retryTimer) clearTimeout(retryTimer);
      await fetching?.catch(() => undefined);
    },
  };
}
