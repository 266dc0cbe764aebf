import * as dagCbor from '@ipld/dag-cbor';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressBytes, addressOf } from '../../../src-main/core/adapters/crypto/shapes.ts';
import { invalid } from '../../../src-main/core/adapters/crypto/failures.ts';
import { author, codeOf, hex32, patient, recordCrypto } from './samples.ts';

describe('a code', () => {
  const value = { v: 1, account: patient, key: new Uint8Array([1, 2, 3]), name: 'Zoë' };
  const code = recordCrypto.encodeCode('ANAM-KEY', value);

  it('gives its value back, over lines and with stray white space', () => {
    expect(recordCrypto.decodeCode('ANAM-KEY', code)).toEqual(value);
    expect(recordCrypto.decodeCode('ANAM-KEY', `\n ${code.replace(/(.{20})/g, '$1\r\n  ')}\u200b\t`)).toEqual(value);
  });

  it('with any letter changed, cut, or of another kind is refused', async () => {
    for (let index = 0; index < code.length; index++) {
      const changed = code.slice(0, index) + (code[index] === 'x' ? 'y' : 'x') + code.slice(index + 1);
      expect(await codeOf(() => recordCrypto.decodeCode('ANAM-KEY', changed))).toBe('CODE_INVALID');
    }
    for (const text of ['', 'ANAM-KEY-', code.slice(0, -1), code.slice('ANAM-KEY-'.length), `ANAM-KEY-${'A'.repeat(20_000)}`]) {
      expect(await codeOf(() => recordCrypto.decodeCode('ANAM-KEY', text))).toBe('CODE_INVALID');
    }
    expect(await codeOf(() => recordCrypto.decodeCode('ANAM-INVITE', code))).toBe('CODE_INVALID');
  });

  it('of hostile nesting is refused, and one with a prototype in it changes none', async () => {
    const nested = new Uint8Array(8_000).fill(0x81);
    const text = `X-${Buffer.concat([nested, recordCrypto.sha256(nested).subarray(0, 4)]).toString('base64url')}`;
    expect(await codeOf(() => recordCrypto.decodeCode('X', text))).toBe('CODE_INVALID');
    const polluted = recordCrypto.decodeCode('X', recordCrypto.encodeCode('X', JSON.parse('{"__proto__":{"admin":true}}'))) as {
      admin?: boolean;
    };
    expect(polluted.admin).toBeUndefined();
  });

  it('is not made of too much, or of what DAG-CBOR cannot hold', async () => {
    expect(await codeOf(() => recordCrypto.encodeCode('X', 'a'.repeat(16_384)))).toBe('INVALID_INPUT');
    expect(await codeOf(() => recordCrypto.encodeCode('X', { when: undefined }))).toBe('INVALID_INPUT');
    expect(await codeOf(() => recordCrypto.encodeCode('lower case', 1))).toBe('INVALID_INPUT');
  });

  it('holds any plain value', () => {
    const plain = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.string({ unit: 'grapheme' }),
        fc.maxSafeInteger(),
        fc.boolean(),
        fc.constant(null),
        fc.uint8Array(),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.string({ maxLength: 8 }), tie('value'), { maxKeys: 4, noNullPrototype: true }),
      ),
    })).value;
    fc.assert(
      fc.property(plain, (value) => {
        expect(recordCrypto.decodeCode('X', recordCrypto.encodeCode('X', value))).toEqual(value);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a profile', () => {
  it('comes back with its name tidied', () => {
    const block = recordCrypto.encodeProfile({ type: 'organization', name: '  Clinique Zoe\u0308 ' });
    expect(recordCrypto.decodeProfile(block.bytes)).toEqual({ type: 'organization', name: 'Clinique Zoë' });
    expect(recordCrypto.digestOfCid(block.cid)).toBe(block.digest);
    expect(recordCrypto.decodeProfile(recordCrypto.encodeProfile({ type: 'person', name: 'د. سارة' }).bytes).name).toBe('د. سارة');
  });

  it('has no empty, endless or deceiving name', async () => {
    for (const name of ['', '   ', 'a'.repeat(201), 'a'.repeat(1_000_000), 'Dr. \u202eevil', 'a\nb', '\ud800']) {
      expect(await codeOf(() => recordCrypto.encodeProfile({ type: 'person', name }))).toBe('INVALID_INPUT');
    }
    expect(await codeOf(() => recordCrypto.decodeProfile(dagCbor.encode({ v: 1, type: 'person', name: 'Dr. \u202eevil' })))).toBe(
      'TAMPERED',
    );
    expect(await codeOf(() => recordCrypto.decodeProfile(new Uint8Array(5_000)))).toBe('TAMPERED');
  });
});

describe('addresses', () => {
  it('are checksummed as in EIP-55', () => {
    for (const address of ['0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed', '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359', author]) {
      const refuse = () => invalid('address');
      expect(addressOf(addressBytes(address, 'address', refuse))).toBe(address);
      expect(addressOf(addressBytes(address.toLowerCase(), 'address', refuse))).toBe(address);
      expect(() =>
        addressBytes(
          address.replace(/[A-F]/, (letter) => letter.toLowerCase()),
          'address',
          refuse,
        ),
      ).toThrow();
    }
  });
});

describe('identifiers and hashes', () => {
  it('a CID and its digest name each other; other CIDs are refused', async () => {
    expect(recordCrypto.digestOfCid(recordCrypto.cidOfDigest(hex32(7)))).toBe(hex32(7));
    for (const cid of [
      '',
      'nonsense',
      'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG',
      'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy',
    ]) {
      expect(await codeOf(() => recordCrypto.digestOfCid(cid))).toBe('INVALID_INPUT');
    }
    expect(await codeOf(() => recordCrypto.cidOfDigest('0x12'))).toBe('INVALID_INPUT');
  });

  it('an HMAC depends on the borders between parts', () => {
    const key = new Uint8Array(32);
    const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
    expect(recordCrypto.hmac(key, bytes(1, 2))).not.toEqual(recordCrypto.hmac(key, bytes(1), bytes(2)));
    expect(recordCrypto.hmac(key, bytes(1, 2))).toEqual(recordCrypto.hmac(key, bytes(1, 2)));
  });

  it('random bytes have the length asked for, within bounds', async () => {
    expect(recordCrypto.randomBytes(24)).toHaveLength(24);
    for (const length of [0, -1, 1.5, 65_537]) expect(await codeOf(() => recordCrypto.randomBytes(length))).toBe('INVALID_INPUT');
  });
});
