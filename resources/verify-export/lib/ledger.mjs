/**
 * Anchors against a ledger, over JSON-RPC: that each operation's event is where the file says it is, and that the file leaves none out that would change
 * the judgement. The ledger that answers is believed; which one that is, its caller decides.
 */
import { bytesOf, concat, fail, hexOf, keccak, utf8 } from './bytes.mjs';
import { decodePayload, kindWithCode, kinds } from './operations.mjs';

/** The event's two forms: with its parts as ABI values, and with all of them in one value without padding. */
const topicOf = (event) => hexOf(keccak(utf8(event)));
const padded = topicOf('OperationApplied(bytes32,uint8,address,uint64,uint64,bytes,bytes[])');
const packed = topicOf('OperationApplied(bytes32,uint8,address,bytes)');
/** Stands right before the event of an operation that was signed in a clinic's former network. */
const takenFrom = topicOf('PredecessorOperationTaken(bytes32,bytes32)');
const logRange = 5_000;
const timeoutMs = 30_000;

/** A connection. Throws a Fault where the ledger does not answer, or is another chain than the file's. */
export async function connectLedger(url, { chainId, operations }) {
  let id = 0;
  const ask = async (method, params) => {
    let answer;
    try {
      const body = JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params });
      const headers = { 'content-type': 'application/json' };
      answer = await (await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(timeoutMs) })).json();
    } catch (error) {
      return fail(`the ledger at ${url} does not answer (${error.message})`);
    }
    return answer.error ? fail(`the ledger refused ${method} (${String(answer.error.message).slice(0, 200)})`) : answer.result;
  };
  if (BigInt(await ask('eth_chainId', [])) !== BigInt(chainId)) fail('the ledger at this address is another chain than the file’s');
  if ((await ask('eth_getCode', [operations, 'latest'])) === '0x') fail('the contract that the file names is not on this ledger');
  const times = new Map();
  const receipts = new Map();

  return {
    head: async () => Number(await ask('eth_blockNumber', [])),

    /** Seconds; the time of a block. */
    async timeOf(number) {
      if (!times.has(number)) {
        const block = await ask('eth_getBlockByNumber', [`0x${number.toString(16)}`, false]);
        times.set(number, block ? Number(block.timestamp) : fail(`the ledger has no block ${number}`));
      }
      return times.get(number);
    },

    /** Throws a Fault where the ledger does not hold exactly this operation at its anchor. */
    async checkAnchor(operation) {
      const { block, blockHash, transaction, logIndex } = operation.anchor;
      if (!receipts.has(transaction)) receipts.set(transaction, await ask('eth_getTransactionReceipt', [transaction]));
      const receipt = receipts.get(transaction) ?? fail('the ledger does not know its transaction');
      if (Number(receipt.blockNumber) !== block) fail(`its transaction is in block ${Number(receipt.blockNumber)}, not ${block}`);
      if (blockHash !== null && receipt.blockHash.toLowerCase() !== blockHash) fail('its block has another hash on the ledger');
      const logAt = (index) =>
        receipt.logs.find((one) => Number(one.logIndex) === index && one.address.toLowerCase() === operations.toLowerCase());
      const log = logAt(logIndex) ?? fail('its transaction has no event of the contract at that place');
      const { predecessor = null } = operation;
      const origin = [takenFrom, operation.opId, predecessor].join();
      if (
        predecessor !== null &&
        logAt(logIndex - 1)
          ?.topics.join()
          .toLowerCase() !== origin
      )
        fail('the ledger does not say that it was signed in the former network that the file names');
      const pad = (hex) => `0x${hex.slice(2).toLowerCase().padStart(64, '0')}`;
      const topics = [operation.opId, pad(`0x${kinds[operation.kind][0].toString(16)}`), pad(operation.actor)].join();
      const [form, ...indexed] = log.topics.map((topic) => topic.toLowerCase());
      const data = form === packed ? packedData(operation) : form === padded ? paddedData(operation) : null;
      if (indexed.join() !== topics || log.data.toLowerCase() !== data) fail('the ledger holds another operation there');
    },

    /** Operations of these kinds that the ledger holds up to a block, with their decoded payloads; unknown kinds are passed over. */
    async *applied(toBlock) {
      for (let from = 0; from <= toBlock; from += logRange) {
        const to = Math.min(toBlock, from + logRange - 1);
        const range = { fromBlock: `0x${from.toString(16)}`, toBlock: `0x${to.toString(16)}` };
        for (const log of await ask('eth_getLogs', [{ address: operations, topics: [[padded, packed]], ...range }])) {
          const kind = kindWithCode(Number(log.topics[2]));
          if (kind === undefined) continue;
          const payload = decodePayload(kind, payloadIn(log));
          const actor = `0x${log.topics[3].slice(-40).toLowerCase()}`;
          yield { opId: log.topics[1], kind, actor, block: Number(log.blockNumber), payload };
        }
      }
    },

    /** Whether an account is a contract, whose signatures the ledger checks by asking it (ERC-1271). */
    isContract: async (account) => (await ask('eth_getCode', [account, 'latest'])) !== '0x',

    /** The accounts that govern the consortium now. */
    async governors() {
      const data = bytesOf(await ask('eth_call', [{ to: operations, data: hexOf(keccak(utf8('governors()')).subarray(0, 4)) }, 'latest']));
      return Array.from({ length: data.length / 32 - 2 }, (_, i) => hexOf(data.subarray(64 + 32 * i + 12, 96 + 32 * i)));
    },
  };
}

const word = (value) => bytesOf(`0x${BigInt(value).toString(16).padStart(64, '0')}`, 32);
const short = (value, bytes) =>
  bytesOf(
    `0x${BigInt(value)
      .toString(16)
      .padStart(2 * bytes, '0')}`,
    bytes,
  );

/** A dynamic value (ABI): its length, and its bytes up to a whole word. */
const dynamic = (bytes) => concat(word(bytes.length), bytes, new Uint8Array((32 - (bytes.length % 32)) % 32));

/** (uint64 issuedAt, uint64 deadline, bytes payload, bytes[] signatures). */
function paddedData({ issuedAt, deadline, payload, signatures }) {
  const body = dynamic(bytesOf(payload));
  const parts = signatures.map((signature) => dynamic(bytesOf(signature)));
  let offset = 32 * parts.length;
  const offsets = parts.map((part) => word((offset += part.length) - part.length));
  const head = concat(word(issuedAt), word(deadline), word(128), word(128 + body.length), body);
  return hexOf(concat(head, word(parts.length), ...offsets, ...parts));
}

/** (bytes): issuedAt (8) | deadline (8) | number of payload words (1) | payload | each signature behind its length (2). */
function packedData({ issuedAt, deadline, payload, signatures }) {
  const body = bytesOf(payload);
  const behind = signatures.map((signature) => concat(short((signature.length - 2) / 2, 2), bytesOf(signature)));
  const content = concat(short(issuedAt, 8), short(deadline, 8), [body.length / 32], body, ...behind);
  return hexOf(concat(word(32), dynamic(content)));
}

/** The payload in a log of either form. */
function payloadIn({ topics, data }) {
  const bytes = bytesOf(data);
  if (topics[0].toLowerCase() === packed) return hexOf(bytes.subarray(64 + 17, 64 + 17 + 32 * bytes[64 + 16]));
  const length = Number(BigInt(hexOf(bytes.subarray(128, 160))));
  return hexOf(bytes.subarray(160, 160 + length));
}
