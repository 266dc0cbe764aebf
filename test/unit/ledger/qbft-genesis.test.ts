/** The genesis file of a consortium: what Besu's manual says of it. That the contracts go onto a ledger which began with it, ../../integration/ledger/kit.test.ts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { qbftExtraData, qbftGenesis } from '../../../src-main/core/adapters/ledger/qbft-genesis.ts';

/** From the manual of Hyperledger Besu, "Configure QBFT consensus": the extra data of a network, and the validators that lie in it. */
const known =
  '0xf87aa00000000000000000000000000000000000000000000000000000000000000000f8549464a702e6263b7297a96638cac6ae65e6541f4169943923390ad55e90c237593b3b0e401f3b08a0318594aefdb9a738c9f433e5b6b212a6d62f6370c2f69294c7eeb9a4e00ce683cf93039b212648e01c6c6b78c080c0';
const validators = [
  '0x64a702e6263b7297a96638cac6ae65e6541f4169',
  '0x3923390ad55e90c237593b3b0e401f3b08a03185',
  '0xaefdb9a738c9f433e5b6b212a6d62f6370c2f692',
  '0xc7eeb9a4e00ce683cf93039b212648e01c6c6b78',
] as const;
const template = readFileSync(join(process.cwd(), 'deploy/genesis.json'), 'utf8');
const genesis = (named: readonly string[], chainId = 771_000) => qbftGenesis({ template, chainId, validators: named });

it('encodes validators as Besu does', () => {
  expect(qbftExtraData(validators)).toBe(known);
});

it('is the same file in whatever order the validators are named', () => {
  const file = genesis(validators);
  expect(genesis(validators.toReversed())).toBe(file);
  expect(JSON.parse(file)).toMatchObject({
    config: { chainId: 771_000, zeroBaseFee: true, qbft: { blockperiodseconds: 2 } },
    extraData: qbftExtraData(validators.toSorted()),
  });
});

it('changes nothing else of the template', () => {
  const { config, extraData: _own, ...rest } = JSON.parse(template) as { config: object; extraData: string };
  const file = JSON.parse(genesis(validators)) as { config: object; extraData: string };
  expect(file).toEqual({ ...rest, config: { ...config, chainId: 771_000 }, extraData: file.extraData });
});

it('refuses validators that cannot start a network', () => {
  for (const refused of [[], validators.slice(1), [...validators, validators[0]], [...validators, '0x12']])
    expect(() => genesis(refused)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }));
});
