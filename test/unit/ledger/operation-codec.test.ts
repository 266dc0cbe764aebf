import { AbiCoder, TypedDataEncoder, Wallet, getBytes, hexlify, randomBytes } from 'ethers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOperationCodec } from '../../../src-main/core/adapters/ledger/operation-codec.ts';
import { operationHeader, operationKinds } from '../../../src-shared/operations.ts';
import type { OperationField, OperationKind, OperationPayload } from '../../../src-shared/operations.ts';

const codec = createOperationCodec();
const config = { chainId: 7777, operations: '0x5FbDB2315678afecb367f032d93F642f64180aa3' };
const kinds = Object.keys(operationKinds) as OperationKind[];

const values = {
  address: fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => new Wallet(hexlify(bytes).padEnd(66, '1')).address),
  bytes32: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => hexlify(bytes)),
  uint8: fc.integer({ min: 0, max: 255 }),
  uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  uint64: fc.maxSafeNat(),
} as const;

function payloadOf(kind: OperationKind) {
  const fields: readonly OperationField[] = operationKinds[kind].fields;
  return fc.record(
    Object.fromEntries(fields.map((field) => [field.name, values[field.type]])) as Record<string, fc.Arbitrary<string | number>>,
  );
}

describe.each(kinds)('%s', (kind) => {
  const fields: readonly OperationField[] = operationKinds[kind].fields;

  it('encodes a payload as the ABI does, and reads it back', () => {
    fc.assert(
      fc.property(payloadOf(kind), (payload) => {
        const encoded = codec.encodePayload(kind, payload as OperationPayload<typeof kind>);
        const types = fields.map((field) => field.type);
        expect(encoded).toBe(
          AbiCoder.defaultAbiCoder().encode(
            types,
            fields.map((field) => payload[field.name]),
          ),
        );
        expect(codec.decodePayload({ kind: operationKinds[kind].code, payload: encoded })).toEqual({ kind, payload });
      }),
      { numRuns: 20 },
    );
  });

  it('has the digest of EIP-712 typed data', () => {
    fc.assert(
      fc.property(payloadOf(kind), (payload) => {
        const header = {
          opId: hexlify(randomBytes(32)),
          actor: Wallet.createRandom().address,
          issuedAt: 1_700_000_000,
          deadline: 1_800_000_000,
        };
        const encoded = codec.encodePayload(kind, payload as OperationPayload<typeof kind>);
        const domain = { name: 'Anamnesis', version: '1', chainId: config.chainId, verifyingContract: config.operations };
        const types = { [kind]: [...operationHeader, ...fields].map(({ name, type }) => ({ name, type })) };
        const digest = codec.digest(config, { kind: operationKinds[kind].code, ...header, payload: encoded });
        expect(hexlify(digest)).toBe(TypedDataEncoder.hash(domain, types, { ...header, ...payload }));
        expect(codec.network(config)).toBe(TypedDataEncoder.hashDomain(domain));
      }),
      { numRuns: 5 },
    );
  });
});

describe('malformed operations', () => {
  const revoke = operationKinds.Revoke.code;
  const word = (hex: string) => hex.padStart(64, '0');
  const good = [word('11'.repeat(20)), word('22'), word('33'), word('4'), word('55')];

  it.each([
    ['an unknown kind', 99, `0x${good.join('')}`],
    ['a payload that is too short', revoke, `0x${good.slice(1).join('')}`],
    ['a payload that is too long', revoke, `0x${good.join('')}${word('0')}`],
    ['dirty bits above an address', revoke, `0x${['1' + good[0]!.slice(1), ...good.slice(1)].join('')}`],
    ['an epoch above 32 bits', revoke, `0x${[...good.slice(0, 3), word('100000000'), good[4]].join('')}`],
    ['no hex', revoke, `0x${'zz'.repeat(160)}`],
  ])('are refused: %s', (_what, kind, payload) => {
    expect(() => codec.decodePayload({ kind, payload })).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
  });

  it('are refused when encoding values out of range', () => {
    const payload = {
      patient: Wallet.createRandom().address,
      compartment: `0x${word('1')}`,
      grantee: `0x${word('2')}`,
      epoch: 2 ** 32,
      envelope: `0x${word('3')}`,
    };
    expect(() => codec.encodePayload('Revoke', payload)).toThrow(/epoch/);
    expect(() => codec.encodePayload('Revoke', { ...payload, epoch: 1, compartment: '0x01' })).toThrow(/compartment/);
    expect(() => codec.encodePayload('Revoke', { ...payload, epoch: 1, patient: payload.patient.replace(/[a-f]/, 'A') + '0' })).toThrow(
      /patient/,
    );
  });
});

describe('recover', () => {
  const wallet = new Wallet(`0x${'42'.repeat(32)}`);
  const digest = getBytes(`0x${'07'.repeat(32)}`);
  const signature = wallet.signingKey.sign(digest);

  it('names the account of EIP-712’s own example', () => {
    const signature =
      '0x4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c';
    const digest = getBytes('0xbe609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2');
    expect(codec.recover(digest, signature)).toBe('0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826');
  });

  it('names the account that signed', () => {
    expect(codec.recover(digest, signature.serialized)).toBe(wallet.address);
    expect(codec.recover(getBytes(`0x${'08'.repeat(32)}`), signature.serialized)).not.toBe(wallet.address);
  });

  it('takes no second form of a signature', () => {
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const twin = (order - BigInt(signature.s)).toString(16).padStart(64, '0');
    const otherV = signature.v === 27 ? '1c' : '1b';
    expect(codec.recover(digest, `${signature.r}${twin}${otherV}`)).toBeNull();
    expect(codec.recover(digest, signature.compactSerialized)).toBeNull();
    expect(codec.recover(digest, `${signature.serialized.slice(0, 130)}0${signature.v - 27}`)).toBeNull();
  });

  it('answers null for what is no signature', () => {
    for (const bad of ['', '0x', `0x${'00'.repeat(65)}`, `0x${'ff'.repeat(64)}1b`, 'x'.repeat(132), `${signature.serialized}00`]) {
      expect(codec.recover(digest, bad)).toBeNull();
    }
    expect(codec.recover(new Uint8Array(31), signature.serialized)).toBeNull();
  });
});
