import fc from 'fast-check';
import { Transaction, computeAddress, getAddress, hexlify } from 'ethers';
import { describe, expect, it } from 'vitest';
import { signLegacy } from '../../../src-main/core/adapters/ledger/legacy-transaction.ts';

describe('a legacy transaction', () => {
  it('is the example of EIP-155', () => {
    const key = new Uint8Array(32).fill(0x46);
    const { raw } = signLegacy(
      {
        chainId: 1,
        nonce: 9,
        gasPrice: 20n * 10n ** 9n,
        gasLimit: 21_000n,
        to: '0x3535353535353535353535353535353535353535',
        data: '0x',
        value: 10n ** 18n,
      },
      key,
    );
    expect(raw).toBe(
      '0xf86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83',
    );
  });

  it('is read by ethers as what was signed, by whom it was signed', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    fc.assert(
      fc.property(
        fc.record({
          chainId: fc.integer({ min: 1, max: 2 ** 47 }),
          nonce: fc.nat(),
          gasPrice: fc.bigInt({ min: 0n, max: 2n ** 90n }),
          gasLimit: fc.bigInt({ min: 0n, max: 2n ** 40n }),
          to: bytes(20).map(hexlify),
          data: fc.uint8Array({ maxLength: 400 }).map(hexlify),
        }),
        bytes(32).filter((key) => (key[0] ?? 0) > 0 && (key[0] ?? 0) < 255),
        (asked, key) => {
          const { raw, hash } = signLegacy(asked, key);
          const read = Transaction.from(raw);
          const { chainId, nonce, gasPrice, gasLimit, to, data, value } = read;
          expect({ chainId, nonce, gasPrice, gasLimit, to, data, value }).toEqual({
            ...asked,
            chainId: BigInt(asked.chainId),
            to: getAddress(asked.to),
            value: 0n,
          });
          expect(read.hash).toBe(hash);
          expect(read.from).toBe(computeAddress(hexlify(key)));
          expect(read.type).toBe(0);
        },
      ),
      { numRuns: 50 },
    );
  });
});
