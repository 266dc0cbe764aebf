/**
 * Cobblestone-256 of C2SP's "chunked encryption" (https://c2sp.org/chunked-encryption): AES-256-GCM in chunks of 16 KiB with a key
 * commitment in front. For large content: it streams, and any part can be read without the rest. AES-GCM is node:crypto's, which
 * Electron's BoringSSL has as well.
 *
 * Ciphertext: salt (24) | commitment (32) | chunks, each with its 16-byte tag. Every chunk is full except the last, which is always
 * shorter and may be empty: that is how truncation shows.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { hmac } from '@noble/hashes/hmac.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concat, equalBytes, utf8 } from './bytes.ts';
import { invalid, tampered } from './failures.ts';
import { randomBytes } from './hashing.ts';

const chunkBytes = 16 * 1024;
const tagBytes = 16;
const sealedChunkBytes = chunkBytes + tagBytes;
const saltBytes = 24;
const headerBytes = saltBytes + 32;
/** The specification's limit on chunks; the counter never reaches it (4 PiB). */
const maxChunks = 2 ** 38;

interface ChunkKeys {
  readonly key: Uint8Array;
  readonly baseNonce: Uint8Array;
  readonly commitment: Uint8Array;
}

/**
 * "Key derivation": 76 bytes of HKDF-Expand with SHA-512 under the input key, over the AEAD's IANA name, salt and context. Written out
 * (RFC 5869, section 2.3: two blocks) because noble's refuses a pseudorandom key shorter than the hash, as the input key is here.
 */
function deriveKeys(inputKey: Uint8Array, salt: Uint8Array, context: Uint8Array): ChunkKeys {
  const info = concat(utf8('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0'), salt, context);
  const first = hmac(sha512, inputKey, concat(info, Uint8Array.of(1)));
  const okm = concat(first, hmac(sha512, inputKey, concat(first, info, Uint8Array.of(2))));
  return { key: okm.subarray(0, 32), baseNonce: okm.subarray(32, 44), commitment: okm.subarray(44, 76) };
}

/** "AEAD usage": the base nonce XOR the chunk's number, big-endian, in its last bytes. */
function nonceOf(keys: ChunkKeys, index: number): Uint8Array {
  if (index >= maxChunks) throw invalid('This is larger than chunked encryption allows.');
  const nonce = new Uint8Array(keys.baseNonce);
  for (let at = nonce.length - 1, rest = index; rest > 0; at--, rest = Math.floor(rest / 256)) nonce[at] = (nonce[at] ?? 0) ^ (rest % 256);
  return nonce;
}

