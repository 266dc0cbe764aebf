/** Old records of the patient at the desk, encrypted anew on request: how many there are, how far it is, how it ended. */
import { api, asAppError } from '../api.ts';
import type { AppError } from '../../src-shared/errors.ts';
import type { Category } from '../../src-shared/categories.ts';
import type { EarlierRecords, Progress, ReencryptionResult } from '../../src-shared/view-types.ts';

export class EarlierRecordsAtDesk {
  readonly patient: string;
  view = $state.raw<EarlierRecords | null>(null);
  progress = $state.raw<Progress | null>(null);
  /** Of the run that ended last while this screen was open. */
  result = $state.raw<ReencryptionResult | null>(null);
  failure = $state<AppError | null>(null);
  running = $state(false);
  stopping = $state(false);
  readonly busy = $derived(this.running || this.view?.running === true);
  /** Whether it goes on, has ended, or waits for somebody to go on: as opposed to what is only offered. */
  readonly pressing = $derived(this.busy || this.result !== null || this.failure !== null || (this.view?.interrupted ?? null) !== null);
  readonly offered = $derived((this.view?.records ?? 0) > 0);

  constructor(patient: string) {
    this.patient = patient;
  }

  /** Hears how far it is, also of a run that began before this screen was opened. @returns how to stop hearing. */
  follow(): () => void {
    return api.on('progress', (now) => {
      if (now.job === `reencrypt:${this.patient}`) this.progress = now;
    });
  }

  async load(): Promise<void> {
    try {
      this.view = await api.call('earlier.view', {});
    } catch (error) {
      this.failure = asAppError(error);
    }
  }

  /** All categories where none is named. While it runs, it takes on these too. */
  async start(categories: readonly Category[]): Promise<void> {
    if (!this.running) this.progress = null;
    this.running = true;
    this.failure = null;
    this.result = null;
    try {
      this.result = await api.call('earlier.reencrypt', { categories: [...categories] });
    } catch (error) {
      this.failure = asAppError(error);
    }
    // How it ended is shown beside what is left, not beside what was left before.
    await this.load();
    this.running = false;
    this.stopping = false;
  }

  async stop(): Promise<void> {
    this.stopping = true;
    try {
      await api.call('earlier.stop', { patient: this.patient });
      await this.load();
    } catch (error) {
      this.failure = asAppError(error);
    }
    if (!this.running) this.stopping = false;
  }
}
