/** Finding somebody who has a card: by scanning it, by an identifier, by the account, or by name among the patients this desk may see. */
import { api, asAppError } from '../api.ts';
import type { FieldError } from '../components/types.ts';
import type { AppError } from '../../src-shared/errors.ts';
import { formatBirth, formatName } from '../../src-shared/format/index.ts';
import { identifierTypes } from './identifier-types.ts';

export interface FoundPerson {
  readonly patient: string;
  readonly name: string;
  /** What tells two of one name apart. */
  readonly detail: string;
}

export const finderKinds = [
  { value: 'card', label: 'Card' },
  { value: 'name', label: 'Name' },
  ...identifierTypes.map(({ label, system }) => ({ value: system, label })),
  { value: 'account', label: 'Account (0x…)' },
] as const;

const hitsShown = 6;

export class PersonFinder {
  kind = $state<string>('card');
  text = $state('');
  found = $state.raw<FoundPerson | null>(null);
  /** Where a name has several. */
  hits = $state.raw<readonly FoundPerson[]>([]);
  errors = $state<FieldError[]>([]);
  failure = $state<AppError | null>(null);
  busy = $state(false);

  errorOf(field: string): string | undefined {
    return this.errors.find((error) => error.field === field)?.text;
  }

  async find(): Promise<void> {
    if (this.busy) return;
    const text = this.text.trim();
    this.found = null;
    this.hits = [];
    this.failure = null;
    this.errors = text === '' ? [{ field: 'person', text: this.kind === 'card' ? 'Scan the card.' : 'Type it as it is written.' }] : [];
    if (text !== '' && this.kind === 'account' && !/^0x[0-9a-fA-F]{40}$/.test(text))
      this.errors = [{ field: 'person', text: 'An account starts with 0x, and 40 digits or letters from a to f follow.' }];
    if (this.errors.length > 0) return;
    this.busy = true;
    try {
      if (this.kind === 'name') await this.#byName(text);
      else
        await this.choose(
          this.kind === 'card' ? { card: text } : this.kind === 'account' ? { account: text } : { system: this.kind, value: text },
        );
    } catch (error) {
      this.failure = asAppError(error);
    } finally {
      this.busy = false;
    }
  }

  /** Asks the core: only somebody with a card can be chosen. */
  async choose(by: { card: string } | { account: string } | { system: string; value: string }): Promise<void> {
    const { patient, name, registeredBy } = await api.call('delegates.find', by);
    this.found = { patient, name, detail: `Registered by ${registeredBy}` };
    this.hits = [];
    this.text = '';
  }

  async take(hit: FoundPerson): Promise<void> {
    try {
      await this.choose({ account: hit.patient });
    } catch (error) {
      this.failure = asAppError(error);
    }
  }

  clear(): void {
    this.found = null;
    this.hits = [];
    this.text = '';
    this.errors = [];
    this.failure = null;
  }

  async #byName(text: string): Promise<void> {
    const { hits } = await api.call('patients.search', { text, limit: hitsShown, offset: 0 });
    this.hits = hits.map((hit) => ({ patient: hit.patient, name: formatName(hit), detail: `Born ${formatBirth(hit, Date.now())}` }));
    if (hits.length === 0)
      this.errors = [{ field: 'person', text: 'Nobody of this name is shared with this desk. Scan their card instead.' }];
  }
}
