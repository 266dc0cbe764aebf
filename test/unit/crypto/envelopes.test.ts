import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hpkeOpen, hpkeSeal } from '../../../src-main/core/adapters/crypto/hpke.ts';
import { createKeyAdapter } from '../../../src-main/core/adapters/crypto/keys.ts';
import type { EnvelopeKey } from '../../../src-main/core/ports.ts';
import { categories } from '../../../src-shared/categories.ts';
import { author, codeOf, flipped, hex32, patient, recordCrypto } from './samples.ts';

const keys = createKeyAdapter();
const doctor = keys.createEncryptionKeyPair();
const clinic = keys.createEncryptionKeyPair();
const [doctorId, clinicId, strangerId] = [hex32(0xd0), hex32(0xc1), hex32(0x55)];
const network = hex32(1);
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

const granted: EnvelopeKey[] = categories.map((category, index) => ({
  compartment: hex32(index),
  category,
  epoch: index,
  kek: new Uint8Array(32).fill(index),
}));
const block = await recordCrypto.sealEnvelopes(network, patient, [
  { id: doctorId, encryptionKey: doctor.publicKey, keys: granted },
  { id: clinicId, encryptionKey: clinic.publicKey, keys: granted.slice(0, 2) },
]);

describe('HPKE', () => {
  it('opens the known answer of RFC 9180, A.2.1 (sequence number 0)', async () => {
    const plaintext = await hpkeOpen(
      hex('8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb'),
      hex('4f6465206f6e2061204772656369616e2055726e'),
      hex('436f756e742d30'),
      {
        enc: hex('1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a'),
        ciphertext: hex('1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28'),
      },
    );
    expect(new TextDecoder().decode(plaintext)).toBe('Beauty is truth, truth beauty');
  });

  it('seals to no key of low order, and opens nothing from one (RFC 9180, 7.1.4)', async () => {
    const none = new Uint8Array(0);
    const zeroPoint = new Uint8Array(32);
    expect(await codeOf(() => hpkeSeal(zeroPoint, none, none, none))).toBe('INVALID_INPUT');
    expect(await codeOf(() => hpkeOpen(doctor.secretKey, none, none, { enc: zeroPoint, ciphertext: new Uint8Array(16) }))).toBe('TAMPERED');
  });

  it('leaves the secret key it is given alone', async () => {
    const before = new Uint8Array(doctor.secretKey);
    await recordCrypto.openEnvelopes(block.bytes, network, patient, doctorId, doctor.secretKey);
    expect(doctor.secretKey).toEqual(before);
  });
});

