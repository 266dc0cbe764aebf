/**
 * The ledger through any JSON-RPC endpoint. What comes back is parsed and bounded here; whether an event's signature is its actor's is
 * the follower's to check, and whether an operation is allowed is the contracts'.
 */
import { Transaction, Wallet, hexlify } from 'ethers';
import type { z } from 'zod';
import { AppError } from '../../../../src-shared/errors.ts';
import type { SignedOperation } from '../../../../src-shared/operations.ts';
import type { LedgerEvent, LedgerHead, LedgerPort, NetworkConfig } from '../../ports.ts';
import { decodeLog, decodeTaken, encodeSubmit, followedTopics, gateway, moduleCalls } from './gateway-abi.ts';
import { badAnswer, openJsonRpc } from './json-rpc.ts';
import type { JsonRpcEndpoint, ViaPeer } from './json-rpc.ts';
import { relayRequest } from './ledger-relay.ts';
import { signLegacy } from './legacy-transaction.ts';
import * as values from './rpc-values.ts';

/** What the gateway wants left before it calls a module (its own limit for a module, one 64th, and its reserve), with the fixed part. */
const batchGas = 800_000n;
/** More than the dearest frequent operation needs; the gateway takes what it uses. */
const operationGas = 250_000n;
/** Non-zero call data (EIP-7623's floor), once more in the event. */
const byteGas = 60n;

/** Mix hash of blocks that validators agreed on before they were made: IBFT and QBFT (EIP-650; "practical byzantine fault tolerance"). */
const byzantineMixHash = '0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365';

type RefusalReason = 'nonce-too-low' | 'underpriced' | 'no-funds' | 'other';

/** Clients have no codes in common for these; the words are those of Geth, Besu, Nethermind, Erigon, Reth and Anvil. */
const sendAnswers: readonly { pattern: RegExp; meaning: 'sent' | RefusalReason }[] = [
  { pattern: /already known|already imported|known transaction|already in (?:the )?(?:tx)?pool|ALREADY_EXISTS/i, meaning: 'sent' },
  { pattern: /nonce too low|nonce below|NONCE_TOO_LOW|OldNonce|nonce has already been used|invalid nonce/i, meaning: 'nonce-too-low' },
  { pattern: /underpriced|fee too low|gas price (?:too low|below)|FeeTooLow|GAS_PRICE_TOO_LOW/i, meaning: 'underpriced' },
  { pattern: /insufficient funds|insufficient balance|upfront cost exceeds|InsufficientFunds|INSUFFICIENT_FUNDS/i, meaning: 'no-funds' },
];

function gasLimitOf(operations: readonly SignedOperation[], data: string): bigint {
  const signatures = operations.reduce((count, operation) => count + operation.signatures.length, 0);
  // A further signature: one more recovery, and for an admission one more governor.
  const extra = BigInt(signatures - operations.length) * 20_000n;
  return batchGas + BigInt(operations.length) * operationGas + extra + BigInt(data.length / 2) * byteGas;
}

function wrongChain(host: string, message: string, details: Record<string, string | number>): AppError {
  return new AppError('LEDGER_WRONG_CHAIN', message, { host, ...details });
}

function noFunds(host: string, raw: string): string {
  const from = Transaction.from(raw).from ?? '';
  return `The ledger at ${host} asks a fee, and the account that this workstation sends with (${from}) has nothing to pay it with. What you save is kept here and sent later. Ask those who run the network to make its gas price zero, or to give that account something.`;
}

async function readPredecessor(url: string, { operations }: NetworkConfig, domain: string) {
  const endpoint = openJsonRpc(url);
  try {
    const data = gateway.encodeFunctionData('predecessorOf', [domain]);
    const answer = values.code.safeParse(await endpoint.send('eth_call', [{ to: operations, data }, 'latest']));
    // A struct of two words.
    if (!answer.success || answer.data.length !== 2 + 128) throw badAnswer(endpoint.host, 'eth_call');
    const acceptedUntil = BigInt(`0x${answer.data.slice(66)}`);
    if (acceptedUntil > BigInt(Number.MAX_SAFE_INTEGER)) throw badAnswer(endpoint.host, 'eth_call');
    return { organization: answer.data.slice(0, 66).toLowerCase(), acceptedUntil: Number(acceptedUntil) };
  } finally {
    endpoint.close();
  }
}

