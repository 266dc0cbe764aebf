import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { author, codeOf, flipped, header, hex32, recordCrypto, version } from './samples.ts';

const plaintext = new TextEncoder().encode('{"resourceType":"Observation"}');
const large = new Uint8Array(64 * 1024 + 1).fill(1);

describe.each([
  { kind: 'small', bytes: plaintext, chunked: false },
  { kind: 'large', bytes: large, chunked: true },
])('$kind content', ({ bytes, chunked }) => {
  const sealed = recordCrypto.encryptContent(header, version, bytes);

  it('comes back as it was, in the form its size asks for', () => {
    expect(sealed.chunked).toBe(chunked);
    expect(recordCrypto.decryptContent(header, version, sealed.dek, sealed.ciphertext, chunked)).toEqual(bytes);
  });

  it('does not open for another record, version, type, patient, compartment or network', async () => {
    const others = [
      { place: header, of: { ...version, recordId: 'other' } },
      { place: header, of: { ...version, versionId: 'other' } },
      { place: header, of: { ...version, resourceType: 'Condition' } },
      { place: { ...header, patient: author }, of: version },
      { place: { ...header, compartment: hex32(9) }, of: version },
      { place: { ...header, network: hex32(9) }, of: version },
    ];
    for (const { place, of } of others) {
      expect(await codeOf(() => recordCrypto.decryptContent(place, of, sealed.dek, sealed.ciphertext, chunked))).toBe('TAMPERED');
    }
  });

  it('does not open when changed, truncated, under another key or as the other form', async () => {
    const open = (dek: Uint8Array, ciphertext: Uint8Array, form = chunked) =>
      codeOf(() => recordCrypto.decryptContent(header, version, dek, ciphertext, form));
    for (const index of [0, 24, 56, sealed.ciphertext.length - 1])
      expect(await open(sealed.dek, flipped(sealed.ciphertext, index % sealed.ciphertext.length))).toBe('TAMPERED');
    for (const length of [0, 10, 40, sealed.ciphertext.length - 1])
      expect(await open(sealed.dek, sealed.ciphertext.slice(0, length))).toBe('TAMPERED');
    expect(await open(flipped(sealed.dek, 0), sealed.ciphertext)).toBe('TAMPERED');
    expect(await open(sealed.dek.slice(1), sealed.ciphertext)).toBe('TAMPERED');
    expect(await open(sealed.dek, sealed.ciphertext, !chunked)).toBe('TAMPERED');
  });
});

it('the same content twice gives other keys and other bytes', () => {
  const [first, second] = [
    recordCrypto.encryptContent(header, version, plaintext),
    recordCrypto.encryptContent(header, version, plaintext),
  ];
  expect(first.dek).not.toEqual(second.dek);
  expect(first.ciphertext).not.toEqual(second.ciphertext);
});

it('any bytes come back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3_000 }), (bytes) => {
      const { dek, ciphertext, chunked } = recordCrypto.encryptContent(header, version, bytes);
      expect(recordCrypto.decryptContent(header, version, dek, ciphertext, chunked)).toEqual(bytes);
    }),
  );
});
