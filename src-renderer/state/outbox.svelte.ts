/** The list of what was made here: the newest page, further ones as the list is scrolled, read again when something of it changed. */
import { api, asAppError } from '../api.ts';
import type { AppError } from '../../src-shared/errors.ts';
import type { OutboxEntry, OutboxPage } from '../../src-shared/view-types.ts';

export type OutboxFilter = 'all' | 'waiting' | 'refused' | 'anchored';
const pageSize = 100;
/** More than anybody scrolls through; a reload then begins with the newest again. */
const longestReload = 500;

export class OutboxList {
  filter: OutboxFilter = $state('all');
  entries: readonly OutboxEntry[] | null = $state.raw(null);
  counts: OutboxPage['counts'] | null = $state.raw(null);
  failure: AppError | null = $state.raw(null);
  #more = false;
  #request = 0;
  #extending = false;

  show(filter: OutboxFilter): void {
    if (filter === this.filter) return;
    this.filter = filter;
    this.entries = null;
    void this.load();
  }

  async load(): Promise<void> {
    const request = ++this.#request;
    const limit = Math.min(Math.max(this.entries?.length ?? 0, pageSize), longestReload);
    await this.#ask(request, { limit }, (page) => page.entries);
  }

  /** The page behind the last entry. */
  async extend(): Promise<void> {
    const last = this.entries?.at(-1);
    if (!this.#more || this.#extending || last === undefined) return;
    this.#extending = true;
    const request = ++this.#request;
    await this.#ask(request, { limit: pageSize, before: last.position }, (page) => [...(this.entries ?? []), ...page.entries]);
    this.#extending = false;
  }

  async #ask(
    request: number,
    input: { limit: number; before?: number },
    merge: (page: OutboxPage) => readonly OutboxEntry[],
  ): Promise<void> {
    try {
      const page = await api.call('sync.outbox', { show: this.filter, ...input });
      if (request !== this.#request) return;
      this.entries = merge(page);
      this.counts = page.counts;
      this.failure = null;
      this.#more = page.more;
    } catch (failure) {
      if (request === this.#request) this.failure = asAppError(failure);
    }
  }
}
