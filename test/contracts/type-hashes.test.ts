/**
 * The contracts and `src-shared/operations.ts` must mean the same by an operation: the same number, the same EIP-712 type, and so the
 * same digest. Asked of the compiled gateway on a real ledger (Anvil).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  AbiCoder,
  Contract,
  Interface,
  JsonRpcProvider,
  TypedDataEncoder,
  Wallet,
  ZeroHash,
  concat,
  getAddress,
  hexlify,
  id,
  keccak256,
  randomBytes,
} from 'ethers';
import {
  type OperationKind,
  encodeType,
  operationHeader,
  operationKinds,
} from '../../src-shared/operations.ts';
import {
  moduleInitCodes,
  operationsAbi,
  operationsBytecode,
} from '../../src-main/core/adapters/ledger/generated/contracts.ts';

const deploymentProxy = '0x4e59b44847b379578588920ca78fbf26c0b4956c';
const kinds = Object.keys(operationKinds) as OperationKind[];

let anvil: ChildProcess;
let provider: JsonRpcProvider;
let gateway: Contract;
const governor = Wallet.createRandom();

/** Starts Anvil on a free port and resolves with its URL. */
function startAnvil(): Promise<string> {
  const require = createRequire(import.meta.url);
  anvil = spawn(process.execPath, [require.resolve('@foundry-rs/anvil/bin.mjs'), '--port', '0', '--host', '127.0.0.1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    let output = '';
    anvil.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const address = /Listening on (\S+)/.exec(output)?.[1];
      if (address !== undefined) resolve(`http://${address}`);
    });
    anvil.once('error', reject);
    anvil.once('exit', (code) => {
      reject(new Error(`Anvil ended with ${String(code)}: ${output}`));
    });
  });
}

beforeAll(async () => {
  provider = new JsonRpcProvider(await startAnvil(), undefined, { cacheTimeout: -1, pollingInterval: 20 });
  const relayer = await provider.getSigner(0);
  const hashes = moduleInitCodes.map((code) => keccak256(code));
  const initCode = concat([
    operationsBytecode,
    AbiCoder.defaultAbiCoder().encode(
      ['address[]', 'uint256', 'bytes32[5]'],
      [[governor.address], 1, hashes],
    ),
  ]);
  const address = getAddress(
    `0x${keccak256(concat(['0xff', deploymentProxy, ZeroHash, keccak256(initCode)])).slice(26)}`,
  );
  await (await relayer.sendTransaction({ to: deploymentProxy, data: concat([ZeroHash, initCode]) })).wait();
  gateway = new Contract(address, operationsAbi, relayer);
  for (const [index, code] of moduleInitCodes.entries()) {
    await (await gateway.getFunction('installModule')(index, code)).wait();
  }
}, 60_000);

afterAll(() => {
  provider.destroy();
  anvil.kill();
});

describe('the contracts and the table of operations agree', () => {
  test.each(kinds)('on the EIP-712 type of %s', async (kind) => {
    expect(await gateway.getFunction('typeHashOf')(operationKinds[kind].code)).toBe(id(encodeType(kind)));
  });

  test.each(kinds)('on the digest that is signed for %s', async (kind) => {
    const { code, fields } = operationKinds[kind];
    const values = fields.map((field) =>
      field.type === 'bytes32'
        ? hexlify(randomBytes(32))
        : field.type === 'address'
          ? Wallet.createRandom().address
          : 1,
    );
    const header = { opId: hexlify(randomBytes(32)), actor: governor.address, issuedAt: 1, deadline: 2n ** 63n };
    const network = await provider.getNetwork();
    const digest = TypedDataEncoder.hash(
      { name: 'Anamnesis', version: '1', chainId: network.chainId, verifyingContract: String(gateway.target) },
      { [kind]: [...operationHeader, ...fields] },
      { ...header, ...Object.fromEntries(fields.map((field, index) => [field.name, values[index]])) },
    );
    const payload = AbiCoder.defaultAbiCoder().encode(
      fields.map((field) => field.type),
      values,
    );
    const operation = { kind: code, ...header, payload, signatures: [] };
    expect(await gateway.getFunction('digestOf')(operation)).toBe(digest);
  });

  test('on what a number means that no kind has', async () => {
    expect(await gateway.getFunction('typeHashOf')(255)).toBe(ZeroHash);
  });
});

test('a rejection says why, and the next operation is applied all the same', async () => {
  const network = await provider.getNetwork();
  const domain = {
    name: 'Anamnesis',
    version: '1',
    chainId: network.chainId,
    verifyingContract: String(gateway.target),
  };
  const { code, fields } = operationKinds.AdmitOrganization;
  const admit = async (deadline: number) => {
    const header = { opId: hexlify(randomBytes(32)), actor: governor.address, issuedAt: 1, deadline };
    const values = fields.map((field) => (field.type === 'address' ? governor.address : hexlify(randomBytes(32))));
    const message = { ...header, ...Object.fromEntries(fields.map((field, index) => [field.name, values[index]])) };
    const signature = await governor.signTypedData(
      domain,
      { AdmitOrganization: [...operationHeader, ...fields] },
      message,
    );
    const payload = AbiCoder.defaultAbiCoder().encode(
      fields.map((field) => field.type),
      values,
    );
    return { kind: code, ...header, payload, signatures: [signature] };
  };
  const operations = [await admit(1), await admit(4_000_000_000)];
  const receipt = await (await gateway.getFunction('submit')(operations)).wait();
  const abi = new Interface(operationsAbi);
  const events = receipt.logs.map((log: { topics: string[]; data: string }) => abi.parseLog(log));
  expect(events.map((event: { name: string }) => event.name)).toEqual(['OperationRejected', 'OperationApplied']);
  expect(abi.parseError(events[0].args.reason)?.name).toBe('DeadlinePassed');
  expect(await gateway.getFunction('appliedAt')(operations[1]?.opId)).toBe(BigInt(receipt.blockNumber));
  expect(await gateway.getFunction('appliedAt')(operations[0]?.opId)).toBe(0n);
});