/**
 * A ledger, not yet connected: `connect` comes first, other calls before it throw LEDGER_UNREACHABLE.
 * @param viaPeer how a ledger that another workstation runs is asked.
 */
export function createLedger(viaPeer?: ViaPeer): LedgerPort {
  let endpoint: JsonRpcEndpoint | null = null;
  let config: NetworkConfig | null = null;

  function connected(): { endpoint: JsonRpcEndpoint; config: NetworkConfig } {
    if (endpoint === null || config === null) {
      throw new AppError('LEDGER_UNREACHABLE', 'No ledger is connected yet. What you save is kept here.', { reason: 'not-connected' });
    }
    return { endpoint, config };
  }

  async function call<T extends z.ZodType>(method: string, params: readonly unknown[], schema: T): Promise<z.infer<T>> {
    const { endpoint: current } = connected();
    const answer = schema.safeParse(await current.send(method, params));
    if (!answer.success) throw badAnswer(current.host, method);
    return answer.data;
  }

  async function latestBlock() {
    return call('eth_getBlockByNumber', ['latest', false], values.block);
  }

  async function blockAt(number: number) {
    return call('eth_getBlockByNumber', [`0x${number.toString(16)}`, false], values.block.nullable());
  }

  async function head(): Promise<LedgerHead> {
    const { number, hash, timestamp } = await latestBlock();
    return { number, hash, timestamp };
  }

  /** Gateway and modules: a deployment may have been cut short, and the gateway refuses everything until they are all there. */
  async function isDeployed({ operations }: NetworkConfig): Promise<boolean> {
    if ((await call('eth_getCode', [operations, 'latest'], values.code)) === '0x') return false;
    const modules = await Promise.all(moduleCalls.map((data) => call('eth_call', [{ to: operations, data }, 'latest'], values.code)));
    return modules.every((address) => address.length === 66 && BigInt(address) !== 0n);
  }

  function parseEvents(logs: readonly values.Log[], from: number, to: number): LedgerEvent[] {
    const { endpoint: current, config: network } = connected();
    const events: LedgerEvent[] = [];
    /** The log that says where an operation was signed stands right before the operation's own. */
    const origins = new Map<string, string>();
    const placeOf = (block: number, logIndex: number, opId: string) => `${block}/${logIndex}/${opId}`;
    for (const log of logs) {
      const outside = log.blockNumber < from || log.blockNumber > to || log.address !== network.operations.toLowerCase();
      if (outside || log.removed === true) throw badAnswer(current.host, 'logs that were not asked for');
      const taken = decodeTaken(log);
      if (taken !== null) origins.set(placeOf(log.blockNumber, log.logIndex + 1, taken.opId), taken.domain);
      let event: LedgerEvent | null;
      try {
        event = decodeLog(log);
      } catch {
        throw badAnswer(current.host, 'a log that the contracts cannot have written');
      }
      if (event !== null) events.push(event);
    }
    return events
      .map((event) => {
        const predecessor = event.type === 'applied' ? origins.get(placeOf(event.block, event.logIndex, event.opId)) : undefined;
        return predecessor === undefined ? event : { ...event, predecessor };
      })
      .sort((a, b) => a.block - b.block || a.logIndex - b.logIndex);
  }

  async function events(from: number, to: number): Promise<LedgerEvent[]> {
    const { config: network } = connected();
    const filter = {
      address: network.operations,
      topics: [followedTopics],
      fromBlock: `0x${from.toString(16)}`,
      toBlock: `0x${to.toString(16)}`,
    };
    return parseEvents(await call('eth_getLogs', [filter], values.logs), from, to);
  }

  return {
    get config() {
      return config;
    },

    connect(url, network) {
      const next = openJsonRpc(url, viaPeer);
      endpoint?.close();
      endpoint = next;
      config = network;
    },

    async check() {
      const { endpoint: current, config: network } = connected();
      const chainId = await call('eth_chainId', [], values.quantity);
      if (chainId !== network.chainId) {
        throw wrongChain(
          current.host,
          `The ledger at ${current.host} is another network (chain ${chainId}; this clinic's is ${network.chainId}). Nothing was sent to it. Check the address in the settings.`,
          { reason: 'chain', expected: network.chainId, actual: chainId },
        );
      }
      if (!(await isDeployed(network))) {
        throw wrongChain(
          current.host,
          `The ledger at ${current.host} does not hold this network's contracts: it may have been set up anew. What you saved is safe here and is sent when they are back.`,
          { reason: 'gateway-missing', chainId },
        );
      }
      return head();
    },

    async recognized(url, network, domain) {
      const other = createLedger();
      other.connect(url, network);
      try {
        await other.check();
        const { organization, acceptedUntil } = await readPredecessor(url, network, domain);
        return BigInt(organization) === 0n ? null : { organization, acceptedUntil };
      } finally {
        other.close();
      }
    },

    async governance() {
      const { endpoint: current, config: network } = connected();
      const view = async (name: 'governors' | 'threshold') => {
        const answer = await call('eth_call', [{ to: network.operations, data: gateway.encodeFunctionData(name) }, 'latest'], values.code);
        try {
          const [result] = gateway.decodeFunctionResult(name, answer) as unknown as [unknown];
          return result;
        } catch {
          throw badAnswer(current.host, 'eth_call');
        }
      };
      const [governors, threshold] = await Promise.all([view('governors'), view('threshold')]);
      return { governors: [...(governors as Iterable<string>)], threshold: Number(threshold) };
    },

    head,

    async isFinalAtOnce() {
      return (await latestBlock()).mixHash === byzantineMixHash;
    },

    blockHash: async (number) => (await blockAt(number))?.hash ?? null,

    blockTime: async (number) => (await blockAt(number))?.timestamp ?? null,

    events,

    async applied(opId) {
      const { endpoint: current, config: network } = connected();
      const data = gateway.encodeFunctionData('appliedAt', [opId]);
      const answer = await call('eth_call', [{ to: network.operations, data }, 'latest'], values.code);
      if (answer.length !== 66) throw badAnswer(current.host, 'eth_call');
      const block = BigInt(answer);
      if (block === 0n) return null;
      if (block > BigInt(Number.MAX_SAFE_INTEGER)) throw badAnswer(current.host, 'eth_call');
      const there = await events(Number(block), Number(block));
      return there.find((event) => event.type === 'applied' && event.opId === opId) ?? 'withheld';
    },

    async nonce(relayer) {
      return call('eth_getTransactionCount', [relayer, 'latest'], values.quantity);
    },

    async signBatch(operations, relayerKey, nonce, { gasPriceFactor = 1, predecessor = null } = {}) {
      const { endpoint: current, config: network } = connected();
      const [price, block] = await Promise.all([call('eth_gasPrice', [], values.wei), latestBlock()]);
      const data = encodeSubmit(operations, predecessor);
      const gasLimit = gasLimitOf(operations, data);
      if (gasLimit > BigInt(block.gasLimit)) {
        throw new AppError(
          'LEDGER_REFUSED',
          `A batch of ${operations.length} operations is too much for one block of the ledger at ${current.host}. Nothing is lost.`,
          {
            reason: 'batch-too-large',
            host: current.host,
            operations: operations.length,
          },
        );
      }
      const gasPrice = (price * BigInt(Math.ceil(gasPriceFactor * 1000)) + 999n) / 1000n;
      return signLegacy({ chainId: network.chainId, to: network.operations, nonce, gasLimit, gasPrice, data }, relayerKey);
    },

    async broadcast(raw) {
      try {
        await call('eth_sendRawTransaction', [raw], values.hash);
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'LEDGER_REFUSED') throw error;
        const text = String(error.details['text']);
        const meaning = sendAnswers.find(({ pattern }) => pattern.test(text))?.meaning ?? 'other';
        if (meaning === 'sent') return;
        const { endpoint: current } = connected();
        const message = meaning === 'no-funds' ? noFunds(current.host, raw) : error.message;
        throw new AppError('LEDGER_REFUSED', message, { ...error.details, reason: meaning }, { cause: error });
      }
    },

    async receipt(hash) {
      const receipt = await call('eth_getTransactionReceipt', [hash], values.receipt);
      if (receipt === null) return null;
      return { block: receipt.blockNumber, blockHash: receipt.blockHash, success: receipt.status === '0x1' };
    },

    relayerAddress(relayerKey) {
      return new Wallet(hexlify(relayerKey)).address;
    },

    async relay(request) {
      // A chain of workstations would hide who answers.
      if (endpoint === null || config === null || endpoint.isPeer) return null;
      return relayRequest(endpoint, config, request);
    },

    close() {
      endpoint?.close();
      endpoint = null;
      config = null;
    },
  };
}
