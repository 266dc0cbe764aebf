import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { author, codeOf, flipped, header, hex32, pack, recordCrypto, version } from './samples.ts';

const plaintext = new TextEncoder().encode('{"resourceType":"Observation"}');
const large = new Uint8Array(64 * 1024 + 1).fill(1);

describe.each([
  { kind: 'small', bytes: plaintext, chunked: false },
  { kind: 'large', bytes: large, chunked: true },
])('$kind content', ({ bytes, chunked }) => {
  const sealed = recordCrypto.encryptContent(header, version, bytes);

  const signed = { ...version, contentDigest: sealed.contentDigest };

  it('comes back as it was, in the form its size asks for', () => {
    expect(sealed.chunked).toBe(chunked);
    expect(recordCrypto.decryptContent(header, signed, sealed.dek, sealed.ciphertext, chunked)).toEqual(bytes);
  });

  it('does not open for another record, version, type, patient, compartment or network', async () => {
    const others = [
      { place: header, of: { ...signed, recordId: 'other' } },
      { place: header, of: { ...signed, versionId: 'other' } },
      { place: header, of: { ...signed, resourceType: 'Condition' } },
      { place: { ...header, patient: author }, of: signed },
      { place: { ...header, compartment: hex32(9) }, of: signed },
      { place: { ...header, network: hex32(9) }, of: signed },
    ];
    for (const { place, of } of others) {
      expect(await codeOf(() => recordCrypto.decryptContent(place, of, sealed.dek, sealed.ciphertext, chunked))).toBe('TAMPERED');
    }
  });

  it('does not open when changed, truncated, under another key or as the other form', async () => {
    const open = (dek: Uint8Array, ciphertext: Uint8Array, form = chunked) =>
      codeOf(() => recordCrypto.decryptContent(header, signed, dek, ciphertext, form));
    for (const index of [0, 24, 56, sealed.ciphertext.length - 1])
      expect(await open(sealed.dek, flipped(sealed.ciphertext, index % sealed.ciphertext.length))).toBe('TAMPERED');
    for (const length of [0, 10, 40, sealed.ciphertext.length - 1])
      expect(await open(sealed.dek, sealed.ciphertext.slice(0, length))).toBe('TAMPERED');
    expect(await open(flipped(sealed.dek, 0), sealed.ciphertext)).toBe('TAMPERED');
    expect(await open(sealed.dek.slice(1), sealed.ciphertext)).toBe('TAMPERED');
    expect(await open(sealed.dek, sealed.ciphertext, !chunked)).toBe('TAMPERED');
  });

  it('does not open for another record or version that its key was wrapped again for', async () => {
    const kek = new Uint8Array(32).fill(9);
    const location = { pack: { offset: 0, length: sealed.ciphertext.length } };
    for (const change of [{ recordId: 'other' }, { versionId: 'other' }, { resourceType: 'Condition' }]) {
      const entry = { ...signed, ...change, location, size: bytes.length, dek: sealed.dek };
      const commit = recordCrypto.decodeCommit(recordCrypto.encodeCommit({ ...header, epoch: 4 }, pack, [entry], kek).bytes);
      const [wrapped] = recordCrypto.openEntries(commit, kek);
      expect(await codeOf(() => recordCrypto.decryptContent(commit.header, wrapped!, wrapped!.dek, sealed.ciphertext, chunked))).toBe(
        'TAMPERED',
      );
    }
  });

  it('does not open where it is another content than the one that was signed', async () => {
    // The same length, record and key form, encrypted by somebody who may: only the author's digest tells it.
    const other = recordCrypto.encryptContent(header, version, bytes);
    expect(other.contentDigest).not.toBe(sealed.contentDigest);
    expect(await codeOf(() => recordCrypto.decryptContent(header, signed, other.dek, other.ciphertext, chunked))).toBe('TAMPERED');
    expect(await codeOf(() => recordCrypto.reencryptContent(header, signed, other.dek, other.ciphertext, chunked))).toBe('TAMPERED');
  });

  it('encrypted anew opens with the new key alone, under the digest that was signed', async () => {
    const anew = recordCrypto.reencryptContent(header, signed, sealed.dek, sealed.ciphertext, chunked);
    expect(anew).toMatchObject({ chunked, contentDigest: sealed.contentDigest });
    expect(anew.ciphertext).toHaveLength(sealed.ciphertext.length);
    expect(recordCrypto.decryptContent(header, signed, anew.dek, anew.ciphertext, chunked)).toEqual(bytes);
    expect(await codeOf(() => recordCrypto.decryptContent(header, signed, sealed.dek, anew.ciphertext, chunked))).toBe('TAMPERED');
  });
});

describe('large content encrypted anew in pieces', () => {
  const bytes = new Uint8Array(100_000).map((_, i) => i);
  const sealed = recordCrypto.encryptContent(header, version, bytes);
  const signed = { ...version, contentDigest: sealed.contentDigest };
  const through = (stream: ReturnType<typeof recordCrypto.reencryptChunked>, ciphertext: Uint8Array, piece: number): Uint8Array => {
    const out: Uint8Array[] = [];
    for (let at = 0; at < ciphertext.length; at += piece) out.push(stream.update(ciphertext.subarray(at, at + piece)));
    return Buffer.concat([...out, stream.final()]);
  };

  it('is the same content, whatever the pieces', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_000, max: 120_000 }), (piece) => {
        const stream = recordCrypto.reencryptChunked(header, signed, sealed.dek);
        const anew = through(stream, sealed.ciphertext, piece);
        expect(recordCrypto.decryptContent(header, signed, stream.dek, anew, true)).toEqual(bytes);
      }),
      { numRuns: 20 },
    );
  });

  it('refuses another content, and one that was cut off', async () => {
    const other = recordCrypto.encryptContent(header, version, bytes);
    expect(await codeOf(() => through(recordCrypto.reencryptChunked(header, signed, other.dek), other.ciphertext, 7_000))).toBe('TAMPERED');
    expect(
      await codeOf(() => through(recordCrypto.reencryptChunked(header, signed, sealed.dek), sealed.ciphertext.slice(0, -9), 7_000)),
    ).toBe('TAMPERED');
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
      const { dek, ciphertext, chunked, contentDigest } = recordCrypto.encryptContent(header, version, bytes);
      expect(recordCrypto.decryptContent(header, { ...version, contentDigest }, dek, ciphertext, chunked)).toEqual(bytes);
    }),
  );
});
