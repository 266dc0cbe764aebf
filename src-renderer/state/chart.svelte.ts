/** One patient's chart as the screen holds it: the summary, and the whole-record check. Reloaded whenever the core says it changed. */
import { api, asAppError } from '../api.ts';
import type { AppError } from '../../src-shared/errors.ts';
import type { ChartView, VerifyReport } from '../../src-shared/view-types.ts';

export class Chart {
  readonly patient: string;
  view = $state.raw<ChartView | null>(null);
  failure = $state<AppError | null>(null);
  report = $state.raw<VerifyReport | null>(null);
  checking = $state(false);
  checkFailure = $state<AppError | null>(null);
  #asked = 0;
  /** Whether an account stands for the name of somebody, because the profile is not here yet. */
  readonly unnamed = $derived(
    this.view !== null &&
      [...this.view.problems, ...this.view.medications, ...this.view.recentResults, ...this.view.latestEncounters].some((entry) =>
        entry.author.startsWith('0x'),
      ),
  );

  constructor(patient: string) {
    this.patient = patient;
  }

  async load(): Promise<void> {
    const asked = ++this.#asked;
    try {
      const view = await api.call('chart.open', { patient: this.patient });
      if (asked !== this.#asked) return;
      this.view = view;
      this.failure = null;
    } catch (error) {
      if (asked === this.#asked) this.failure = asAppError(error);
    }
  }

  async check(offline = false): Promise<void> {
    if (this.checking) return;
    this.checking = true;
    this.checkFailure = null;
    this.report = null;
    try {
      this.report = await api.call('chart.verify', { patient: this.patient, offline });
    } catch (error) {
      this.checkFailure = asAppError(error);
    } finally {
      this.checking = false;
    }
  }
}

/** Events come in bursts while the index catches up: one reload for each, at most every `gap` milliseconds, and one after the last. */
export function throttled(gap: number, action: () => Promise<void>): { trigger: () => void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = false;
  let again = false;
  let stopped = false;
  const run = async (): Promise<void> => {
    running = true;
    again = false;
    await action();
    timer = setTimeout(() => {
      running = false;
      if (again && !stopped) void run();
    }, gap);
  };
  return {
    trigger: () => {
      if (running) again = true;
      else if (!stopped) void run();
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
