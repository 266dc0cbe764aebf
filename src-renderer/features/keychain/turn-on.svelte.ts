/** Turning the keychain on, page by page: passphrase, the recovery code, and two of its groups asked back from the paper. */
import { api, asAppError } from '../../api.ts';

const askedGroups = 2;

/** Different places among `count`, from the system's random source, in ascending order. */
function choosePlaces(count: number): number[] {
  const chosen = new Set<number>();
  const random = new Uint32Array(1);
  while (chosen.size < Math.min(askedGroups, count)) {
    crypto.getRandomValues(random);
    chosen.add((random[0] ?? 0) % count);
  }
  return [...chosen].sort((a, b) => a - b);
}

/** As the core reads it: letters of either case; O is 0, I and L are 1. */
const normal = (typed: string) => typed.trim().toUpperCase().replaceAll('O', '0').replace(/[IL]/g, '1');

export class TurnOn {
  step: 'passphrase' | 'code' | 'confirm' = $state('passphrase');
  passphrase = $state('');
  passphraseError = $state('');
  groups: readonly string[] = $state.raw([]);
  asked: readonly number[] = $state.raw([]);
  answers: string[] = $state([]);
  errors: string[] = $state([]);
  failure = $state('');
  busy = $state(false);

  async showCode(): Promise<void> {
    if (this.busy) return;
    this.passphraseError = this.passphrase ? '' : 'Enter your passphrase.';
    if (this.passphraseError) return;
    this.busy = true;
    try {
      const { code } = await api.call('keychain.code', { passphrase: this.passphrase });
      this.passphrase = '';
      this.groups = code.split('-');
      this.asked = choosePlaces(this.groups.length);
      this.answers = this.asked.map(() => '');
      this.step = 'code';
    } catch (error) {
      this.passphraseError = asAppError(error).message;
    } finally {
      this.busy = false;
    }
  }

  /** Answers whether the keychain is on. */
  async turnOn(): Promise<boolean> {
    if (this.busy) return false;
    this.failure = '';
    this.errors = this.asked.map((place, index) => {
      const answer = normal(this.answers[index] ?? '');
      if (answer === '') return `Enter group ${place + 1}.`;
      return answer === this.groups[place] ? '' : `This is not group ${place + 1}. Look at what you printed or wrote down.`;
    });
    if (this.errors.some((error) => error !== '')) return false;
    this.busy = true;
    try {
      await api.call('keychain.turnOn', { code: this.groups.join('-') });
      return true;
    } catch (error) {
      this.failure = asAppError(error).message;
      return false;
    } finally {
      this.busy = false;
    }
  }

  /** Forgets everything secret. */
  wipe(): void {
    this.passphrase = '';
    this.groups = [];
    this.asked = [];
    this.answers = [];
  }
}
