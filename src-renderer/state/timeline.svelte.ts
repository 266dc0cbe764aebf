/** Entries of a chart, newest first, page by page, with a filter. A reload keeps as many lines as were shown. */
import { api, asAppError } from '../api.ts';
import type { Category } from '../../src-shared/categories.ts';
import type { AppError } from '../../src-shared/errors.ts';
import type { ChartEntry } from '../../src-shared/view-types.ts';

const pageSize = 100;
const largestPage = 500;

export class Timeline {
  readonly patient: string;
  resourceTypes = $state.raw<readonly string[]>([]);
  category = $state<Category | null>(null);
  entries = $state.raw<readonly ChartEntry[]>([]);
  more = $state(false);
  loaded = $state(false);
  loading = $state(false);
  failure = $state<AppError | null>(null);
  #generation = 0;

  constructor(patient: string, category: Category | null = null, resourceTypes: readonly string[] = []) {
    this.patient = patient;
    this.category = category;
    this.resourceTypes = resourceTypes;
  }

  async filter(resourceTypes: readonly string[]): Promise<void> {
    this.resourceTypes = resourceTypes;
    this.entries = [];
    this.loaded = false;
    await this.reload();
  }

  /** From the newest on, at least as many as are shown now. */
  async reload(): Promise<void> {
    const generation = ++this.#generation;
    const wanted = Math.max(pageSize, this.entries.length);
    const entries: ChartEntry[] = [];
    this.loading = true;
    try {
      let more = true;
      while (more && entries.length < wanted) {
        const page = await this.#page(entries.at(-1), Math.min(largestPage, wanted - entries.length));
        if (generation !== this.#generation) return;
        entries.push(...page.entries);
        more = page.more && page.entries.length > 0;
      }
      this.entries = entries;
      this.more = more;
      this.failure = null;
    } catch (error) {
      if (generation === this.#generation) this.failure = asAppError(error);
    } finally {
      if (generation === this.#generation) {
        this.loaded = true;
        this.loading = false;
      }
    }
  }

  async loadMore(): Promise<void> {
    if (!this.more || this.loading) return;
    const generation = ++this.#generation;
    this.loading = true;
    try {
      const page = await this.#page(this.entries.at(-1), pageSize);
      if (generation !== this.#generation) return;
      const known = new Set(this.entries.map((entry) => entry.versionId));
      this.entries = [...this.entries, ...page.entries.filter((entry) => !known.has(entry.versionId))];
      this.more = page.more && page.entries.length > 0;
    } catch (error) {
      if (generation === this.#generation) this.failure = asAppError(error);
    } finally {
      if (generation === this.#generation) this.loading = false;
    }
  }

  /** All of it, up to a bound: for results, where a series needs every point. @returns whether there would be more. */
  async loadAll(bound: number): Promise<boolean> {
    const generation = ++this.#generation;
    this.loading = true;
    const entries: ChartEntry[] = [];
    let more = true;
    try {
      while (more && entries.length < bound) {
        const page = await this.#page(entries.at(-1), largestPage);
        if (generation !== this.#generation) return this.more;
        entries.push(...page.entries);
        more = page.more && page.entries.length > 0;
      }
      this.entries = entries;
      this.more = more;
      this.failure = null;
    } catch (error) {
      if (generation === this.#generation) this.failure = asAppError(error);
    } finally {
      if (generation === this.#generation) {
        this.loaded = true;
        this.loading = false;
      }
    }
    return more;
  }

  #page(after: ChartEntry | undefined, limit: number) {
    return api.call('chart.entries', {
      patient: this.patient,
      ...(this.resourceTypes.length > 0 ? { resourceTypes: [...this.resourceTypes] } : {}),
      ...(this.category ? { category: this.category } : {}),
      ...(after ? { before: { date: after.date, recordId: after.recordId } } : {}),
      limit,
    });
  }
}
