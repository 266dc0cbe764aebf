/**
 * Something that is asked of the core and shown: its value, whether it is on the way, and why it failed. An older answer never replaces a
 * newer one, and a failing reload keeps what was shown.
 */
import type { AppError } from '../../src-shared/errors.ts';
import { asAppError } from '../api.ts';

export class Loadable<T> {
  value: T | null = $state.raw(null);
  failure: AppError | null = $state.raw(null);
  loading = $state(false);
  #request = 0;
  readonly #ask: () => Promise<T>;

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
  }

  async load(): Promise<void> {
    const request = ++this.#request;
    this.loading = true;
    try {
      const value = await this.#ask();
      if (request !== this.#request) return;
      this.value = value;
      this.failure = null;
    } catch (failure) {
      if (request === this.#request) this.failure = asAppError(failure);
    } finally {
      if (request === this.#request) this.loading = false;
    }
  }
}
