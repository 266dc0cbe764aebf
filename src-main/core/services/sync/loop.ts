/** A round of work that repeats: at its own pace, at once when woken, and ever more slowly while it fails. */

const firstBackOffMs = 500;
const longestBackOffMs = 10_000;

export interface Loop {
  start(): void;
  /** There is work: runs the next round now; while one runs, another right after it. While rounds fail, their delay stays. */
  poke(): void;
  /** Somebody has reason to think that it would go well now: runs the next round at once, even while rounds fail. */
  hurry(): void;
  /** Resolves when the running round, if any, has ended. No timer is left. */
  stop(): Promise<void>;
  readonly stopping: boolean;
}

/**
 * `round` resolves to the milliseconds until the next one. `failed` is told of every error, and the next round comes after a delay of 0.5 s to
 * 10 s that doubles, with jitter, so that workstations do not return to a ledger all at once.
 */
export function createLoop(round: () => Promise<number>, failed: (error: unknown) => void): Loop {
  let running: Promise<void> | null = null;
  let stopping = false;
  let woken = false;
  let hurried = false;
  let failures = 0;
  let wake: (() => void) | null = null;

  async function wait(ms: number): Promise<void> {
    if (hurried || stopping || (woken && failures === 0)) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    wake = null;
  }

  async function run(): Promise<void> {
    while (!stopping) {
      woken = false;
      hurried = false;
      let pause: number;
      try {
        pause = await round();
        failures = 0;
      } catch (error) {
        const backOff = Math.min(firstBackOffMs * 2 ** failures, longestBackOffMs);
        pause = backOff * (0.75 + Math.random() / 2);
        failures = Math.min(failures + 1, 10);
        failed(error);
      }
      await wait(pause);
    }
  }

  return {
    get stopping() {
      return stopping;
    },
    start() {
      if (running !== null) return;
      stopping = false;
      running = run();
    },
    poke() {
      woken = true;
      // What waits is seen by the next attempt, whenever that is: a request for each piece of work would only tell a dead ledger of it.
      if (failures === 0) wake?.();
    },
    hurry() {
      hurried = true;
      wake?.();
    },
    async stop() {
      stopping = true;
      wake?.();
      await running;
      running = null;
    },
  };
}
