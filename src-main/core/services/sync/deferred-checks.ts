/**
 * Finds out who signed the commits that a catch-up brought: first of those that somebody who works here may read, and of the others when the ledger is read to its
 * head. Until then nothing else here knows of them.
 */
import type { LedgerPort, OperationCodecPort, UncheckedCommit, WorkstationStorePort } from '../../ports.ts';
import { checkDeferred } from './event-check.ts';
import { createLoop } from './loop.ts';

/** Few enough that whoever waits for a chart does not wait long, many enough for threads. */
const batch = 128;
/** Between asking again which compartments are wanted. */
const askEveryMs = 1000;
const waitMs = 250;
const idleMs = 60_000;

export interface DeferredChecks {
  start(): void;
  /** After commits came to be checked, or the ledger was read to its head. */
  wake(): void;
  /** Whether whoever is logged in may read what is in a compartment. */
  isWanted(compartment: string): boolean;
  /** How long what is left takes, at the pace so far; null while that says nothing yet. */
  secondsLeft(): number | null;
  /** Resolves when nothing runs any more. */
  stop(): Promise<void>;
}

export interface DeferredCheckOptions {
  readonly store: WorkstationStorePort;
  readonly ledger: Pick<LedgerPort, 'config'>;
  readonly codec: OperationCodecPort;
  /** Compartments (32 bytes in hex) that whoever is logged in has keys of. */
  readonly wanted: () => readonly string[];
  /** Whether the ledger is still being read. */
  readonly isReading: () => boolean;
  /** The last block that is final; -1 where none is. */
  readonly finalTo: () => number;
  readonly onChecked: (refused: number) => void;
  /** It is tried again. */
  readonly onFailure: (failure: unknown) => void;
}

export function createDeferredChecks(options: DeferredCheckOptions): DeferredChecks {
  const { store, ledger, codec } = options;
  // Not this computer's clock, which may be put back by a year.
  const clock = () => performance.now();
  let askedAt = -Infinity;
  let wanted: ReadonlySet<string> = new Set();
  /** Checks without a pause: since when, and how many. */
  let run: { readonly since: number; done: number } | null = null;

  /** What became wanted since the last time is looked up among those that wait. */
  const askWanted = (): void => {
    if (clock() - askedAt < askEveryMs) return;
    askedAt = clock();
    const now = new Set(options.wanted());
    const added = [...now].filter((compartment) => !wanted.has(compartment));
    if (added.length > 0) store.wantUnchecked(added);
    wanted = now;
  };

  const next = (): UncheckedCommit[] => {
    askWanted();
    const first = store.uncheckedCommits(true, batch);
    return first.length > 0 || options.isReading() ? first : store.uncheckedCommits(false, batch);
  };

  async function round(): Promise<number> {
    const network = ledger.config;
    if (network === null || store.countUnchecked() === 0) {
      run = null;
      return idleMs;
    }
    const commits = next();
    if (commits.length === 0) {
      run = null;
      return waitMs;
    }
    run ??= { since: clock(), done: 0 };
    const checked = await checkDeferred({ store, codec, network }, commits);
    if (loop.stopping) return 0;
    const refused = store.settleChecked(checked, options.finalTo());
    run.done += checked.length;
    options.onChecked(refused.length);
    return 0;
  }

  const loop = createLoop(round, options.onFailure);

  return {
    start: () => loop.start(),
    wake: () => loop.poke(),
    isWanted(compartment) {
      askWanted();
      return wanted.has(compartment);
    },
    secondsLeft() {
      const elapsed = run === null ? 0 : (clock() - run.since) / 1000;
      return run === null || run.done === 0 || elapsed <= 1 ? null : Math.ceil((elapsed / run.done) * store.countUnchecked());
    },
    stop: () => loop.stop(),
  };
}
