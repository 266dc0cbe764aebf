/** What opens a patient's card, while it is chosen: digits, or a passphrase; typed twice, kept in memory only. */
import { advisePassphrase, guessesOf, minimumPassphraseLength } from '../features/first-run/passphrase-advice.ts';
import type { FieldError } from '../components/types.ts';

export class CardSecret {
  kind: 'digits' | 'passphrase' = $state('digits');
  typed = $state('');
  again = $state('');

  readonly longEnough = $derived(this.kind === 'digits' ? /^\d{6,12}$/.test(this.typed) : this.typed.length >= minimumPassphraseLength);
  readonly easy = $derived(
    this.kind === 'digits'
      ? /^(\d)\1+$/.test(this.typed) || '01234567890123456789'.includes(this.typed) || '98765432109876543210'.includes(this.typed)
      : advisePassphrase(this.typed).level < 2,
  );
  /** How many guesses it stands; null while it is too short. */
  readonly guesses: number | null = $derived(
    !this.longEnough ? null : this.kind === 'digits' ? 10 ** this.typed.length : guessesOf(this.typed),
  );

  choose(kind: 'digits' | 'passphrase'): void {
    if (kind === this.kind) return;
    this.kind = kind;
    this.clear();
  }

  check(): FieldError[] {
    if (!this.longEnough) {
      const text =
        this.kind === 'digits'
          ? 'The PIN needs 6 to 12 digits, and nothing but digits.'
          : `The passphrase needs at least ${minimumPassphraseLength} characters.`;
      return [{ field: 'pin', text }];
    }
    if (this.typed === this.again) return [];
    return [
      { field: 'pinAgain', text: `The two ${this.kind === 'digits' ? 'PINs' : 'passphrases'} differ. The patient types the same twice.` },
    ];
  }

  clear(): void {
    this.typed = '';
    this.again = '';
  }
}
