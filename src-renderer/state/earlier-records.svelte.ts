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

  /** All categories where none is named. */
  async start(categories: readonly Category[]): Promise<void> {
    this.running = true;
    this.failure = null;
    this.result = null;
    this.progress = null;
    try {
      this.result = await api.call('earlier.reencrypt', { categories: [...categories] });
    } catch (error) {
      this.failure = asAppError(error);
    } finally {
      this.running = false;
      this.stopping = false;
    }
    await this.load();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await api.call('earlier.stop', { patient: this.patient });
    await this.load();
    if (!this.running) this.stopping = false;
  }
}
