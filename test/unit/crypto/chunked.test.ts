import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { concat, utf8 } from '../../../src-main/core/adapters/crypto/bytes.ts';
import {
  chunkedPlaintextLength,
  createChunkedDecryptor,
  createChunkedEncryptor,
  decryptChunked,
  decryptRange,
  encryptChunked,
} from '../../../src-main/core/adapters/crypto/chunked.ts';
import { codeOf, flipped } from './samples.ts';
import { hasVectors, hexField, vectors } from './vectors.ts';

const key = utf8('YELLOW SUBMARINE YELLOW SUBMARIN');
const context = utf8('context');
const chunk = 16_384;
const sealedChunk = chunk + 16;
const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) & 255);
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

describe('Cobblestone-256', () => {
  // Wycheproof c2sp_chunked_encryption_aes_256_gcm_test, tcId 1, 2 and 9 (inflated).
  it.each([
    {
      context: '',
      at: 'tcId 1',
      ct: '78da004800b7ff43a2e39431cbae0389d3fc86adf46f7c3a24de88d9311617e53f3164cc1d5dc738a66b97f0bf786565c31799c2f463d50a7e10046011dc6fc3c939e3a5db7affb6191551669554fb010000ffff4bc124df',
      length: 0,
    },
    {
      context: '',
      at: 'tcId 2',
      ct: '78da004f00b0ffa1a1b56f6db58cd1ede0c5c9db62aef20d3f96a6c594bb9252bb38122de91236502b42a1d7fcab820ffa292940d2f86add212cfa42c38df19d3cc9139ee61a5990d3db57433514229beea49a8a72bd010000ffffdb4f2a44',
      length: 7,
    },
    {
      context: '7465737420636f6e74657874',
      at: 'tcId 9',
      ct: '78da004f00b0ffdbedaefc1c35dc6c0f22b743b03e488747166a51f33479e7ceb8b7e11cc0d2710f624a127501bc4aea7d0af6f83cfe359b9e69415aa537f36adf86eb35b070475baa039bb7791432adbca49578bbd3010000ffff2fed280a',
      length: 7,
    },
  ])('opens the known answer $at', ({ context: given, ct, length }) => {
    const opened = decryptChunked(
      hex('59454c4c4f57205355424d4152494e452059454c4c4f57205355424d4152494e'),
      hex(given),
      new Uint8Array(inflateSync(hex(ct))),
    );
    expect(opened).toHaveLength(length);
  });

  it.runIf(hasVectors('c2sp_chunked_encryption_aes_256_gcm_test'))("agrees with all of Wycheproof's tests", async () => {
    let checked = 0;
    for (const test of vectors('c2sp_chunked_encryption_aes_256_gcm_test').flatMap((group) => group.tests)) {
      const open = () => decryptChunked(hexField(test.key), hexField(test.ctx), new Uint8Array(inflateSync(hexField(test.ct))));
      if (test.result === 'valid') expect(createHash('sha512').update(open()).digest('hex'), test.comment).toBe(test.msgSha512);
      else expect(['TAMPERED', 'INVALID_INPUT'], test.comment).toContain(await codeOf(open));
      checked += 1;
    }
    expect(checked).toBeGreaterThanOrEqual(35);
  });

  it.each([0, 1, chunk - 1, chunk, chunk + 1, 3 * chunk, 3 * chunk + 5])('brings %i bytes back', (length) => {
    const message = bytesOf(length);
    const ciphertext = encryptChunked(key, context, message);
    expect(chunkedPlaintextLength(ciphertext.length)).toBe(length);
    expect(decryptChunked(key, context, ciphertext)).toEqual(message);
  });

  it('streams: any cutting of the input gives the same message', () => {
    const message = bytesOf(2 * chunk + 77);
    fc.assert(
      fc.property(fc.array(fc.nat(message.length), { maxLength: 6 }), (cuts) => {
        const encryptor = createChunkedEncryptor(key, context);
        const ciphertext = concat(...piecesOf(message, cuts).map((piece) => encryptor.update(piece)), encryptor.final());
        const decryptor = createChunkedDecryptor(key, context);
        expect(concat(...piecesOf(ciphertext, cuts).map((piece) => decryptor.update(piece)), decryptor.final())).toEqual(message);
      }),
      { numRuns: 25 },
    );
  });
});

