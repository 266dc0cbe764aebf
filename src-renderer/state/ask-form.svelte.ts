/** Asking a patient for access: finding whom to ask, what for, and what is still missing. */
import { api, asAppError } from '../api.ts';
import type { FieldError } from '../components/types.ts';
import { categories as allCategories, type Category } from '../../src-shared/categories.ts';
import type { AppError } from '../../src-shared/errors.ts';
import type { Purpose } from '../../src-shared/operations.ts';
import type { FoundPatient } from '../../src-shared/view-types.ts';
import { untilSeconds } from './desk.svelte.ts';

/** What a number is: an account of this network, or an identifier of one of the registration's kinds. */
export const accountKind = 'account';

export class AskForm {
  kind = $state('urn:anamnesis:identifier:national-id');
  value = $state('');
  found = $state.raw<FoundPatient | null>(null);
  chosen = $state<Partial<Record<Category, boolean>>>({});
  access = $state<'read' | 'write'>('read');
  until = $state<'day' | 'month' | 'year' | 'open'>('year');
  purpose = $state<Purpose>('treatment');
  reason = $state('');
  errors = $state<FieldError[]>([]);
  failure = $state<AppError | null>(null);
  busy = $state(false);

  readonly categories = $derived(allCategories.filter((category) => this.chosen[category]));

  errorOf(field: string): string | undefined {
    return this.errors.find((error) => error.field === field)?.text;
  }

  async find(): Promise<void> {
    if (this.busy) return;
    const value = this.value.trim();
    const account = this.kind === accountKind;
    this.found = null;
    this.failure = null;
    this.errors = [];
    if (value === '') this.errors = [{ field: 'value', text: 'Type the number as it is written.' }];
    else if (account && !/^0x[0-9a-fA-F]{40}$/.test(value))
      this.errors = [{ field: 'value', text: 'An account starts with 0x, and 40 digits or letters from a to f follow.' }];
    if (this.errors.length > 0) return;
    await this.#run(async () => {
      this.found = await api.call('requests.find', account ? { account: value } : { system: this.kind, value });
    });
  }

  /** @returns whether it is signed and kept here; the ledger follows. */
  async send(patient: string): Promise<boolean> {
    if (this.busy) return false;
    this.failure = null;
    this.errors = [];
    if (this.categories.length === 0) this.errors.push({ field: 'categories', text: 'Choose what you ask for.' });
    if (this.reason.trim() === '') this.errors.push({ field: 'reason', text: 'Say why: the patient decides by it.' });
    if (this.errors.length > 0) return false;
    const { categories, purpose } = this;
    const asking = { patient, categories, purpose, write: this.access === 'write', reason: this.reason.trim() };
    return this.#run(() => api.call('requests.ask', { ...asking, until: untilSeconds(this.until, '', Date.now()) }));
  }

  async #run(work: () => Promise<unknown>): Promise<boolean> {
    this.busy = true;
    try {
      await work();
      return true;
    } catch (error) {
      this.failure = asAppError(error);
      return false;
    } finally {
      this.busy = false;
    }
  }
}
