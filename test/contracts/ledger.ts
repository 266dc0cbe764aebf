/** A ledger of its own for a test of the contracts: Anvil on a free port, the gateway deployed through the deterministic proxy. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import {
  AbiCoder,
  Contract,
  JsonRpcProvider,
  TypedDataEncoder,
  ZeroHash,
  concat,
  getAddress,
  hexlify,
  keccak256,
  randomBytes,
} from 'ethers';
import type { HDNodeWallet, TransactionReceipt, TypedDataDomain, Wallet } from 'ethers';
import {
  type OperationKind,
  type OperationPayload,
  type SignedOperation,
  operationHeader,
  operationKinds,
} from '../../src-shared/operations.ts';
import { moduleInitCodes, operationsAbi, operationsBytecode } from '../../src-main/core/adapters/ledger/generated/contracts.ts';

const deploymentProxy = '0x4e59b44847b379578588920ca78fbf26c0b4956c';

export type Key = Wallet | HDNodeWallet;

export interface TestLedger {
  readonly gateway: Contract;
  readonly domain: TypedDataDomain;
  /** EIP-712 digest of an operation, as ethers makes it. */
  digest(kind: OperationKind, operation: SignedOperation, payload: object): string;
  /** An operation that all `signers` signed; the first is its actor. */
  sign<K extends OperationKind>(
    kind: K,
    signers: readonly Key[],
    payload: OperationPayload<K>,
    header?: { opId?: string; deadline?: number },
  ): Promise<SignedOperation>;
  submit(operations: readonly SignedOperation[]): Promise<TransactionReceipt>;
  stop(): void;
}

function startAnvil(): Promise<{ anvil: ChildProcess; url: string }> {
  const executable = createRequire(import.meta.url).resolve('@foundry-rs/anvil/bin.mjs');
  const anvil = spawn(process.execPath, [executable, '--port', '0', '--host', '127.0.0.1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    let output = '';
    anvil.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      const address = /Listening on (\S+)/.exec(output)?.[1];
      if (address !== undefined) resolve({ anvil, url: `http://${address}` });
    });
    anvil.once('error', reject);
    anvil.once('exit', (code) => {
      reject(new Error(`Anvil ended with ${String(code)}: ${output}`));
    });
  });
}

/** Starts a ledger with this one governor and all modules installed. */
export async function startLedger(governor: Key): Promise<TestLedger> {
  const { anvil, url } = await startAnvil();
  const provider = new JsonRpcProvider(url, undefined, { cacheTimeout: -1, pollingInterval: 20 });
  const relayer = await provider.getSigner(0);
  const abiCoder = AbiCoder.defaultAbiCoder();
  const initCode = concat([
    operationsBytecode,
    abiCoder.encode(['address[]', 'uint256', 'bytes32[5]'], [[governor.address], 1, moduleInitCodes.map((code) => keccak256(code))]),
  ]);
  const address = getAddress(`0x${keccak256(concat(['0xff', deploymentProxy, ZeroHash, keccak256(initCode)])).slice(26)}`);
  await (await relayer.sendTransaction({ to: deploymentProxy, data: concat([ZeroHash, initCode]) })).wait();
  const gateway = new Contract(address, operationsAbi, relayer);
  for (const [index, code] of moduleInitCodes.entries()) {
    await (await gateway.getFunction('installModule')(index, code)).wait();
  }
  const { chainId } = await provider.getNetwork();
  const domain = { name: 'Anamnesis', version: '1', chainId, verifyingContract: address };
  const typesOf = (kind: OperationKind) => ({ [kind]: [...operationHeader, ...operationKinds[kind].fields] });

  return {
    gateway,
    domain,
    digest: (kind, operation, payload) => TypedDataEncoder.hash(domain, typesOf(kind), { ...operation, ...payload }),
    sign: async (kind, signers, payload, header) => {
      const { code, fields } = operationKinds[kind];
      const message = {
        opId: hexlify(randomBytes(32)),
        actor: signers[0]?.address ?? '',
        issuedAt: 1,
        deadline: 4_000_000_000,
        ...header,
      };
      const values = payload as Record<string, unknown>;
      return {
        ...message,
        kind: code,
        payload: abiCoder.encode(
          fields.map((field) => field.type),
          fields.map((field) => values[field.name]),
        ),
        signatures: await Promise.all(signers.map((signer) => signer.signTypedData(domain, typesOf(kind), { ...message, ...payload }))),
      };
    },
    submit: async (operations) => (await gateway.getFunction('submit')(operations)).wait(),
    stop: () => {
      provider.destroy();
      anvil.kill();
    },
  };
}