describe('a chunked ciphertext', () => {
  const message = bytesOf(3 * chunk + 10);
  const sealed = encryptChunked(key, context, message);
  const part = (index: number): Uint8Array =>
    sealed.subarray(56 + index * sealedChunk, 56 + Math.min((index + 1) * sealedChunk, sealed.length - 56));
  const refused = (ciphertext: Uint8Array, withKey = key, withContext = context) =>
    codeOf(() => decryptChunked(withKey, withContext, ciphertext));

  it('is refused with chunks reordered', async () => {
    expect(await refused(concat(sealed.subarray(0, 56), part(1), part(0), part(2), part(3)))).toBe('TAMPERED');
  });

  it('is refused with a chunk repeated or left out', async () => {
    expect(await refused(concat(sealed.subarray(0, 56), part(0), part(0), part(2), part(3)))).toBe('TAMPERED');
    expect(await refused(concat(sealed.subarray(0, 56), part(0), part(1), part(3)))).toBe('TAMPERED');
  });

  it('is refused when cut at a chunk border, inside a chunk, or lengthened', async () => {
    expect(await refused(sealed.subarray(0, 56 + 3 * sealedChunk))).toBe('TAMPERED');
    expect(await refused(sealed.subarray(0, 56 + sealedChunk + 99))).toBe('TAMPERED');
    expect(await refused(sealed.subarray(0, 50))).toBe('TAMPERED');
    expect(await refused(concat(sealed, Uint8Array.of(0)))).toBe('TAMPERED');
  });

  it('is refused with the header of another message, another key or another context', async () => {
    const other = encryptChunked(key, context, message);
    expect(await refused(concat(other.subarray(0, 56), sealed.subarray(56)))).toBe('TAMPERED');
    expect(await refused(sealed, flipped(key, 3))).toBe('TAMPERED');
    expect(await refused(sealed, key, utf8('another'))).toBe('TAMPERED');
    expect(await refused(sealed, key.subarray(1))).toBe('INVALID_INPUT');
  });

  it('goes on failing once it failed, whatever follows', async () => {
    const decryptor = createChunkedDecryptor(key, context);
    expect(await codeOf(() => decryptor.update(flipped(sealed.subarray(0, 56 + sealedChunk), 60)))).toBe('TAMPERED');
    expect(await codeOf(() => decryptor.update(part(1)))).toBe('TAMPERED');
    expect(await codeOf(() => decryptor.final())).toBe('TAMPERED');
  });

  it('is read in part without the rest', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(message.length), fc.nat(2 * chunk), async (offset, wanted) => {
        const length = Math.min(wanted, message.length - offset);
        let bytesRead = 0;
        const read = async (from: number, count: number): Promise<Uint8Array> => {
          bytesRead += count;
          return sealed.subarray(from, from + count);
        };
        expect(await decryptRange(key, context, sealed.length, { offset, length }, read)).toEqual(
          message.subarray(offset, offset + length),
        );
        expect(bytesRead).toBeLessThanOrEqual(56 + length + 2 * sealedChunk + 48);
      }),
      { numRuns: 40 },
    );
  });

  it('in part is refused beyond its end, and where those bytes were changed', async () => {
    const range = (offset: number, length: number, bytes = sealed) =>
      codeOf(() => decryptRange(key, context, bytes.length, { offset, length }, async (from, count) => bytes.subarray(from, from + count)));
    expect(await range(message.length, 1)).toBe('INVALID_INPUT');
    expect(await range(-1, 1)).toBe('INVALID_INPUT');
    expect(await range(chunk, 5, flipped(sealed, 56 + sealedChunk + 9))).toBe('TAMPERED');
    expect(await range(0, 5, sealed.subarray(0, 56 + sealedChunk))).toBe('TAMPERED');
  });
});

function piecesOf(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const borders = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  return borders.slice(1).map((end, index) => bytes.subarray(borders[index], end));
}
