/**
 * A key that somebody has already, while it is typed: recovery words, a private key, or a wallet's keystore file and its password. Lives only
 * here and is wiped when the key is kept or the person leaves.
 */
import type { KeySource } from '../../../src-shared/ipc-schema.ts';
import { api, asAppError } from '../../api.ts';

/** A keystore file has under 1 KiB; anything beyond this is another file. */
const maxFileBytes = 16_384;

export class ExistingKey {
  kind: KeySource['kind'] = $state('phrase');
  phrase = $state('');
  privateKey = $state('');
  fileName = $state('');
  json = $state('');
  password = $state('');
  error = $state('');
  busy = $state(false);
  /** Whose key it is, once the core has read it. */
  found: { account: string; fromPhrase: boolean } | null = $state.raw(null);

  /** The id of the field that what is wrong belongs to. */
  readonly field = $derived(
    this.kind === 'phrase'
      ? 'own-phrase'
      : this.kind === 'privateKey'
        ? 'own-private-key'
        : this.json === ''
          ? 'own-keystore'
          : 'own-keystore-password',
  );

  source(): KeySource {
    if (this.kind === 'phrase') return { kind: 'phrase', phrase: this.phrase.trim() };
    if (this.kind === 'privateKey') return { kind: 'privateKey', privateKey: this.privateKey.trim() };
    return { kind: 'keystore', json: this.json, password: this.password };
  }

  async takeFile(file: File | undefined): Promise<void> {
    this.json = '';
    this.fileName = file?.name ?? '';
    this.error = '';
    if (!file) return;
    if (file.size > maxFileBytes) this.error = 'This file is too large to be a keystore file. Choose the one that your wallet exported.';
    else this.json = await file.text();
  }

  /** Has the core read the key. @returns whether it is one. */
  async read(): Promise<boolean> {
    this.found = null;
    this.error = this.#missing();
    if (this.error || this.busy) return false;
    this.busy = true;
    try {
      this.found = await api.call('keys.read', { key: this.source() });
      return true;
    } catch (error) {
      this.error = asAppError(error).message;
      return false;
    } finally {
      this.busy = false;
    }
  }

  #missing(): string {
    if (this.kind === 'phrase') return this.phrase.trim() ? '' : 'Enter your recovery words.';
    if (this.kind === 'privateKey') return this.privateKey.trim() ? '' : 'Enter your private key.';
    if (this.json === '') return this.error || 'Choose your keystore file.';
    return this.password ? '' : 'Enter the password of the file.';
  }

  /** Forgets everything secret. */
  wipe(): void {
    this.phrase = '';
    this.privateKey = '';
    this.fileName = '';
    this.json = '';
    this.password = '';
    this.error = '';
    this.found = null;
  }
}
