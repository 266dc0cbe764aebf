/**
 * The lock screen, as a state: who is chosen, the passphrase while it is typed, and the delay after a wrong one. What was typed is
 * forgotten as soon as another person is chosen or somebody is in.
 */
import type { LocalPerson } from '../../../src-shared/view-types.ts';
import { api, asAppError } from '../../api.ts';
import { app } from '../../state/app.svelte.ts';

/** Who was last here in this window; kept in memory only. */
let lastAccount: string | null = null;

export class LockState {
  account: string | null = $state(lastAccount);
  passphrase = $state('');
  error = $state('');
  busy = $state(false);
  /** Seconds until the next attempt is taken. */
  remaining = $state(0);
  #timer: ReturnType<typeof setInterval> | undefined;

  readonly people: readonly LocalPerson[] = $derived(app.snapshot?.people ?? []);
  readonly person: LocalPerson | null = $derived(
    this.people.find((one) => one.account === this.account) ?? this.people.find((one) => one.status === 'active') ?? this.people[0] ?? null,
  );

  choose(account: string): void {
    if (account === this.person?.account && account === this.account) return;
    this.account = account;
    this.passphrase = '';
    this.error = '';
  }

  async logIn(): Promise<void> {
    const person = this.person;
    if (!person || this.busy || this.remaining > 0) return;
    if (this.passphrase === '') {
      this.error = 'Enter your passphrase.';
      return;
    }
    this.busy = true;
    this.error = '';
    try {
      await api.call('session.logIn', { account: person.account, passphrase: this.passphrase });
      lastAccount = person.account;
      this.passphrase = '';
      this.remaining = 0;
    } catch (failure) {
      const error = asAppError(failure);
      this.error = error.message;
      // What was typed is marked, not lost: most wrong passphrases are one letter off.
      const delay = error.details['retryInSeconds'];
      if (typeof delay === 'number' && delay > 0) this.#countDown(delay);
    } finally {
      this.busy = false;
    }
  }

  #countDown(seconds: number): void {
    const end = Date.now() + seconds * 1000;
    this.remaining = Math.ceil(seconds);
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      this.remaining = Math.max(0, Math.ceil((end - Date.now()) / 1000));
      if (this.remaining === 0) clearInterval(this.#timer);
    }, 250);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.passphrase = '';
  }
}
