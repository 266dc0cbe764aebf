import { describe, expect, it } from 'vitest';
import { createKeyAdapter } from '../../../src-main/core/adapters/crypto/keys.ts';
import { author, codeOf, flipped, hex32, patient, recordCrypto } from './samples.ts';

const keys = createKeyAdapter();
const [asha, doctor] = [keys.createEncryptionKeyPair(), keys.createEncryptionKeyPair()];
const [ashaId, doctorId, strangerId] = [hex32(0xa5), hex32(0xd0), hex32(0x55)];
const network = hex32(1);
const readers = [
  { id: ashaId, encryptionKey: asha.publicKey },
  { id: doctorId, encryptionKey: doctor.publicKey },
];
const text = 'Brought in unconscious; నొప్పి';
const { bytes } = await recordCrypto.sealNote(network, patient, readers, text);

describe('a sealed reason', () => {
  it('opens for each reader and for nobody else', async () => {
    expect(await recordCrypto.openNote(bytes, network, patient, ashaId, asha.secretKey)).toBe(text);
    expect(await recordCrypto.openNote(bytes, network, patient, doctorId, doctor.secretKey)).toBe(text);
    expect(await recordCrypto.openNote(bytes, network, patient, strangerId, doctor.secretKey)).toBeNull();
    expect(await codeOf(() => recordCrypto.openNote(bytes, network, patient, ashaId, doctor.secretKey))).toBe('TAMPERED');
  });

  it('means nothing for another patient or network', async () => {
    expect(await codeOf(() => recordCrypto.openNote(bytes, hex32(2), patient, ashaId, asha.secretKey))).toBe('TAMPERED');
    expect(await codeOf(() => recordCrypto.openNote(bytes, network, author, ashaId, asha.secretKey))).toBe('TAMPERED');
  });

  it('does not open once a byte was changed, wherever', async () => {
    for (let at = 0; at < bytes.length; at += 7) {
      const opened = await recordCrypto.openNote(flipped(bytes, at), network, patient, ashaId, asha.secretKey).catch(() => null);
      // The other reader's part may change without harm to this one's.
      expect([null, text]).toContain(opened);
    }
    expect(await codeOf(() => recordCrypto.openNote(flipped(bytes, bytes.length - 1), network, patient, doctorId, doctor.secretKey))).toBe(
      'TAMPERED',
    );
  });

  it('does not tell how long it is', async () => {
    const short = await recordCrypto.sealNote(network, patient, readers, 'Why');
    expect(Math.abs(short.bytes.length - bytes.length)).toBeLessThan(8);
  });

  it('is bounded', async () => {
    expect(await codeOf(() => recordCrypto.sealNote(network, patient, readers, ''))).toBe('INVALID_INPUT');
    expect(await codeOf(() => recordCrypto.sealNote(network, patient, readers, 'x'.repeat(16 * 1024 + 1)))).toBe('INVALID_INPUT');
    expect(await codeOf(() => recordCrypto.sealNote(network, patient, [], text))).toBe('INVALID_INPUT');
  });
});
