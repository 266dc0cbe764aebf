/** Which of safeStorage's backends is taken for a keychain, and what the core is answered. The real ones: test/e2e/shell/keychain.electron.test.ts. */
import { describe, expect, it } from 'vitest';
import { answerFrom, keychainOf, keychainOutOfReach, type SafeStorage } from '../../../src-main/keychain.ts';

const key = () => Uint8Array.from({ length: 32 }, (_, index) => index);

/** Seals as Chromium's forms look: a prefix that says by what, then bytes. */
function storage(prefix: string, backend?: string, available = true): SafeStorage {
  return {
    isEncryptionAvailable: () => available,
    ...(backend === undefined ? {} : { getSelectedStorageBackend: () => backend }),
    encryptString(text) {
      if (!available) throw new Error('Encryption is not available');
      return Buffer.from(prefix + Buffer.from(text).reverse().toString('latin1'), 'latin1');
    },
    decryptString(sealed) {
      if (sealed.subarray(0, 3).toString('latin1') !== prefix) throw new Error('Error while decrypting');
      return Buffer.from(sealed.subarray(3)).reverse().toString('utf8');
    },
  };
}

describe('on Linux', () => {
  it.each(['gnome_libsecret', 'kwallet', 'kwallet5', 'kwallet6'])('%s is a keychain', (backend) => {
    const keychain = keychainOf(storage('v11', backend), 'linux');
    expect(keychain.state()).toMatchObject({ available: true });
    const sealed = keychain.seal(key());
    expect(Buffer.from(keychain.unseal(sealed ?? new Uint8Array()) ?? [])).toEqual(Buffer.from(key()));
  });

  it.each(['basic_text', 'unknown', 'something new'])('%s is none, even where it says that it encrypts', (backend) => {
    const keychain = keychainOf(storage('v10', backend), 'linux');
    expect(keychain.state()).toEqual({ available: false, reason: 'not-real' });
    expect(keychain.seal(key())).toBeNull();
    expect(keychain.unseal(Buffer.from('v10anything'))).toBeNull();
  });

  it('is told by what it makes where Electron does not name it', () => {
    expect(keychainOf(storage('v11'), 'linux').state()).toMatchObject({ available: true });
    expect(keychainOf(storage('v10'), 'linux').state()).toEqual({ available: false, reason: 'not-real' });
  });

  it('never takes a ciphertext of the stand-in, whatever the backend is called', () => {
    const keychain = keychainOf(storage('v10', 'gnome_libsecret'), 'linux');
    expect(keychain.seal(key())).toBeNull();
    expect(keychain.unseal(Buffer.from('v10anything'))).toBeNull();
  });

  it('is not there while no service runs', () => {
    const keychain = keychainOf(storage('v11', 'gnome_libsecret', false), 'linux');
    expect(keychain.state()).toEqual({ available: false, reason: 'no-service' });
    expect(keychain.seal(key())).toBeNull();
  });
});

describe.each(['darwin', 'win32'] as const)('on %s', (platform) => {
  it("the system's own is a keychain; its forms begin with v10 as well", () => {
    const keychain = keychainOf(storage('v10'), platform);
    const sealed = keychain.seal(key());
    expect(Buffer.from(keychain.unseal(sealed ?? new Uint8Array()) ?? [])).toEqual(Buffer.from(key()));
  });
});

describe('what the core is answered', () => {
  it('is nothing where the keychain opens it not, or is out of reach', () => {
    expect(answerFrom(keychainOf(storage('v11', 'kwallet6'), 'linux'), { what: 'unseal', bytes: Buffer.from('v12x') })).toEqual({
      bytes: null,
    });
    expect(answerFrom(keychainOutOfReach('browser'), { what: 'seal', bytes: key() })).toEqual({ bytes: null });
    expect(answerFrom(keychainOutOfReach('browser'), { what: 'state' })).toEqual({ state: { available: false, reason: 'browser' } });
  });

  it('leaves no key behind in the message that asked for sealing', () => {
    const bytes = key();
    answerFrom(keychainOf(storage('v11', 'kwallet6'), 'linux'), { what: 'seal', bytes });
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('is that there is none where the keychain fails in a way of its own', () => {
    const broken = { ...storage('v11', 'kwallet6'), isEncryptionAvailable: () => expect.fail('the bus is gone') };
    expect(answerFrom(keychainOf(broken, 'linux'), { what: 'state' })).toEqual({ state: { available: false, reason: 'no-service' } });
    expect(answerFrom(keychainOf(broken, 'linux'), { what: 'seal', bytes: key() })).toEqual({ bytes: null });
  });
});
