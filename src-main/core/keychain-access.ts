/** How a core reaches the operating system's keychain: by asking the process that started it, or not at all. */
import { AppError } from '../../src-shared/errors.ts';
import type { KeychainState, NoKeychain } from '../../src-shared/views/keychain.ts';
import type { KeychainPort } from './ports.ts';

export type KeychainAsk = { readonly what: 'state' } | { readonly what: 'seal' | 'unseal'; readonly bytes: Uint8Array };
/** `bytes` null: the keychain did not do it. */
export type KeychainAnswer = { readonly state: KeychainState } | { readonly bytes: Uint8Array | null };

const unavailable = () =>
  new AppError(
    'KEYCHAIN_UNAVAILABLE',
    "This computer's keychain cannot be used at the moment. Nothing was changed; what is stored here is as safe as before.",
  );

/** For a process that cannot reach one. */
export function noKeychain(reason: NoKeychain): KeychainPort {
  return {
    state: () => Promise.resolve({ available: false, reason }),
    seal: () => Promise.reject(unavailable()),
    unseal: () => Promise.resolve(null),
  };
}

export interface AskedKeychain {
  readonly keychain: KeychainPort;
  /** For what the other process answers. */
  answered(id: number, answer: KeychainAnswer): void;
}

/** Asks by messages; a person may have to unlock the keychain first, so there is no time limit. */
export function askForKeychain(send: (id: number, ask: KeychainAsk) => void): AskedKeychain {
  const waiting = new Map<number, (answer: KeychainAnswer) => void>();
  let last = 0;
  const ask = (question: KeychainAsk) =>
    new Promise<KeychainAnswer>((resolve) => {
      last += 1;
      waiting.set(last, resolve);
      send(last, question);
    });
  const bytesOf = async (what: 'seal' | 'unseal', bytes: Uint8Array): Promise<Uint8Array | null> => {
    const answer = await ask({ what, bytes });
    return 'bytes' in answer && answer.bytes ? Uint8Array.from(answer.bytes) : null;
  };
  return {
    keychain: {
      async state() {
        const answer = await ask({ what: 'state' });
        return 'state' in answer ? answer.state : { available: false, reason: 'no-service' };
      },
      async seal(key) {
        const sealed = await bytesOf('seal', key);
        if (!sealed) throw unavailable();
        return sealed;
      },
      unseal: (sealed) => bytesOf('unseal', sealed),
    },
    answered(id, answer) {
      waiting.get(id)?.(answer);
      waiting.delete(id);
    },
  };
}