describe('envelopes', () => {
  const open = (bytes: Uint8Array, id = doctorId, secretKey = doctor.secretKey, of = patient, on = network) =>
    recordCrypto.openEnvelopes(bytes, on, of, id, secretKey);

  it('give each recipient the keys sealed for it', async () => {
    expect(await open(block.bytes)).toEqual(granted);
    expect(await open(block.bytes, clinicId, clinic.secretKey)).toEqual(granted.slice(0, 2));
  });

  it('have nothing for anyone else', async () => {
    expect(await open(block.bytes, strangerId)).toBeNull();
  });

  it("do not open with another's key", async () => {
    expect(await codeOf(() => open(block.bytes, clinicId, doctor.secretKey))).toBe('TAMPERED');
  });

  it('do not open for another patient or network', async () => {
    expect(await codeOf(() => open(block.bytes, doctorId, doctor.secretKey, author))).toBe('TAMPERED');
    expect(await codeOf(() => open(block.bytes, doctorId, doctor.secretKey, patient, hex32(9)))).toBe('TAMPERED');
  });

  it("do not open when one is put in another patient's block", async () => {
    // Same length: the block's patient is the only 20 bytes in it.
    const other = Buffer.from(block.bytes);
    other.set(Buffer.from(author.slice(2), 'hex'), other.indexOf(Buffer.from(patient.slice(2), 'hex')));
    expect(await codeOf(() => open(new Uint8Array(other), doctorId, doctor.secretKey, author))).toBe('TAMPERED');
  });

  it('do not open with any byte changed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(block.bytes.length - 1), async (index) => {
        // The other recipient's envelope is not this one's to judge.
        const result = await open(flipped(block.bytes, index)).catch((error: { code: string }) => error.code);
        if (Array.isArray(result)) expect(result).toEqual(granted);
        else expect(result === null || result === 'TAMPERED').toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('do not open when their recipients are exchanged', async () => {
    const bytes = Buffer.from(block.bytes);
    const [doctorAt, clinicAt] = [doctorId, clinicId].map((id) => bytes.indexOf(Buffer.from(id.slice(2), 'hex')));
    bytes.set(Buffer.from(clinicId.slice(2), 'hex'), doctorAt);
    bytes.set(Buffer.from(doctorId.slice(2), 'hex'), clinicAt);
    const exchanged = new Uint8Array(bytes);
    expect(await codeOf(() => open(exchanged, clinicId, doctor.secretKey))).toBe('TAMPERED');
    expect(await codeOf(() => open(exchanged, doctorId, clinic.secretKey))).toBe('TAMPERED');
    expect(await codeOf(() => open(exchanged))).toBe('TAMPERED');
  });

  it('do not open when cut off anywhere', async () => {
    for (let length = 0; length < block.bytes.length; length += 7)
      expect(await codeOf(() => open(block.bytes.subarray(0, length)))).toBe('TAMPERED');
  });

  it('are not made for nobody, one twice, a bad key, or two keys for one compartment and epoch', async () => {
    const seal = (recipients: Parameters<typeof recordCrypto.sealEnvelopes>[2]) =>
      codeOf(() => recordCrypto.sealEnvelopes(network, patient, recipients));
    const one = { id: doctorId, encryptionKey: doctor.publicKey, keys: granted };
    expect(await seal([])).toBe('INVALID_INPUT');
    expect(await seal([one, one])).toBe('INVALID_INPUT');
    expect(await seal([{ ...one, encryptionKey: hex32(0) }])).toBe('INVALID_INPUT');
    expect(await seal([{ ...one, keys: [granted[0]!, granted[0]!] }])).toBe('INVALID_INPUT');
    expect(await seal([{ ...one, keys: Array.from({ length: 10_001 }, (_, epoch) => ({ ...granted[0]!, epoch })) }])).toBe('INVALID_INPUT');
  });

  it('hold 10,000 keys', async () => {
    const many = Array.from({ length: 10_000 }, (_, epoch) => ({ ...granted[0]!, epoch }));
    const full = await recordCrypto.sealEnvelopes(network, patient, [{ id: doctorId, encryptionKey: doctor.publicKey, keys: many }]);
    expect(await open(full.bytes)).toHaveLength(10_000);
  });
});

describe("an organization's key", () => {
  const organization = hex32(0xaa);
  const secrets = [clinic.secretKey, keys.createEncryptionKeyPair().secretKey];

  it('opens for the member it is sealed to, and is null for others', async () => {
    const sealed = await recordCrypto.sealOrganizationKey(
      network,
      organization,
      { id: doctorId, encryptionKey: doctor.publicKey },
      secrets,
    );
    expect(await recordCrypto.openOrganizationKey(sealed.bytes, network, organization, doctorId, doctor.secretKey)).toEqual(secrets);
    expect(await recordCrypto.openOrganizationKey(sealed.bytes, network, organization, strangerId, doctor.secretKey)).toBeNull();
    for (const attempt of [
      () => recordCrypto.openOrganizationKey(sealed.bytes, network, hex32(0xab), doctorId, doctor.secretKey),
      () => recordCrypto.openOrganizationKey(sealed.bytes, hex32(2), organization, doctorId, doctor.secretKey),
      () => recordCrypto.openOrganizationKey(sealed.bytes, network, organization, doctorId, clinic.secretKey),
      () => recordCrypto.openOrganizationKey(flipped(sealed.bytes, 40), network, organization, doctorId, doctor.secretKey),
      () => recordCrypto.openOrganizationKey(block.bytes, network, organization, doctorId, doctor.secretKey),
      () => recordCrypto.openEnvelopes(sealed.bytes, network, patient, doctorId, doctor.secretKey),
    ]) {
      expect(await codeOf(attempt)).toBe('TAMPERED');
    }
  });

  it('is not sealed where there is none, or where it is not one', async () => {
    const seal = (list: Uint8Array[]) =>
      codeOf(() => recordCrypto.sealOrganizationKey(network, organization, { id: doctorId, encryptionKey: doctor.publicKey }, list));
    expect(await seal([])).toBe('INVALID_INPUT');
    expect(await seal([new Uint8Array(31)])).toBe('INVALID_INPUT');
  });
});
