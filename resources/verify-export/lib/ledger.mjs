/**
 * Anchors against a ledger, over JSON-RPC: that each operation's event is where the file says it is, and that the file leaves none out that would change
 * the judgement. The ledger that answers is believed; which one that is, its caller decides.
 */
import { bytesOf, concat, fail, hexOf, keccak, utf8 } from './bytes.mjs';
import { decodePayload, kindWithCode, kinds } from './operations.mjs';

const appliedTopic = hexOf(keccak(utf8('OperationApplied(bytes32,uint8,address,uint64,uint64,bytes,bytes[])')));
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
      const log = receipt.logs.find((candidate) => Number(candidate.logIndex) === logIndex);
      if (!log || log.address.toLowerCase() !== operations.toLowerCase())
        fail('its transaction has no event of the contract at that place');
      const pad = (hex) => `0x${hex.slice(2).toLowerCase().padStart(64, '0')}`;
      const topics = [appliedTopic, operation.opId, pad(`0x${kinds[operation.kind][0].toString(16)}`), pad(operation.actor)];
      if (log.topics.join().toLowerCase() !== topics.join() || log.data.toLowerCase() !== eventData(operation))
        fail('the ledger holds another operation there');
    },

    /** Operations of these kinds that the ledger holds up to a block, with their decoded payloads; unknown kinds are passed over. */
    async *applied(toBlock) {
      for (let from = 0; from <= toBlock; from += logRange) {
        const to = Math.min(toBlock, from + logRange - 1);
        const range = { fromBlock: `0x${from.toString(16)}`, toBlock: `0x${to.toString(16)}` };
        for (const log of await ask('eth_getLogs', [{ address: operations, topics: [appliedTopic], ...range }])) {
          const kind = kindWithCode(Number(log.topics[2]));
          if (kind === undefined) continue;
          // Data: issuedAt, deadline, offset of the payload, offset of the signatures, then the payload's length and bytes.
          const data = bytesOf(log.data);
          const length = Number(BigInt(hexOf(data.subarray(128, 160))));
          yield {
            opId: log.topics[1],
            kind,
            block: Number(log.blockNumber),
            payload: decodePayload(kind, hexOf(data.subarray(160, 160 + length))),
          };
        }
      }
    },

    /** Whether an account governs the consortium. */
    async governors() {
      const data = bytesOf(await ask('eth_call', [{ to: operations, data: hexOf(keccak(utf8('governors()')).subarray(0, 4)) }, 'latest']));
      return Array.from({ length: data.length / 32 - 2 }, (_, i) => hexOf(data.subarray(64 + 32 * i + 12, 96 + 32 * i)));
    },
  };
}

/** ABI encoding of the event's data: (uint64 issuedAt, uint64 deadline, bytes payload, bytes[] signatures). */
function eventData({ issuedAt, deadline, payload, signatures }) {
  const word = (value) => bytesOf(`0x${BigInt(value).toString(16).padStart(64, '0')}`, 32);
  const dynamic = (hex) => {
    const bytes = bytesOf(hex);
    return concat(word(bytes.length), bytes, new Uint8Array((32 - (bytes.length % 32)) % 32));
  };
  const body = dynamic(payload);
  const parts = signatures.map(dynamic);
  let offset = 32 * parts.length;
  const offsets = parts.map((part) => word((offset += part.length) - part.length));
  return hexOf(concat(word(issuedAt), word(deadline), word(128), word(128 + body.length), body, word(parts.length), ...offsets, ...parts));
}
