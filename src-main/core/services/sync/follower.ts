/**
 * Follows the ledger: reads the gateway's events block range by block range into the store, notices when blocks it has read are no longer
 * there (a reorganization, a ledger that lost blocks or began anew), rolls back and replays.
 */
import { AppError, toWireError } from '../../../../src-shared/errors.ts';
import type { WireError } from '../../../../src-shared/errors.ts';
import type { LedgerHead, LedgerPort, OperationCodecPort, WorkstationStorePort } from '../../ports.ts';
import { allKinds, checkEvents, commitsOnly, statusOnly } from './event-check.ts';
import type { OperationChange } from './event-check.ts';
import { createDeferredChecks } from './deferred-checks.ts';
import { createLoop } from './loop.ts';
import { createPace, type CatchUp } from './pace.ts';
import { createSliceReader, type Slice } from './slices.ts';

const activePollMs = 500;
const idlePollMs = 1000;
const idleAfterMs = 120_000;
/** Followed blocks that are looked through for the last common one. */
const searchedBlocks = 4096;
/** Polls in which a head below the followed block, on the same chain, is taken for a node that lags. */
const patience = 4;
/** Of ledgers whose blocks may be replaced (Clique and others), where the network says nothing else. */
const confirmationsUnlessAtOnce = 12;
/** With more of them (1 KB each), they are checked before anything else is read: an endpoint could make up any number. */
const mostUnchecked = 150_000;
const uncheckedPollMs = 250;
const forgedSetting = 'ledgerForged';
const doubtfulSetting = 'ledgerDoubtful';

export interface FollowerStatus {
  readonly state: 'online' | 'offline';
  /** While much is read that had gathered on the ledger. */
  readonly catchUp: CatchUp | null;
  /** Somebody halted the reading; sending goes on for a few batches. */
  readonly paused: boolean;
  /** Blocks after which one is final. */
  readonly confirmations: number;
  readonly head: number | null;
  /** Seconds; what the newest block says. */
  readonly headTime: number | null;
  readonly followed: number | null;
  /** Milliseconds; when the ledger was last read to its head. */
  readonly lastSync: number | null;
  readonly error: WireError | null;
  /** Operations not yet in a block. */
  readonly pending: number;
  /** Of those made here. */
  readonly rejected: number;
  /** Commits read off the ledger whose signatures are still to be checked. */
  readonly unchecked: number;
  /** How long that takes, at the pace so far; null while that says nothing yet. */
  readonly uncheckedSecondsLeft: number | null;
  /** Events left out because their signature or content does not hold. */
  readonly forged: number;
}

export interface Follower {
  start(): void;
  poke(): void;
  /** As poke, even while the ledger does not answer: somebody asked, or a connection came back. */
  hurry(): void;
  /** Resolves when nothing runs any more; closing the ledger first cuts a hanging request short. */
  stop(): Promise<void>;
  /** Halts the reading behind the present range, or goes on with it. Nothing that was read is lost. */
  setPaused(paused: boolean): void;
  readonly online: boolean;
  status(): FollowerStatus;
}

export interface FollowerOptions {
  readonly store: WorkstationStorePort;
  readonly ledger: LedgerPort;
  readonly codec: OperationCodecPort;
  /** Blocks after which an operation is final: 0 where blocks are final at once (QBFT). Null: as the ledger's blocks tell. */
  readonly confirmations: number | null;
  readonly clock: () => number;
  /** Compartments that whoever is logged in may read: of a catch-up their commits are checked first. Default: none. */
  readonly wanted?: () => readonly string[];
  /** New commits at once from which on it is found out later who signed them. Default: 64. */
  readonly catchUpFrom?: number;
  /** Unchecked commits from which on these are checked before more is read. Default: 150,000. */
  readonly mostUnchecked?: number;
  readonly onChange: (kinds: OperationChange) => void;
  /** The ledger has no gateway at its address: it began anew. Deploys it again; throws where that is not ours to do. */
  readonly onMissingGateway?: () => Promise<void>;
  /** A head that was not there at the last look, a moment ago. */
  readonly onNewHead?: (head: LedgerHead) => void;
}

