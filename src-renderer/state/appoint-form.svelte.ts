/** Appointing a guardian or delegate: whom, with which limits, and the sentence that says what signing will do. */
import { api, asAppError } from '../api.ts';
import type { FieldError } from '../components/types.ts';
import { scopeInWords } from '../features/delegates/delegate-words.ts';
import { categories as allCategories, type Category } from '../../src-shared/categories.ts';
import type { AppError } from '../../src-shared/errors.ts';
import { formatDate } from '../../src-shared/format/index.ts';
import type { Capacity, Power } from '../../src-shared/operations.ts';
import { EndDate } from './end-date.svelte.ts';
import { PersonFinder } from './person-finder.svelte.ts';

const deeds: Readonly<Record<Power, string>> = {
  share: 'share it with others and answer requests',
  revoke: 'take access back',
  emergency: 'switch emergency access off and on',
};

export class AppointForm {
  readonly finder = new PersonFinder();
  capacity = $state<Capacity>('guardian');
  powers = $state<Record<Power, boolean>>({ share: true, revoke: true, emergency: false });
  scope = $state<'all' | 'named'>('all');
  chosen = $state<Partial<Record<Category, boolean>>>({});
  readonly end = new EndDate();
  errors = $state<FieldError[]>([]);
  failure = $state<AppError | null>(null);
  busy = $state(false);

  /** None: everything. */
  readonly categories = $derived(
    this.scope === 'all' ? [] : allCategories.filter((category) => category === 'demographics' || this.chosen[category]),
  );
  /** The switch is about all of the record, so it goes with all of it only. */
  readonly given = $derived(
    (['share', 'revoke', 'emergency'] as const).filter((power) => this.powers[power] && (power !== 'emergency' || this.scope === 'all')),
  );
  readonly sentence = $derived(this.#sentence());

  errorOf(field: string): string | undefined {
    return this.errors.find((error) => error.field === field)?.text;
  }

  /** @returns whether it is signed and kept here; the ledger follows. */
  async sign(): Promise<boolean> {
    if (this.busy) return false;
    this.failure = null;
    this.errors = this.#check();
    const delegate = this.finder.found?.patient;
    if (this.errors.length > 0 || !delegate) return false;
    this.busy = true;
    try {
      const until = this.end.at(Date.now());
      await api.call('delegates.appoint', { delegate, capacity: this.capacity, powers: this.given, categories: this.categories, until });
      return true;
    } catch (error) {
      this.failure = asAppError(error);
      return false;
    } finally {
      this.busy = false;
    }
  }

  #check(): FieldError[] {
    const errors: FieldError[] = [];
    if (!this.finder.found) errors.push({ field: 'person', text: 'Find the person who is to decide for you.' });
    if (this.given.length === 0) errors.push({ field: 'powers', text: 'Choose what they may do.' });
    if (this.scope === 'named' && this.categories.length < 2) errors.push({ field: 'scope', text: 'Choose the parts that it is about.' });
    return [...errors, ...this.end.check(Date.now())];
  }

  #sentence(): string {
    const person = this.finder.found;
    if (!person || this.given.length === 0 || (this.scope === 'named' && this.categories.length < 2)) return '';
    const end = this.end.isIncomplete ? 0 : this.end.at(Date.now());
    const what = scopeInWords(this.scope === 'all' ? null : this.categories);
    const may = this.given.map((power) => deeds[power]).join(', ');
    const how = end === 0 ? 'without an end' : `until ${formatDate(end * 1000)}`;
    return `${person.name} may read ${what} and, with their own card and in your stead, ${may}: ${how}. What they share ends no later than that. You can dismiss them at any time; what was read until then cannot be un-read.`;
  }
}
