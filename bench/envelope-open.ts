/**
 * `envelope-open`: milliseconds from an envelope's block to the keys of all categories in it, for one of twelve readers: the block decoded strictly, the
 * reader's part opened by HPKE, its keys checked. Limit: X25519, HKDF and ChaCha20-Poly1305 over the same bytes. Ratio: limit/value.
 */
import { hexOf } from '../src-main/core/services/bytes.ts';
import { createKeyAdapter } from '../src-main/core/adapters/crypto/keys.ts';
import { createRecordCrypto } from '../src-main/core/adapters/crypto/record-crypto.ts';
import { categories } from '../src-shared/categories.ts';
import { figure, median, say } from './lib/figure.ts';
import { openRaw, sealRaw } from './lib/raw-parts.ts';
import { createRandom } from './lib/random.ts';

const readers = 12;
const openings = 200;

await figure('envelope-open', async () => {
  const crypto = createRecordCrypto();
  const random = createRandom(7);
  const keys = createKeyAdapter();
  const network = random.hex(32);
  const patient = keys.fromPhrase(keys.createPhrase()).account;
  const pairs = Array.from({ length: readers }, () => ({ id: random.hex(32), ...keys.createEncryptionKeyPair() }));
  const sealed = categories.map((category) => ({ compartment: random.hex(32), category, epoch: 1, kek: random.bytes(32) }));
  const recipients = pairs.map(({ id, publicKey }) => ({ id, encryptionKey: publicKey, keys: sealed }));
  const block = await crypto.sealEnvelopes(network, patient, recipients);
  const raw = sealRaw(new Uint8Array(Math.floor(block.bytes.length / readers)));
  const values: number[] = [];
  const limits: number[] = [];
  for (let i = 0; i < openings; i++) {
    const { id, secretKey } = pairs[i % readers] ?? pairs[0] ?? { id: '', secretKey: new Uint8Array() };
    let started = performance.now();
    const opened = await crypto.openEnvelopes(block.bytes, network, patient, id, secretKey);
    values.push(performance.now() - started);
    if (opened?.length !== sealed.length || hexOf(opened[0]?.kek ?? new Uint8Array()) !== hexOf(sealed[0]?.kek ?? new Uint8Array()))
      throw new Error('The envelope did not give its keys');
    started = performance.now();
    openRaw(raw);
    limits.push(performance.now() - started);
  }
  say(`a block of ${block.bytes.length} bytes for ${readers} readers of ${sealed.length} keys`);
  // The first ones warm up.
  return { value: median(values.slice(20)), unit: 'ms', limit: median(limits.slice(20)) };
});