export function createFollower(options: FollowerOptions): Follower {
  const { store, ledger, codec, clock, onChange } = options;
  const pace = createPace(clock);
  const reader = createSliceReader(options);
  let state: FollowerStatus['state'] = 'offline';
  let head: LedgerHead | null = null;
  let lastSync: number | null = null;
  let error: WireError | null = null;
  let checked = false;
  let lagging = 0;
  let finalized = -1;
  let lastNews = clock();
  let paused = false;
  let confirmations = options.confirmations ?? confirmationsUnlessAtOnce;

  const addForged = (count: number) => {
    if (count > 0) store.setSetting(forgedSetting, (store.setting<number>(forgedSetting) ?? 0) + count);
  };

  let reading = true;
  const checks = createDeferredChecks({
    ...{ store, ledger, codec },
    wanted: options.wanted ?? (() => []),
    isReading: () => reading && !paused && state === 'online' && store.countUnchecked() <= (options.mostUnchecked ?? mostUnchecked),
    finalTo: () => finalized,
    onChecked(refused) {
      addForged(refused);
      onChange(commitsOnly);
    },
    onFailure(failure) {
      error = toWireError(failure);
      onChange(statusOnly);
    },
  });

  const cursor = () => store.followedBlocks(1)[0];

  /** The newest followed block that the ledger still has, by bisection; -1 where it has none. */
  async function lastCommonBlock(top: number): Promise<number> {
    const blocks = store.followedBlocks(searchedBlocks).filter(({ number }) => number <= top);
    let low = 0;
    let high = blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const block = blocks[middle];
      if (block !== undefined && (await ledger.blockHash(block.number)) === block.hash) high = middle;
      else low = middle + 1;
    }
    return blocks[low]?.number ?? -1;
  }

  /** Rolls back where the ledger no longer holds what was followed. False where that cannot be told yet. */
  async function alignWith(now: LedgerHead): Promise<boolean> {
    const followed = cursor();
    if (followed === undefined) return true;
    if (now.number >= followed.number) {
      lagging = 0;
      const hash = now.number === followed.number ? now.hash : await ledger.blockHash(followed.number);
      if (hash === followed.hash) return true;
    }
    const common = await lastCommonBlock(now.number);
    const shorterOnly =
      now.number < followed.number &&
      common >= 0 &&
      store.followedBlocks(searchedBlocks).find((b) => b.number <= now.number)?.number === common;
    if (shorterOnly && ++lagging <= patience) return false;
    lagging = 0;
    checked = false;
    reader.reset();
    store.setSetting(
      doubtfulSetting,
      store.openTransactions().map(({ hash }) => hash),
    );
    store.rollBackTo(common);
    finalized = -1;
    if (common < 0) store.setSetting(forgedSetting, 0);
    onChange(allKinds);
    return false;
  }

  async function roomForMore(): Promise<void> {
    while (!loop.stopping && !paused && store.countUnchecked() > (options.mostUnchecked ?? mostUnchecked))
      await new Promise((resolve) => setTimeout(resolve, uncheckedPollMs));
  }

  /** False where it was ended early. */
  async function takeIn({ network, events, blocks, recovered }: Slice, now: LedgerHead): Promise<boolean> {
    const doubtful = new Set(store.setting<string[]>(doubtfulSetting) ?? []);
    const check = {
      store,
      codec,
      network,
      doubtful,
      blockTime: ledger.blockTime,
      applied: ledger.applied,
      isWanted: checks.isWanted,
      stopping: () => loop.stopping,
    };
    const { believed, unchecked, forged, kinds } = await checkEvents(check, events, await recovered);
    if (loop.stopping) return false;
    addForged(forged);
    store.applyEvents(believed, blocks, now.number - confirmations, unchecked);
    if (kinds.size > 0) onChange(kinds);
    if (unchecked.length > 0) {
      checks.wake();
      await roomForMore();
    }
    return true;
  }

  /** The ledger answers with what belongs together: not only a head that goes on to nothing. */
  function setOnline(): void {
    const isBack = state === 'offline';
    state = 'online';
    error = null;
    if (isBack) onChange(statusOnly);
  }

  async function readTo(now: LedgerHead): Promise<void> {
    const followed = cursor();
    reading = (followed?.number ?? -1) < now.number;
    pace.begin((followed?.number ?? -1) + 1, now.number);
    const slices = reader.read(followed, now);
    let next = slices.next();
    try {
      while (!loop.stopping && !paused) {
        const { done, value } = await next;
        if (done === true) return value ? undefined : loop.poke();
        next = slices.next();
        // It is waited for in the next turn, or below.
        next.catch(() => undefined);
        if (!(await takeIn(value, now))) return;
        pace.reached(value.to);
        setOnline();
        if (pace.view() !== null) onChange(statusOnly);
      }
    } finally {
      await next.catch(() => undefined);
    }
  }

  function finalize(block: number): void {
    if (block < 0 || block === finalized) return;
    const mined = store.operations({ states: ['mined'], order: 'seq', limit: 1000 });
    store.finalize(block);
    finalized = block;
    const kinds = new Set(mined.filter((stored) => stored.block !== null && stored.block <= block).map(({ kind }) => kind));
    if (kinds.size > 0) onChange(kinds);
  }

  async function checkLedger(): Promise<void> {
    try {
      await ledger.check();
    } catch (failure) {
      const gone = failure instanceof AppError && failure.details['reason'] === 'gateway-missing';
      if (!gone || options.onMissingGateway === undefined) throw failure;
      await options.onMissingGateway();
      await ledger.check();
    }
    if (options.confirmations === null) confirmations = (await ledger.isFinalAtOnce()) ? 0 : confirmationsUnlessAtOnce;
    checked = true;
  }

  async function round(): Promise<number> {
    if (!checked) await checkLedger();
    const now = await ledger.head();
    if (loop.stopping) return 0;
    const fresh = head !== null && state === 'online' && now.number > head.number;
    const news = now.hash !== head?.hash || state === 'offline';
    head = now;
    if (fresh) options.onNewHead?.(now);
    if (await alignWith(now)) {
      await readTo(now);
    } else if (lagging === 0) {
      loop.poke();
    }
    if (loop.stopping) return 0;
    const followed = cursor()?.number ?? -1;
    finalize(Math.min(now.number - confirmations, followed));
    setOnline();
    if (followed === now.number) {
      lastSync = clock();
      if (reading) checks.wake();
      reading = false;
    }
    if (news) {
      lastNews = clock();
      onChange(statusOnly);
    }
    return clock() - lastNews < idleAfterMs ? activePollMs : idlePollMs;
  }

  const loop = createLoop(round, (failure) => {
    const wire = toWireError(failure);
    const news = state === 'online' || error?.code !== wire.code || error.message !== wire.message;
    state = 'offline';
    error = wire;
    checked = false;
    if (news) onChange(statusOnly);
  });

  return {
    start() {
      loop.start();
      checks.start();
    },
    poke: () => loop.poke(),
    hurry: () => loop.hurry(),
    async stop() {
      await Promise.all([loop.stop(), checks.stop()]);
    },
    setPaused(next) {
      if (paused === next) return;
      paused = next;
      pace.end();
      onChange(statusOnly);
      if (!next) loop.hurry();
    },
    get online() {
      return state === 'online';
    },
    status: () => ({
      state,
      catchUp: paused ? null : pace.view(),
      paused,
      confirmations,
      head: head?.number ?? null,
      headTime: head?.timestamp ?? null,
      followed: cursor()?.number ?? null,
      lastSync,
      error,
      pending: store.countOperations({ states: ['pending'] }) + store.countOperations({ states: ['submitted'] }),
      rejected: store.countOperations({ states: ['rejected'], origin: 'here' }),
      unchecked: store.countUnchecked(),
      uncheckedSecondsLeft: checks.secondsLeft(),
      forged: store.setting<number>(forgedSetting) ?? 0,
    }),
  };
}