function sealChunk(keys: ChunkKeys, index: number, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', keys.key, nonceOf(keys, index));
  return concat(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
}

function openChunk(keys: ChunkKeys, index: number, ciphertext: Uint8Array): Uint8Array {
  const end = ciphertext.length - tagBytes;
  if (end < 0) throw tampered('content length');
  // authTagLength: without it node:crypto takes tags as short as 4 bytes.
  const decipher = createDecipheriv('aes-256-gcm', keys.key, nonceOf(keys, index), { authTagLength: tagBytes });
  decipher.setAuthTag(ciphertext.subarray(end));
  const plaintext = decipher.update(ciphertext.subarray(0, end));
  try {
    decipher.final();
  } catch (cause) {
    throw tampered('content', cause);
  }
  return plaintext;
}

function openHeader(inputKey: Uint8Array, context: Uint8Array, header: Uint8Array): ChunkKeys {
  if (header.length !== headerBytes) throw tampered('content length');
  const keys = deriveKeys(inputKey, header.subarray(0, saltBytes), context);
  // Before any chunk: a wrong key, context or salt ends here.
  if (!equalBytes(keys.commitment, header.subarray(saltBytes))) throw tampered('key commitment');
  return keys;
}

function checkKey(inputKey: Uint8Array): void {
  if (inputKey.length !== 32) throw invalid('Chunked encryption takes a key of 32 bytes.');
}

/** Turns a stream of bytes into another, piece by piece. */
export interface ChunkStream {
  /** The output that these bytes complete; may be empty. */
  update(bytes: Uint8Array): Uint8Array;
  /** The rest. Nothing may follow. */
  final(): Uint8Array;
}

/** Encrypts a stream under a uniformly random 32-byte key. `context` is authenticated and must be given again to decrypt. */
export function createChunkedEncryptor(inputKey: Uint8Array, context: Uint8Array): ChunkStream {
  checkKey(inputKey);
  const salt = randomBytes(saltBytes);
  const keys = deriveKeys(inputKey, salt, context);
  let pending: Uint8Array = new Uint8Array(0);
  let index = 0;
  let header = concat(salt, keys.commitment);
  const takeHeader = (): Uint8Array => {
    const taken = header;
    header = new Uint8Array(0);
    return taken;
  };
  return {
    update(bytes) {
      const input = concat(pending, bytes);
      const output = [takeHeader()];
      let offset = 0;
      for (; input.length - offset >= chunkBytes; offset += chunkBytes) {
        output.push(sealChunk(keys, index++, input.subarray(offset, offset + chunkBytes)));
      }
      pending = input.slice(offset);
      return concat(...output);
    },
    final: () => concat(takeHeader(), sealChunk(keys, index, pending)),
  };
}

/**
 * Decrypts a stream. What `update` returns is authentic and in its place, but only after `final` is it known to be all; throws TAMPERED,
 * and goes on throwing, from the first fault.
 */
export function createChunkedDecryptor(inputKey: Uint8Array, context: Uint8Array): ChunkStream {
  checkKey(inputKey);
  let keys: ChunkKeys | null = null;
  let pending: Uint8Array = new Uint8Array(0);
  let index = 0;
  let failed = false;
  const guarded = (step: () => Uint8Array): Uint8Array => {
    if (failed) throw tampered('content');
    failed = true;
    const output = step();
    failed = false;
    return output;
  };
  return {
    update: (bytes) =>
      guarded(() => {
        const input = concat(pending, bytes);
        const output: Uint8Array[] = [];
        let offset = 0;
        if (keys === null && input.length >= headerBytes) {
          keys = openHeader(inputKey, context, input.subarray(0, headerBytes));
          offset = headerBytes;
        }
        if (keys !== null) {
          for (; input.length - offset >= sealedChunkBytes; offset += sealedChunkBytes) {
            output.push(openChunk(keys, index++, input.subarray(offset, offset + sealedChunkBytes)));
          }
        }
        pending = input.slice(offset);
        return concat(...output);
      }),
    final: () =>
      guarded(() => {
        if (keys === null) throw tampered('content length');
        // Shorter than a full chunk because update took those; too short for a tag means truncated.
        return openChunk(keys, index, pending);
      }),
  };
}

/** Encrypts a whole message; see {@link createChunkedEncryptor}. */
export function encryptChunked(inputKey: Uint8Array, context: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const stream = createChunkedEncryptor(inputKey, context);
  return concat(stream.update(plaintext), stream.final());
}

/** Decrypts a whole message. Throws TAMPERED; nothing is returned unless all of it is authentic. */
export function decryptChunked(inputKey: Uint8Array, context: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const stream = createChunkedDecryptor(inputKey, context);
  return concat(stream.update(ciphertext), stream.final());
}

/** Bytes of plaintext in a ciphertext of this length. Throws TAMPERED where no message has it. */
export function chunkedPlaintextLength(ciphertextLength: number): number {
  const body = ciphertextLength - headerBytes;
  const last = body % sealedChunkBytes;
  if (body < tagBytes || last < tagBytes) throw tampered('content length');
  return Math.floor(body / sealedChunkBytes) * chunkBytes + last - tagBytes;
}

/**
 * Bytes [offset, offset + length) of the plaintext, reading only the header and the chunks they are in. `read` gives bytes of the
 * ciphertext, which is `ciphertextLength` long. Throws INVALID_INPUT for a range beyond the end, TAMPERED for changed bytes.
 */
export async function decryptRange(
  inputKey: Uint8Array,
  context: Uint8Array,
  ciphertextLength: number,
  range: { readonly offset: number; readonly length: number },
  read: (offset: number, length: number) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  checkKey(inputKey);
  const total = chunkedPlaintextLength(ciphertextLength);
  const end = range.offset + range.length;
  if (!Number.isSafeInteger(range.offset) || !Number.isSafeInteger(end) || range.offset < 0 || range.length < 0 || end > total) {
    throw invalid('This range is not inside the content.');
  }
  const keys = openHeader(inputKey, context, await read(0, headerBytes));
  if (range.length === 0) return new Uint8Array(0);
  const first = Math.floor(range.offset / chunkBytes);
  const last = Math.floor((end - 1) / chunkBytes);
  const from = headerBytes + first * sealedChunkBytes;
  const to = Math.min(headerBytes + (last + 1) * sealedChunkBytes, ciphertextLength);
  const bytes = await read(from, to - from);
  if (bytes.length !== to - from) throw tampered('content length');
  const chunks: Uint8Array[] = [];
  for (let index = first; index <= last; index++) {
    const at = (index - first) * sealedChunkBytes;
    chunks.push(openChunk(keys, index, bytes.subarray(at, at + sealedChunkBytes)));
  }
  const skip = range.offset - first * chunkBytes;
  return concat(...chunks).slice(skip, skip + range.length);
}
