/**
 * The ledger that comes with the workstation: Anvil on loopback, its state on disk, started again when it dies. A single site's
 * ledger without other witnesses; clinics together use a network of their own (deploy/).
 */
import { mkdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../../../src-shared/errors.ts';
import type { EmbeddedLedgerPort } from '../../ports.ts';
import { forgetProcess, noteProcess, stopOrphan } from './anvil-orphan.ts';
import { AnvilStartError, freePort, startAnvil } from './anvil-process.ts';
import type { AnvilProcess } from './anvil-process.ts';
import { anvilState } from './anvil-state.ts';
import type { AnvilState } from './anvil-state.ts';
import { deployContracts } from './deploy.ts';

const startAttempts = 5;
const firstRestartDelayMs = 100;
const longestRestartDelayMs = 10_000;
const lookAtStateMs = 60_000;
/** Looks between two copies of the state. */
const looksPerCopy = 10;

interface Run {
  readonly dir: string;
  readonly chainId: number;
  readonly state: AnvilState;
  readonly stopping: AbortController;
  process: AnvilProcess;
  /** Ends when the run is stopped. */
  watching: Promise<void>;
}

/** What a person can do about a failed start; errors that say so already stay as they are. */
function startFailure(error: unknown, dir: string): unknown {
  if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
    const text = 'The disk is full, so the ledger on this computer was not started. What was saved is safe. Make room, then try again.';
    return new AppError('DISK_FULL', text, { folder: dir }, { cause: error });
  }
  if (!(error instanceof AnvilStartError)) return error;
  const text =
    'The ledger on this computer does not start. What was saved is safe and is sent when it runs. Restart the computer; if that does not help, reinstall.';
  return new AppError('LEDGER_UNREACHABLE', text, { reason: 'start-failed', folder: dir }, { cause: error });
}

/** Starts one process, falling back to the last good state where the present one is refused, and to another port where it is taken. */
async function launch(dir: string, state: AnvilState, chainId: number, choosePort: () => Promise<number>): Promise<AnvilProcess> {
  for (let attempt = 1; ; attempt++) {
    await state.keepCandidate();
    try {
      const port = await choosePort();
      const started = await startAnvil({
        stateFile: state.file,
        stateInterval: await state.interval(),
        chainId,
        port,
        // At once: should this core be killed while the ledger starts, the next one has to find it.
        onSpawn: (pid) => noteProcess(dir, { pid, port, chainId }),
      });
      await state.confirmCandidate();
      return started;
    } catch (error) {
      if (!(error instanceof AnvilStartError) || attempt === startAttempts) throw startFailure(error, dir);
      if (error.stateRefused) await state.fallBack();
    }
  }
}

/** Whoever is connected knows the ledger by its port: while the core runs, it stays. */
async function samePort(port: number): Promise<number> {
  if ((await freePort(port)) === port) return port;
  throw new AppError('LEDGER_UNREACHABLE', 'Another program took the port of the ledger on this computer. It is tried again.', {
    reason: 'port-taken',
  });
}

/** Starts the process again whenever it ends, until the run is stopped. */
async function watch(run: Run): Promise<void> {
  const { signal } = run.stopping;
  let wait = firstRestartDelayMs;
  for (;;) {
    const startedAt = Date.now();
    await run.process.ended;
    if (signal.aborted) return;
    if (Date.now() - startedAt > longestRestartDelayMs) wait = firstRestartDelayMs;
    for (let running = false; !running;) {
      await delay(wait, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      wait = Math.min(wait * 2, longestRestartDelayMs);
      running = await launch(run.dir, run.state, run.chainId, () => samePort(run.process.port)).then(
        (process) => {
          run.process = process;
          return true;
        },
        // The follower shows that the ledger does not answer; here there is nothing to do but to try again, ever more slowly.
        () => false,
      );
    }
    // The stop came while the new process was starting.
    if (signal.aborted) return run.process.stop();
  }
}

/**
 * A crash of the computer may spoil the state file while it is written; then no more than ten minutes are to be sent again. And a state that has grown is to be
 * written less often, which Anvil takes only at its start: it is ended, and started again by `watch`.
 */
async function lookAtState(run: Run, everyMs: number): Promise<void> {
  const { signal } = run.stopping;
  for (let look = 1; !signal.aborted; look++) {
    await delay(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return;
    // A disk that is full shows elsewhere; the earlier copy stays.
    if (look % looksPerCopy === 0) await run.state.keepWhole().catch(() => undefined);
    const wanted = await run.state.interval().catch(() => 0);
    if (wanted > run.process.stateInterval && !signal.aborted) await run.process.stop();
  }
}

/** The embedded ledger; one run at a time. @param lookAtMs how often it looks whether its state has grown. */
export function createEmbeddedLedger(lookAtMs = lookAtStateMs): EmbeddedLedgerPort {
  let run: Run | null = null;
  // A stop that comes while the ledger starts would find nothing to stop and leave the process behind: one after the other.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(step: () => Promise<T>): Promise<T> => {
    const done = last.then(step);
    last = done.catch(() => undefined);
    return done;
  };

  async function end(): Promise<void> {
    const current = run;
    run = null;
    if (current === null) return;
    current.stopping.abort();
    await current.process.stop();
    await current.watching;
    await forgetProcess(current.dir);
  }

  return {
    start: ({ dir, chainId, port }) =>
      inTurn(async () => {
        await end();
        await mkdir(dir, { recursive: true });
        const state = anvilState(dir);
        await stopOrphan(dir, state.file);
        const started = await launch(dir, state, chainId, () => freePort(port));
        run = { dir, chainId, state, stopping: new AbortController(), process: started, watching: Promise.resolve() };
        run.watching = Promise.all([watch(run), lookAtState(run, lookAtMs)]).then(() => undefined);
        return { url: started.url, port: started.port };
      }),
    deploy: deployContracts,
    stop: () => inTurn(end),
  };
}
