/** The gateway's events as they are read here, against ethers' encoder. */
import fc from 'fast-check';
import { zeroPadValue } from 'ethers';
import { describe, expect, it } from 'vitest';
import { decodeLog, gateway } from '../../../src-main/core/adapters/ledger/gateway-abi.ts';

const hash = `0x${'ab'.repeat(32)}`;
const actor = '0x52908400098527886E0F7030069857D2E4169EE7';
const opId = `0x${'01'.repeat(32)}`;

const log = (kind: number, content: string, change: { data?: string; topics?: string[] } = {}) => {
  const event = gateway.getEvent('OperationApplied');
  if (event === null) throw new Error('The contracts have no such event');
  const { data, topics } = gateway.encodeEventLog(event, [opId, kind, actor, content]);
  const place = { address: hash.slice(0, 42), blockNumber: 5, blockHash: hash, transactionHash: hash, logIndex: 2 };
  return { ...place, data: change.data ?? data, topics: change.topics ?? topics };
};

/** As contracts/src/AppliedLog.sol packs it. */
const contentArbitrary = fc
  .record({
    issuedAt: fc.maxSafeNat(),
    deadline: fc.maxSafeNat(),
    words: fc.uint8Array({ maxLength: 12 }).map((words) => words.length),
    signatures: fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 4 }),
  })
  .map(({ issuedAt, deadline, words, signatures }) => {
    const payload = Buffer.alloc(32 * words, 7);
    const head = Buffer.alloc(17);
    head.writeBigUInt64BE(BigInt(issuedAt), 0);
    head.writeBigUInt64BE(BigInt(deadline), 8);
    head.writeUInt8(words, 16);
    const parts = signatures.flatMap((signature) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(signature.length);
      return [length, Buffer.from(signature)];
    });
    const hex = (bytes: Uint8Array) => `0x${Buffer.from(bytes).toString('hex')}`;
    const operation = { kind: 60, opId, actor, issuedAt, deadline, payload: hex(payload), signatures: signatures.map(hex) };
    return { content: hex(Buffer.concat([head, payload, ...parts])), operation };
  });

describe('an applied operation in a log', () => {
  it('is what ethers’ encoder made of it', () => {
    fc.assert(
      fc.property(contentArbitrary, ({ content, operation }) => {
        expect(decodeLog(log(60, content))).toMatchObject({ type: 'applied', opId, operation, block: 5, logIndex: 2 });
      }),
    );
  });

  it('is refused where a byte of its frame is another one, or something lacks or follows', () => {
    fc.assert(
      fc.property(contentArbitrary, fc.nat({ max: 59 }), fc.integer({ min: 1, max: 255 }), ({ content }, at, change) => {
        const { data } = log(60, content);
        const bytes = Buffer.from(data.slice(2), 'hex');
        bytes[at] = (bytes[at] ?? 0) ^ change;
        const hex = (changed: Uint8Array) => `0x${Buffer.from(changed).toString('hex')}`;
        expect(() => decodeLog(log(60, content, { data: hex(bytes) }))).toThrow(RangeError);
        expect(() => decodeLog(log(60, content, { data: data.slice(0, -64) }))).toThrow(RangeError);
        expect(() => decodeLog(log(60, content, { data: data + '00'.repeat(32) }))).toThrow(RangeError);
      }),
    );
    expect(() => decodeLog(log(60, '0x', { data: '0x' }))).toThrow(RangeError);
  });

  it('is refused where its padding or its topics are not what the contract writes', () => {
    const { data, topics } = log(60, `0x${'00'.repeat(18)}`);
    expect(() => decodeLog(log(60, '0x', { data: data.slice(0, -2) + '01' }))).toThrow(RangeError);
    const [topic = '', id = '', kind = '', who = ''] = topics;
    const dirty = (word: string) => `0x01${word.slice(4)}`;
    expect(() => decodeLog(log(60, '0x', { data, topics: [topic, id, dirty(kind), who] }))).toThrow(RangeError);
    expect(() => decodeLog(log(60, '0x', { data, topics: [topic, id, kind, dirty(who)] }))).toThrow(RangeError);
    expect(() => decodeLog(log(60, '0x', { data, topics: [topic, id, kind] }))).toThrow(RangeError);
    expect(who).toBe(zeroPadValue(actor, 32).toLowerCase());
  });
});
