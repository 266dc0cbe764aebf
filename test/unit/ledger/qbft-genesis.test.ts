/** The genesis file of a consortium: what Besu reads of it is known from its manual; that a ledger runs on it, test/integration/ledger/kit.test.ts shows. */
import { readFileSync } from 'node:fs';
import { getAddress } from 'ethers';
import { expect, it } from 'vitest';
import { qbftExtraData, qbftGenesis } from '../../../src-main/core/adapters/ledger/qbft-genesis.ts';

/** From the manual of Hyperledger Besu, "Configure QBFT consensus": four validators and the extra data that Besu makes of them. */
const validators = [
  '0x64a702e6263b7297a96638cac6ae65e6541f4169',
  '0x943923390ad55e90c237593b3b0e401f3b08a031',
  '0x94aefdb9a738c9f433e5b6b212a6d62f6370c2f6',
  '0x9c7eeb9a4e00ce683cf93039b212648e01c6c6b7',
];
const known =
  '0xf87aa00000000000000000000000000000000000000000000000000000000000000000f8549464a702e6263b7297a96638cac6ae65e6541f4169943923390ad55e90c237593b3b0e401f3b08a0318594aefdb9a738c9f433e5b6b212a6d62f6370c2f69294c7eeb9a4e00ce683cf93039b212648e01c6c6b78c080c0';

it('encodes validators as Besu does, in whatever order they are named', () => {
  const ofManual = known.match(/(?<=94)[0-9a-f]{40}(?=94|c0)/g)?.map((account) => `0x${account}`) ?? [];
  expect(qbftExtraData(ofManual)).toBe(known);
});
