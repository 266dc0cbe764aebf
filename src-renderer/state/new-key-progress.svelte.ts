/** A new key for a patient who has nothing left that opens the old one: how far it is, and putting it in force. The card and PIN are forgotten at once. */
import { api, asAppError } from '../api.ts';
import type { FieldError } from '../components/types.ts';
import type { AppError } from '../../src-shared/errors.ts';
import type { CallOutput } from '../../src-shared/ipc-schema.ts';

export class NewKeyProgress {
  view = $state.raw<CallOutput<'helpers.pending'> | null>(null);
  /** Of what was to be signed; what could not be read is `unread`. */
  failure = $state<AppError | null>(null);
  unread = $state<AppError | null>(null);
  errors: FieldError[] = $state.raw([]);
  card = $state('');
  pin = $state('');
  busy = $state(false);
  readonly #patient: string;

  constructor(patient: string) {
    this.#patient = patient;
  }

  /** Somebody asked, and it is neither in force nor stopped. */
  get isAsked(): boolean {
    return (this.view?.pending.length ?? 0) > 0;
  }

  get isReady(): boolean {
    return this.view?.pending.some(({ state }) => state === 'ready') ?? false;
  }

  /** Whether it can be asked for here. */
  get isPossible(): boolean {
    return (this.view?.helpers.threshold ?? 0) > 0;
  }

  errorOf(field: string): string | undefined {
    return this.errors.find((error) => error.field === field)?.text;
  }

  async load(): Promise<void> {
    try {
      this.view = await api.call('helpers.pending', { patient: this.#patient });
      this.unread = null;
    } catch (error) {
      this.unread = asAppError(error);
    }
  }

  async complete(): Promise<boolean> {
    if (this.busy) return false;
    this.failure = null;
    this.errors = [
      ...(this.card.trim() ? [] : [{ field: 'new-card', text: 'Scan the new card.' }]),
      ...(this.pin ? [] : [{ field: 'new-card-pin', text: 'The patient types the PIN of the new card.' }]),
    ];
    if (this.errors[0]) {
      document.getElementById(this.errors[0].field)?.focus();
      return false;
    }
    this.busy = true;
    try {
      await api.call('helpers.complete', { patient: this.#patient, card: this.card.trim(), pin: this.pin });
      this.clear();
      return true;
    } catch (error) {
      this.failure = asAppError(error);
      return false;
    } finally {
      this.pin = '';
      this.busy = false;
    }
  }

  clear(): void {
    this.card = this.pin = '';
  }
}
