/**
 * Deployment at addresses that follow from the contracts' bytes and the governors alone (CREATE2 by the deterministic deployment proxy),
 * so that a ledger rebuilt from nothing gets the same ones, and operations signed before stay valid on it.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { AbiCoder, Transaction, Wallet, concat, getAddress, getCreate2Address, hexlify, isAddress, keccak256 } from 'ethers';
import type { z } from 'zod';
import { AppError } from '../../../../src-shared/errors.ts';
import type { NetworkConfig } from '../../ports.ts';
import { gateway, moduleCalls } from './gateway-abi.ts';
import { moduleInitCodes, operationsBytecode } from './generated/contracts.ts';
import { badAnswer, openJsonRpc } from './json-rpc.ts';
import type { JsonRpcEndpoint } from './json-rpc.ts';
import * as values from './rpc-values.ts';

/** github.com/Arachnid/deterministic-deployment-proxy: the same address on every chain that has it. */
const deploymentProxy = '0x4e59b44847b379578588920ca78fbf26c0b4956c';
const salt = `0x${'00'.repeat(32)}`;
const receiptTimeoutMs = 60_000;

function governorsInvalid(): AppError {
  return new AppError(
    'INVALID_INPUT',
    'A network needs 1 to 16 different governors, and a threshold between 1 and their number. Nothing was set up.',
  );
}

/** Init code of the gateway for these governors, and the address that follows from it. */
function gatewayDeployment(governors: readonly string[], threshold: number): { address: string; initCode: string } {
  if (!governors.every((governor) => isAddress(governor))) throw governorsInvalid();
  // In one order: the same governors get the same address, however they were listed.
  const accounts = governors.map((governor) => getAddress(governor)).sort();
  const counted = accounts.length >= 1 && accounts.length <= 16 && new Set(accounts).size === accounts.length;
  if (!counted || !Number.isInteger(threshold) || threshold < 1 || threshold > accounts.length) throw governorsInvalid();
  const moduleHashes = moduleInitCodes.map((initCode) => keccak256(initCode));
  const parameters = AbiCoder.defaultAbiCoder().encode(['address[]', 'uint256', 'bytes32[5]'], [accounts, threshold, moduleHashes]);
  const initCode = concat([operationsBytecode, parameters]);
  return { address: getCreate2Address(deploymentProxy, salt, keccak256(initCode)), initCode };
}

interface Deployer {
  code(address: string): Promise<string>;
  call(to: string, data: string): Promise<string>;
  /** Sends a transaction and waits until it is mined. */
  send(to: string, data: string): Promise<void>;
}

function deployer(endpoint: JsonRpcEndpoint, chainId: number): Deployer {
  // Gas is free on a proof-of-authority ledger of this kind, so any key will do, and none is worth keeping.
  const wallet = new Wallet(hexlify(randomBytes(32)));
  let nonce = 0;

  async function ask<T extends z.ZodType>(method: string, params: readonly unknown[], schema: T): Promise<z.infer<T>> {
    const answer = schema.safeParse(await endpoint.send(method, params));
    if (!answer.success) throw badAnswer(endpoint.host, method);
    return answer.data;
  }

  async function mined(hash: string): Promise<boolean> {
    const until = Date.now() + receiptTimeoutMs;
    while (Date.now() < until) {
      const receipt = await ask('eth_getTransactionReceipt', [hash], values.receipt);
      if (receipt !== null) return receipt.status === '0x1';
      await delay(20);
    }
    throw refused(endpoint.host, 'a transaction was not taken into a block in time');
  }

  return {
    code: (address) => ask('eth_getCode', [address, 'latest'], values.code),
    call: (to, data) => ask('eth_call', [{ to, data }, 'latest'], values.code),
    async send(to, data) {
      const { gasLimit } = await ask('eth_getBlockByNumber', ['latest', false], values.block);
      const gasPrice = await ask('eth_gasPrice', [], values.wei);
      const estimate = await ask('eth_estimateGas', [{ from: wallet.address, to, data }], values.quantity);
      const gas = Math.min(gasLimit, Math.ceil(estimate * 1.2));
      const raw = await wallet.signTransaction(Transaction.from({ type: 0, chainId, to, nonce, gasLimit: gas, gasPrice, data }));
      const hash = await ask('eth_sendRawTransaction', [raw], values.hash);
      nonce += 1;
      if (!(await mined(hash))) throw refused(endpoint.host, 'a transaction failed');
    },
  };
}

function refused(host: string, what: string): AppError {
  return new AppError(
    'LEDGER_REFUSED',
    `The contracts could not be set up on the ledger at ${host}: ${what}. Nothing is lost; it can be tried again.`,
    { host, reason: 'other' },
  );
}

async function deployOn(
  endpoint: JsonRpcEndpoint,
  chainId: number,
  governors: readonly string[],
  threshold: number,
): Promise<NetworkConfig> {
  const { host } = endpoint;
  const actual = values.quantity.safeParse(await endpoint.send('eth_chainId', []));
  if (!actual.success) throw badAnswer(host, 'eth_chainId');
  if (actual.data !== chainId) {
    throw new AppError(
      'LEDGER_WRONG_CHAIN',
      `The ledger at ${host} is another network (chain ${actual.data}, not ${chainId}). Nothing was set up there.`,
      {
        host,
        reason: 'chain',
        expected: chainId,
        actual: actual.data,
      },
    );
  }
  const { address, initCode } = gatewayDeployment(governors, threshold);
  const ledger = deployer(endpoint, chainId);
  if ((await ledger.code(address)) === '0x') {
    if ((await ledger.code(deploymentProxy)) === '0x') {
      throw refused(host, `it has no deterministic deployment proxy at ${deploymentProxy}, which its genesis block should hold`);
    }
    await ledger.send(deploymentProxy, concat([salt, initCode]));
    if ((await ledger.code(address)) === '0x') throw refused(host, 'the gateway is not where it should be');
  }
  for (const [index, moduleInitCode] of moduleInitCodes.entries()) {
    const [installed] = gateway.decodeFunctionResult('module', await ledger.call(address, moduleCalls[index] ?? '0x'));
    if (BigInt(installed as string) === 0n) {
      await ledger.send(address, gateway.encodeFunctionData('installModule', [index, moduleInitCode]));
    }
  }
  return { chainId, operations: address };
}

/**
 * Deploys gateway and modules where they are missing; what is there already is left alone.
 *
 * Throws LEDGER_WRONG_CHAIN, LEDGER_UNREACHABLE, LEDGER_REFUSED (also where the ledger has no deployment proxy), and INVALID_INPUT for
 * governors that the contract would refuse.
 */
export async function deployContracts(
  url: string,
  chainId: number,
  governors: readonly string[],
  threshold: number,
): Promise<NetworkConfig> {
  const endpoint = openJsonRpc(url);
  try {
    return await deployOn(endpoint, chainId, governors, threshold);
  } finally {
    endpoint.close();
  }
}
