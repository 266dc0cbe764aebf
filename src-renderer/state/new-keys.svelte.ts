/** New keys at the desk: whom the owner of the card chose to help to one, what was asked for, and what of the record from before can be brought back. */
import { api, asAppError } from '../api.ts';
import type { FieldError } from '../components/types.ts';
import type { AppError } from '../../src-shared/errors.ts';
import type { Category } from '../../src-shared/categories.ts';
import type { KeyHelper, KeyHelpersView, NewKeysAtDesk as View } from '../../src-shared/view-types.ts';
import { PersonFinder } from './person-finder.svelte.ts';

const mostHelpers = 5;

export class NewKeysAtDesk {
  view = $state.raw<View | null>(null);
  /** Of what was to be signed; what could not be read is `unread`. */
  failure = $state<AppError | null>(null);
  unread = $state<AppError | null>(null);
  busy = $state(false);
  /** What was brought back just now. */
  brought = $state.raw<readonly Category[]>([]);
  #asked = 0;

  async load(): Promise<void> {
    const asked = ++this.#asked;
    try {
      const view = await api.call('helpers.atDesk', {});
      if (asked !== this.#asked) return;
      this.view = view;
      this.unread = null;
    } catch (error) {
      if (asked === this.#asked) this.unread = asAppError(error);
    }
  }

  /** Whether it was signed. */
  agree(proposal: string): Promise<boolean> {
    return this.#act(() => api.call('helpers.agree', { proposal }));
  }

  stop(): Promise<boolean> {
    return this.#act(() => api.call('helpers.stop', {}));
  }

  bringBack(): Promise<boolean> {
    return this.#act(async () => {
      this.brought = (await api.call('helpers.bringBack', {})).categories;
    });
  }

  async #act(act: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.failure = null;
    try {
      await act();
      await this.load();
      return true;
    } catch (error) {
      this.failure = asAppError(error);
      return false;
    } finally {
      this.busy = false;
    }
  }
}

export class HelperChoice {
  helpers = $state.raw<readonly KeyHelper[]>([]);
  threshold = $state('1');
  days = $state('3');
  readonly finder = new PersonFinder();
  errors: FieldError[] = $state.raw([]);
  failure = $state<AppError | null>(null);
  busy = $state(false);

  constructor({ helpers, threshold, days }: KeyHelpersView) {
    this.helpers = helpers;
    if (threshold > 0) [this.threshold, this.days] = [String(threshold), String(days)];
    else this.threshold = '2';
  }

  get isFull(): boolean {
    return this.helpers.length >= mostHelpers;
  }

  /** Takes whom the finder found. */
  add(): void {
    const { found } = this.finder;
    if (!found || this.isFull) return;
    if (!this.helpers.some(({ account }) => account === found.patient))
      this.helpers = [...this.helpers, { account: found.patient, name: found.name }];
    this.errors = [];
    this.finder.clear();
  }

  remove(account: string): void {
    this.helpers = this.helpers.filter((one) => one.account !== account);
  }

  /** One sentence that says what the signature will do. */
  get sentence(): string {
    const count = Number(this.threshold);
    const among = this.helpers.length;
    if (among === 0 || count > among) return '';
    const who = among === 1 ? this.helpers[0]?.name : `${count} of these ${among}`;
    const days = Number(this.days) === 1 ? '1 day' : `${this.days} days`;
    return `If card, PIN and words are all lost, ${who} can give you a new key together with you, ${days} after they agreed. Until then, whoever has the old card can stop it. They read nothing and decide nothing.`;
  }

  async sign(): Promise<boolean> {
    if (this.busy) return false;
    this.failure = null;
    // Somebody who was found and not taken over is meant.
    this.add();
    const [threshold, days] = [Number(this.threshold), Number(this.days)];
    const none = this.helpers.length === 0;
    this.errors = [
      ...(none || (threshold >= 1 && threshold <= this.helpers.length)
        ? []
        : [{ field: 'threshold', text: `There are ${this.helpers.length}: choose no more than that, or add people.` }]),
      ...(none || (Number.isInteger(days) && days >= 1 && days <= 90)
        ? []
        : [{ field: 'days', text: 'A whole number of days, from 1 to 90.' }]),
    ];
    if (this.errors[0]) {
      document.getElementById(this.errors[0].field)?.focus();
      return false;
    }
    this.busy = true;
    try {
      const helpers = this.helpers.map(({ account }) => account);
      await api.call('helpers.choose', { helpers, threshold: none ? 0 : threshold, days: none ? 0 : days });
      return true;
    } catch (error) {
      this.failure = asAppError(error);
      return false;
    } finally {
      this.busy = false;
    }
  }
}
