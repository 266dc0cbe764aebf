/**
 * People found while typing. Only the pages that are looked at are fetched; what is on the screen stays until the newer answer is
 * there, so that typing never flickers, and an answer that was overtaken is thrown away.
 */
import { api } from '../api.ts';
import type { AppError } from '../../src-shared/errors.ts';
import type { LinkMark, PatientSummary } from '../../src-shared/view-types.ts';

export const pageSize = 100;

/** So long after the last movement of the pointer over the rows a hand may still be on its way to one, in milliseconds. */
const handMs = 600;

export class PatientList {
  text = $state('');
  total = $state<number | null>(null);
  failure = $state<AppError | null>(null);
  /** Sparse: page number -> rows. */
  pages = $state.raw<ReadonlyMap<number, readonly PatientSummary[]>>(new Map());
  active = $state(0);
  /** Those of the rows whose person is registered more than once, by account. */
  linked = $state.raw<ReadonlyMap<string, LinkMark>>(new Map());

  #generation = 0;
  #asked = new Set<number>();
  #searching: Promise<void> = Promise.resolve();
  #handUntil = 0;

  /** Row `index` of the result, undefined while its page is not here. */
  at(index: number): PatientSummary | undefined {
    return this.pages.get(Math.floor(index / pageSize))?.[index % pageSize];
  }

  /** Starts over with the present text. */
  async search(): Promise<void> {
    const generation = ++this.#generation;
    this.#asked = new Set([0]);
    this.active = 0;
    this.#searching = this.#load(0, generation, 'search');
    await this.#searching;
  }

  /** Once what was typed last has its answer. */
  async settled(): Promise<void> {
    let waited: Promise<void>;
    do await (waited = this.#searching);
    while (waited !== this.#searching);
  }

  /** The pointer moves over the rows: until it rests, none of them moves, lest the one that is clicked be another patient's. */
  hold(): void {
    this.#handUntil = performance.now() + handMs;
  }

  /** The same search again, after patients were added or changed. Whoever was chosen stays chosen, at whatever row that is then. */
  async refresh(): Promise<void> {
    const generation = ++this.#generation;
    const page = Math.floor(this.active / pageSize);
    this.#asked = new Set([page]);
    await this.#load(page, generation, 'refresh');
  }

  /** Makes sure that rows `from` to `to` are here or on their way. */
  need(from: number, to: number): void {
    if (this.total === null) return;
    const last = Math.floor(Math.min(to, Math.max(0, this.total - 1)) / pageSize);
    for (let page = Math.floor(Math.max(0, from) / pageSize); page <= last; page++) {
      if (this.pages.has(page) || this.#asked.has(page)) continue;
      this.#asked.add(page);
      void this.#load(page, this.#generation, 'page');
    }
  }

  async #handRests(): Promise<void> {
    for (let left = this.#handUntil - performance.now(); left > 0; left = this.#handUntil - performance.now())
      await new Promise((resolve) => setTimeout(resolve, left));
  }

  /** Where the chosen patient is among these. The first row of the whole list is where everybody starts, and nobody's choice. */
  #follow(hits: readonly PatientSummary[], page: number): void {
    const chosen = this.text.trim() === '' && this.active === 0 ? undefined : this.at(this.active)?.patient;
    const place = hits.findIndex(({ patient }) => patient === chosen);
    if (place >= 0) this.active = page * pageSize + place;
  }

  async #load(page: number, generation: number, why: 'search' | 'refresh' | 'page'): Promise<void> {
    try {
      const { hits, total, linked } = await api.call('patients.search', {
        text: this.text.slice(0, 200),
        limit: pageSize,
        offset: page * pageSize,
      });
      if (why === 'refresh') await this.#handRests();
      if (generation !== this.#generation) return;
      if (why === 'refresh') this.#follow(hits, page);
      const replace = why !== 'page';
      // What was asked for while this waited goes with the rest, and is asked for again where it is in sight.
      if (replace) this.#asked = new Set([page]);
      this.pages = replace ? new Map([[page, hits]]) : new Map(this.pages).set(page, hits);
      const marks = linked.map((mark) => [mark.patient, mark] as const);
      this.linked = new Map(replace ? marks : [...this.linked, ...marks]);
      this.total = total;
      if (this.active >= total) this.active = Math.max(0, total - 1);
      this.failure = null;
    } catch (error) {
      if (generation !== this.#generation) return;
      this.#asked.delete(page);
      this.failure = error as AppError;
    }
  }
}
