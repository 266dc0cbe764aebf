/**
 * A new card at the desk, while it is made: because the old one is lost (the same key again), or because somebody may know the PIN or the words (a new
 * key), or because nothing is left that opens the old one (a new key that others help to). What opens the old key is forgotten as soon as the core has answered.
 */
import { api, asAppError } from '../api.ts';
import type { FieldError } from '../components/types.ts';
import { CardSecret } from './card-secret.svelte.ts';

export type Reason = 'lost' | 'known' | 'all';
export type Way = 'words' | 'shares' | 'card';

export class CardReplacement {
  reason: Reason = $state('lost');
  from: Way = $state('words');
  phrase = $state('');
  first = $state('');
  second = $state('');
  /** The present card, or that of whoever helps to a new key. */
  oldCard = $state('');
  oldPin = $state('');
  readonly secret = new CardSecret();
  errors: FieldError[] = $state.raw([]);
  failure = $state('');
  busy = $state(false);
  /** `phrase` is empty where the key stayed the same: then the recovery sheet stays too. */
  made: { card: string; phrase: string } | null = $state.raw(null);
  /** Of a key that others help to: for comparing. */
  code = $state('');

  readonly #patient: string;

  constructor(patient: string) {
    this.#patient = patient;
  }

  because(reason: Reason): void {
    this.reason = reason;
    this.errors = [];
    this.failure = '';
    // Who has card and PIN needs no new card of the same key.
    if (reason === 'lost' && this.from === 'card') this.from = 'words';
  }

  errorOf(field: string): string | undefined {
    return this.errors.find((error) => error.field === field)?.text;
  }

  async make(): Promise<void> {
    if (this.busy) return;
    this.failure = '';
    this.errors = [...this.#check(), ...this.secret.check()];
    if (this.errors[0]) return document.getElementById(this.errors[0].field)?.focus();
    this.busy = true;
    try {
      if (this.reason === 'all') this.made = await this.#ask();
      else this.made = this.reason === 'lost' ? { ...(await this.#reissue()), phrase: '' } : await this.#renew();
      this.forget();
    } catch (error) {
      const refused = asAppError(error);
      if (this.reason !== 'all' && this.from === 'words' && ['PHRASE_INVALID', 'NOT_FOUND', 'KEY_REPLACED'].includes(refused.code)) {
        this.errors = [{ field: 'recovery-words', text: refused.message }];
        document.getElementById('recovery-words')?.focus();
      } else this.failure = refused.message;
    } finally {
      this.busy = false;
    }
  }

  /** Of the old key and the new PIN; what was made stays until `clear`. */
  forget(): void {
    this.phrase = this.first = this.second = this.oldCard = this.oldPin = '';
    this.secret.clear();
  }

  clear(): void {
    this.forget();
    this.made = null;
  }

  /** The new card is in the patient's hands: it need not be offered again. */
  async handedOver(): Promise<void> {
    if (this.made?.phrase && this.reason === 'known') await api.call('drafts.discard', { id: `card:${this.#patient}` });
  }

  #check(): FieldError[] {
    if (this.reason === 'all') {
      return [
        ...(this.oldCard.trim() ? [] : [{ field: 'helper-card', text: 'Scan the card of somebody whom the patient chose.' }]),
        ...(this.oldPin ? [] : [{ field: 'helper-pin', text: 'The card’s owner types the PIN.' }]),
      ];
    }
    if (this.from === 'words') {
      return this.phrase.trim() ? [] : [{ field: 'recovery-words', text: 'Type the words of the patient’s recovery sheet.' }];
    }
    if (this.from === 'shares') return this.first.trim() ? [] : [{ field: 'first-share', text: 'Scan or paste a share.' }];
    return [
      ...(this.oldCard.trim() ? [] : [{ field: 'old-card', text: 'Scan the patient’s present card.' }]),
      ...(this.oldPin ? [] : [{ field: 'old-pin', text: 'The patient types the present PIN.' }]),
    ];
  }

  get #shares(): string[] {
    return [this.first, this.second].map((share) => share.trim()).filter((share) => share !== '');
  }

  /** With the card of whoever helps; a key that is not in force yet. */
  async #ask(): Promise<{ card: string; phrase: string }> {
    const helper = { card: this.oldCard.trim(), pin: this.oldPin };
    const { code, ...made } = await api.call('helpers.begin', { patient: this.#patient, helper, pin: this.secret.typed });
    this.code = code;
    return made;
  }

  #reissue(): Promise<{ card: string }> {
    const who = { patient: this.#patient, pin: this.secret.typed };
    if (this.from === 'shares') return api.call('recovery.card', { ...who, shares: this.#shares });
    return api.call('cards.reissue', { ...who, phrase: this.phrase.trim() });
  }

  #renew(): Promise<{ card: string; phrase: string }> {
    const openings = {
      words: () => ({ by: 'words' as const, phrase: this.phrase.trim() }),
      shares: () => ({ by: 'shares' as const, shares: this.#shares }),
      card: () => ({ by: 'card' as const, card: this.oldCard.trim(), pin: this.oldPin }),
    };
    return api.call('cards.newKey', { patient: this.#patient, pin: this.secret.typed, opening: openings[this.from]() });
  }
}
