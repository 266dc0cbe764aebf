/** A keychain of the tests, as unauthenticated as Chromium's: it seals by a secret, and what another secret sealed comes out as something else. */
import { createCipheriv } from 'node:crypto';
import type { KeychainAnswer, KeychainAsk } from '../../../src-main/core/entry.ts';
import { askForKeychain } from '../../../src-main/core/keychain-access.ts';
import type { KeychainPort } from '../../../src-main/core/ports.ts';

/** Answers as a shell does. @param secret null: no keychain runs */
export function answerAsKeychain(secret: string | null, ask: KeychainAsk): KeychainAnswer {
  if (ask.what === 'state')
    return { state: secret === null ? { available: false, reason: 'no-service' } : { available: true, name: 'a keychain of the test' } };
  if (secret === null) return { bytes: null };
  // A stream cipher seals and opens alike.
  return { bytes: createCipheriv('aes-128-ctr', secret.padEnd(16).slice(0, 16), Buffer.alloc(16)).update(ask.bytes) };
}

/** The same, reached by messages as the core's process does. */
export function fakeKeychain(secret: () => string | null): KeychainPort {
  const asked = askForKeychain((id, ask) => queueMicrotask(() => asked.answered(id, answerAsKeychain(secret(), structuredClone(ask)))));
  return asked.keychain;
}
