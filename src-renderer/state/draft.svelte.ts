/**
 * Keeps what a person types: a form's state goes to the core's encrypted drafts a moment after each change, and comes back after a lock,
 * a crash or a closed window. Secrets (a PIN, a phrase) never belong into a draft.
 */
import { api } from '../api.ts';
import { app } from './app.svelte.ts';
import type { AppError } from '../../src-shared/errors.ts';

/** Quiet time after the last change before a draft is written, in milliseconds. */
const delay = 800;

interface Unwritten {
  readonly json: string;
  readonly at: number;
}

/**
 * What could not be written because the core died or locked at that moment, by account and draft: in this window's memory until the same
 * person opens the same form again. Nobody else is shown it.
 */
const unwritten = new Map<string, Unwritten>();

export class DraftKeeper {
  /** When the draft that is on the screen now was last written; null while nothing is kept. */
  savedAt = $state<number | null>(null);
  /** When the draft that was found on opening had been written; null where none was. */
  restoredAt = $state<number | null>(null);
  failure = $state<AppError | null>(null);

  readonly #id: string;
  readonly #patient: string;
  readonly #kind: string;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pending: string | null = null;
  #last: string | null = null;
  #writing: Promise<void> = Promise.resolve();
  #closed = false;
  /** Whose draft is waiting: when it cannot be written, nobody may be logged in any more. */
  #account = '';

  constructor(id: string, patient: string, kind: string) {
    this.#id = id;
    this.#patient = patient;
    this.#kind = kind;
  }

  get #key(): string {
    return `${this.#account}/${this.#id}`;
  }

  /** The kept draft's content, or null. A draft that cannot be parsed is left alone and reported as absent. */
  async restore(): Promise<unknown> {
    this.#account = app.session?.account ?? '';
    const rescued = unwritten.get(this.#key);
    if (rescued) {
      this.restoredAt = rescued.at;
      this.#pending = rescued.json;
      await this.flush();
      return JSON.parse(rescued.json) as unknown;
    }
    const drafts = await api.call('drafts.list', this.#patient ? { patient: this.#patient } : {});
    const draft = drafts.find((d) => d.id === this.#id);
    if (!draft) return null;
    try {
      const content: unknown = JSON.parse(draft.json);
      this.#last = draft.json;
      this.restoredAt = draft.updatedAt;
      this.savedAt = draft.updatedAt;
      return content;
    } catch {
      return null;
    }
  }

  /** Notes a change; writes it after a moment of quiet. Unchanged content is not written again. */
  keep(content: unknown): void {
    const json = JSON.stringify(content);
    if (this.#closed || json === (this.#pending ?? this.#last)) return;
    this.#account = app.session?.account ?? this.#account;
    this.#pending = json;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), delay);
  }

  /** Writes at once what is still waiting: on leaving the screen, or before a save. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    const json = this.#pending;
    if (json === null) return this.#writing;
    this.#pending = null;
    this.#writing = this.#writing.then(async () => {
      try {
        await api.call('drafts.save', { id: this.#id, patient: this.#patient, kind: this.#kind, json });
        unwritten.delete(this.#key);
        this.#last = json;
        this.savedAt = Date.now();
        this.failure = null;
      } catch (error) {
        this.failure = error as AppError;
        unwritten.set(this.#key, { json, at: Date.now() });
        // Stays on the screen and is tried again with the next change.
        if (this.#pending === null) this.#last = null;
      }
    });
    return this.#writing;
  }

  /** Forgets the draft here and in the core. */
  async discard(): Promise<void> {
    this.forget();
    await this.#writing;
    await api.call('drafts.discard', { id: this.#id });
  }

  /** Stops keeping what is waiting: the content was saved for good. */
  forget(): void {
    clearTimeout(this.#timer);
    unwritten.delete(this.#key);
    this.#pending = null;
    this.#last = null;
    this.savedAt = null;
    this.restoredAt = null;
  }

  /** The screen goes away: what is still waiting is written, later changes are not noted any more. */
  close(): void {
    this.#closed = true;
    void this.flush();
  }
}
