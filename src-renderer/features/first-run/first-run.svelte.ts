/**
 * First run, as a state: which way was chosen, which page is shown, what was typed. Going back loses nothing; when a way is done or left,
 * everything secret in it is forgotten.
 */
import { api, asAppError } from '../../api.ts';
import type { Progress } from '../../../src-shared/view-types.ts';
import { NewKey } from './new-key.svelte.ts';

export type Way = 'choose' | 'setup' | 'join' | 'computer' | 'demo' | 'finished';

class FirstRun {
  way: Way = $state('choose');
  /** Page of the way, from 0. */
  step = $state(0);
  clinicName = $state('');
  computerName = $state('');
  invitation = $state('');
  invitationError = $state('');
  key = new NewKey();
  busy = $state(false);
  failure = $state('');
  progress: Progress | null = $state.raw(null);

  /** While a way is under way it stays on screen, even when the core already says that the workstation is ready. */
  readonly active: boolean = $derived(this.way !== 'choose');

  choose(way: Way): void {
    this.way = way;
    this.step = 0;
    this.failure = '';
  }

  /** Back to the three choices; what was typed stays for whoever chooses the same way again. */
  back(): void {
    this.failure = '';
    if (this.step > 0) this.step -= 1;
    else this.way = 'choose';
  }

  forward(): void {
    this.failure = '';
    this.step += 1;
  }

  /** Leaves first run for good. */
  leave(): void {
    this.key.wipe();
    this.invitation = '';
    this.way = 'choose';
    this.step = 0;
  }

  async createClinic(): Promise<void> {
    const { key } = this;
    await this.#run(async () => {
      await api.call('setup.createClinic', {
        clinicName: this.clinicName.trim(),
        personName: key.personName.trim(),
        passphrase: key.passphrase,
        phrase: key.phrase,
      });
      key.wipe();
      this.way = 'finished';
    });
  }

  async join(): Promise<void> {
    const { key } = this;
    await this.#run(async () => {
      await api.call('setup.join', {
        invitation: this.invitation.trim(),
        clinicName: this.clinicName.trim(),
        personName: key.personName.trim(),
        passphrase: key.passphrase,
        phrase: key.phrase,
      });
      this.leave();
    });
  }

  async joinClinic(): Promise<void> {
    await this.#run(async () => {
      await api.call('setup.joinClinic', { invitation: this.invitation.trim(), computerName: this.computerName.trim() });
      this.leave();
    });
  }

  async createDemo(): Promise<void> {
    this.choose('demo');
    await this.#run(async () => {
      await api.call('setup.createDemo', {});
      this.leave();
    });
  }

  /** One long call at a time, with its progress; a failure stays on the page, next to everything typed. */
  async #run(work: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.failure = '';
    this.progress = null;
    const stop = api.on('progress', (progress) => (this.progress = progress));
    try {
      await work();
    } catch (failure) {
      const error = asAppError(failure);
      if (error.code === 'CODE_INVALID' && (this.way === 'join' || this.way === 'computer')) {
        this.step = 0;
        this.invitationError = error.message;
      } else this.failure = error.message;
    } finally {
      stop();
      this.busy = false;
      this.progress = null;
    }
  }
}

export const firstRun = new FirstRun();
