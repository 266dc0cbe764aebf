/** “Share my record”: what the patient chooses, what is missing, and the sentence that says what signing will do. */
import { api, asAppError } from '../api.ts';
import type { FieldError } from '../components/types.ts';
import { partsInWords, purposeWords } from '../features/sharing/category-words.ts';
import { formatDate, formatDateTime } from '../../src-shared/format/index.ts';
import { categories as allCategories, type Category, clinicCategories } from '../../src-shared/categories.ts';
import type { AppError } from '../../src-shared/errors.ts';
import type { Purpose } from '../../src-shared/operations.ts';
import type { DeskRightsView, SharingView } from '../../src-shared/view-types.ts';
import { shareLimit } from './desk.svelte.ts';
import { EndDate } from './end-date.svelte.ts';

export type Candidate = SharingView['candidates'][number];

/** Goes with every sharing: without it nobody would even see whose record it is. */
const always: Category = 'demographics';
const initial: Readonly<Partial<Record<Category, boolean>>> = { [always]: true };

export class SharingForm {
  readonly #rights: () => DeskRightsView;

  grantee = $state.raw<Candidate | null>(null);
  chosen = $state<Partial<Record<Category, boolean>>>({ ...initial });
  access = $state<'read' | 'write'>('read');
  readonly end = new EndDate();
  purpose = $state<Purpose>('treatment');
  errors = $state<FieldError[]>([]);
  failure = $state<AppError | null>(null);
  busy = $state(false);

  readonly categories = $derived(
    allCategories.filter((category) => (this.chosen[category] || category === always) && this.offers(category)),
  );
  readonly sentence = $derived(this.#sentence());

  /** `rights`: what whoever is at the desk may share, and for how long. */
  constructor(rights: () => DeskRightsView) {
    this.#rights = rights;
  }

  /** Whether the chosen recipient can be given this category at all, by whoever is at the desk. */
  offers(category: Category): boolean {
    if (!this.#rights().share.some((one) => one.category === category)) return false;
    return this.grantee?.type !== 'organization' || clinicCategories.includes(category);
  }

  /** Whether a category goes with every sharing, so that there is nothing to choose. */
  isFixed(category: Category): boolean {
    return category === always;
  }

  /** The end in seconds; no later than the appointment of whoever decides. */
  endsAt(now: number): number {
    const chosen = this.end.at(now);
    const limit = shareLimit(this.#rights(), this.categories);
    return limit === 0 ? chosen : chosen === 0 ? limit : Math.min(chosen, limit);
  }

  chooseUsual(): void {
    this.chosen = Object.fromEntries(allCategories.map((category) => [category, category !== 'sensitive']));
  }

  errorOf(field: string): string | undefined {
    return this.errors.find((error) => error.field === field)?.text;
  }

  /** @returns whether it is signed and kept here; the ledger follows. */
  async sign(): Promise<boolean> {
    if (this.busy) return false;
    this.failure = null;
    this.errors = this.#check();
    const grantee = this.grantee;
    if (this.errors.length > 0 || !grantee) return false;
    this.busy = true;
    try {
      await api.call('desk.grant', {
        grantee: grantee.id,
        categories: this.categories,
        write: this.access === 'write',
        purpose: this.purpose,
        until: this.endsAt(Date.now()),
      });
    } catch (error) {
      this.failure = asAppError(error);
      return false;
    } finally {
      this.busy = false;
    }
    this.clear();
    return true;
  }

  clear(): void {
    this.grantee = null;
    this.chosen = { ...initial };
    this.access = 'read';
    this.end.clear();
    this.purpose = 'treatment';
    this.errors = [];
  }

  #check(): FieldError[] {
    const who = this.grantee ? [] : [{ field: 'grantee', text: 'Choose who may read: a doctor, or a whole clinic.' }];
    return [...who, ...this.end.check(Date.now())];
  }

  #sentence(): string {
    const grantee = this.grantee;
    if (!grantee || this.categories.length === 0) return '';
    const who = grantee.type === 'organization' ? `Everybody who works at ${grantee.name}` : `${grantee.name} (${grantee.organization})`;
    const what = partsInWords(this.categories);
    const may = this.access === 'write' ? 'read, and add to,' : 'read';
    const seconds = this.end.isIncomplete ? null : this.endsAt(Date.now());
    const { self } = this.#rights();
    const end =
      seconds === null
        ? ''
        : seconds === 0
          ? ', without an end'
          : this.end.until === 'day'
            ? `, until ${formatDateTime(seconds * 1000)}`
            : `, until ${formatDate(seconds * 1000)}`;
    return `${who} may ${may} ${what}${end}. Purpose: ${purposeWords[this.purpose].toLowerCase()}. ${self ? 'You' : 'The patient'} can take this back at any time; what was read until then cannot be un-read.`;
  }
}
