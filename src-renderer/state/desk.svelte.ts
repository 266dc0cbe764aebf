/**
 * A patient at the desk: opening the card with the PIN, then who may read what, sharing and revoking. The card's text and the PIN are
 * forgotten as soon as the core has answered.
 */
import { api, asAppError } from '../api.ts';
import { AppError } from '../../src-shared/errors.ts';
import type { Category } from '../../src-shared/categories.ts';
import type { DeskRightsView, PatientRequest, SharingView } from '../../src-shared/view-types.ts';

export class CardReader {
  card = $state('');
  pin = $state('');
  busy = $state(false);
  failure = $state<AppError | null>(null);
  /** When the next try is allowed, milliseconds; 0 = now. */
  retryAt = $state(0);
  errors = $state<{ field: string; text: string }[]>([]);

  errorOf(field: string): string | undefined {
    return this.errors.find((error) => error.field === field)?.text;
  }

  /** @returns the account of the patient whose card was opened, or null. */
  async open(): Promise<string | null> {
    if (this.busy || Date.now() < this.retryAt) return null;
    this.failure = null;
    this.errors = [];
    if (this.card.trim() === '') this.errors.push({ field: 'card', text: 'Scan the card, paste its text, or choose a picture of it.' });
    else if (this.card.trim().length > 2000)
      this.errors.push({ field: 'card', text: 'This is longer than any card. Empty the field and scan the card again.' });
    if (this.pin === '') this.errors.push({ field: 'pin', text: 'Type the PIN or passphrase of the card.' });
    if (this.errors.length > 0) return null;
    this.busy = true;
    try {
      const { patient } = await api.call('desk.open', { card: this.card.trim(), pin: this.pin });
      this.card = '';
      return patient;
    } catch (error) {
      this.failure = asAppError(error);
      const wait = Number(this.failure.details.retryInSeconds ?? 0);
      if (wait > 0) this.retryAt = Date.now() + wait * 1000;
      return null;
    } finally {
      this.pin = '';
      this.busy = false;
    }
  }

  /** Reads the card's code from a picture, here in the window. @throws AppError CARD_INVALID where there is none to be read. */
  async readPicture(file: Blob): Promise<void> {
    this.failure = null;
    this.errors = [];
    try {
      const { readCode } = await import('../features/sharing/read-code.ts');
      this.card = await readCode(file);
    } catch (error) {
      this.errors = [{ field: 'picture', text: error instanceof AppError ? error.message : asAppError(error).message }];
    }
  }
}

export type Until = 'day' | 'month' | 'year' | 'open' | 'date';

/** The end of a grant in seconds since 1970: 0 for none, the last second of the chosen day for a date. */
export function untilSeconds(until: Until, date: string, now: number): number {
  if (until === 'open') return 0;
  if (until === 'date') return Math.floor(new Date(`${date}T23:59:59`).getTime() / 1000);
  const end = new Date(now);
  if (until === 'day') end.setDate(end.getDate() + 1);
  if (until === 'month') end.setMonth(end.getMonth() + 1);
  if (until === 'year') end.setFullYear(end.getFullYear() + 1);
  return Math.floor(end.getTime() / 1000);
}

/** Until when what is decided about these categories may last (seconds, 0 = no limit): as long as the shortest appointment. */
export function shareLimit({ share }: DeskRightsView, categories: readonly Category[]): number {
  const ends = share.filter(({ category, until }) => until !== 0 && (category === 'demographics' || categories.includes(category)));
  return ends.length === 0 ? 0 : Math.min(...ends.map(({ until }) => until));
}

export class Sharing {
  view = $state.raw<SharingView | null>(null);
  /** What the patient is asked for and has not answered. */
  requests = $state.raw<readonly PatientRequest[]>([]);
  failure = $state<AppError | null>(null);
  #asked = 0;

  async load(): Promise<void> {
    const asked = ++this.#asked;
    try {
      const [view, requests] = await Promise.all([api.call('desk.sharing', {}), api.call('requests.open', {})]);
      if (asked !== this.#asked) return;
      this.view = view;
      this.requests = requests;
      this.failure = null;
    } catch (error) {
      if (asked === this.#asked) this.failure = asAppError(error);
    }
  }

  async revoke(grantee: string, categories: readonly Category[]): Promise<void> {
    await api.call('desk.revoke', { grantee, categories: [...categories] });
    await this.load();
  }
}
