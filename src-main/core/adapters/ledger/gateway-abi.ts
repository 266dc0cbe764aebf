/** The gateway contract `Operations` as ethers reads it: batches in, events out, and the custom errors by which operations are refused. */
import { Interface } from 'ethers';
import type { SignedOperation } from '../../../../src-shared/operations.ts';
import type { LedgerEvent } from '../../ports.ts';
import { checksummed } from './checksum.ts';
import { moduleInitCodes, operationsAbi } from './generated/contracts.ts';
import type { Log } from './rpc-values.ts';

const maxReasonLength = 300;
/** One byte, and an address, as words. */
const kindTopic = /^0x0{62}[0-9a-f]{2}$/;
const addressTopic = /^0x0{24}[0-9a-f]{40}$/;

export const gateway = new Interface(operationsAbi);

const appliedTopic = topicOf('OperationApplied');
const rejectedTopic = topicOf('OperationRejected');
const takenTopic = topicOf('PredecessorOperationTaken');
/** Topics of the events that are followed, for eth_getLogs. */
export const followedTopics: readonly string[] = [appliedTopic, rejectedTopic, takenTopic];

/** Call data that asks for each module's address; zero until it is installed. */
export const moduleCalls: readonly string[] = moduleInitCodes.map((_code, index) => gateway.encodeFunctionData('module', [index]));

function topicOf(name: string): string {
  const event = gateway.getEvent(name);
  if (event === null) throw new Error(`The contracts were built without the event ${name}`);
  return event.topicHash;
}

/** Call data of `submit`, or of `submitFrom` for operations that were signed in a predecessor network. */
export function encodeSubmit(operations: readonly SignedOperation[], predecessor: string | null = null): string {
  return predecessor === null
    ? gateway.encodeFunctionData('submit', [operations])
    : gateway.encodeFunctionData('submitFrom', [predecessor, operations]);
}

/** What the log says where it is the one before an operation that was signed in a predecessor network; else null. */
export function decodeTaken({ topics: [topic, opId, domain] }: Log): { opId: string; domain: string } | null {
  return topic === takenTopic && opId !== undefined && domain !== undefined ? { opId, domain } : null;
}

/** "EpochPassed(3)"; the bytes themselves where no contract here has the error. */
export function describeReason(reason: string): string {
  const error = reason.length >= 10 ? parseError(reason) : null;
  const text = error === null ? `Unknown(${reason})` : `${error.name}(${error.args.map(String).join(', ')})`;
  return text.slice(0, maxReasonLength);
}

function parseError(reason: string): { name: string; args: readonly unknown[] } | null {
  try {
    const error = gateway.parseError(reason);
    return error && { name: error.name, args: [...error.args] as unknown[] };
  } catch {
    // Arguments cut at the gateway's limit: the caller shows the bytes instead.
    return null;
  }
}

/**
 * A log as an event; null for a log that is neither of the two. An applied operation with a number that a JavaScript number does not
 * hold exactly has no `operation`: it cannot be checked here, and the follower leaves it out.
 *
 * Throws for data that is not the event's ABI encoding.
 */
export function decodeLog(log: Log): LedgerEvent | null {
  const place = { block: log.blockNumber, blockHash: log.blockHash, logIndex: log.logIndex, txHash: log.transactionHash };
  const opId = log.topics[1];
  if (opId === undefined) return null;
  if (log.topics[0] === rejectedTopic) {
    const [, reason] = gateway.decodeEventLog('OperationRejected', log.data, log.topics) as unknown as [string, string];
    return { type: 'rejected', opId, reason: describeReason(reason), ...place };
  }
  if (log.topics[0] !== appliedTopic) return null;
  const [, , kind = '', actor = ''] = log.topics;
  if (!kindTopic.test(kind) || !addressTopic.test(actor)) throw new RangeError('The topics are not those of an operation');
  const { issuedAt, deadline, payload, signatures } = unpacked(onlyBytes(Buffer.from(log.data.slice(2), 'hex')));
  if (issuedAt > Number.MAX_SAFE_INTEGER || deadline > Number.MAX_SAFE_INTEGER) return { type: 'applied', opId, ...place };
  const who = { kind: Number(kind), opId, actor: checksummed(`0x${actor.slice(26)}`) };
  const header = { ...who, issuedAt: Number(issuedAt), deadline: Number(deadline) };
  return { type: 'applied', opId, operation: { ...header, payload, signatures }, ...place };
}

/**
 * The one argument of type `bytes` in ABI-encoded data (Solidity ABI specification, "Formal Specification of the Encoding"): where it begins, its length,
 * itself, and zeros up to a whole word. By hand, because a catch-up decodes a hundred thousand. Throws RangeError for anything else.
 */
function onlyBytes(data: Buffer): Buffer {
  const length = data.length < 64 ? NaN : data.readUInt32BE(60);
  const isHead = data.length >= 64 && data.subarray(0, 60).every((byte, i) => byte === (i === 31 ? 32 : 0));
  if (!isHead || data.length !== 64 + 32 * Math.ceil(length / 32) || data.subarray(64 + length).some((byte) => byte !== 0))
    throw new RangeError('The data is not one argument of type bytes');
  return data.subarray(64, 64 + length);
}

/**
 * The event's content as contracts/src/AppliedLog.sol writes it: issuedAt (8 bytes), deadline (8), number of payload words (1), payload, and each
 * signature behind its length (2). Throws RangeError for anything else.
 */
function unpacked(content: Buffer): { issuedAt: bigint; deadline: bigint; payload: string; signatures: string[] } {
  const issuedAt = content.readBigUInt64BE(0);
  const deadline = content.readBigUInt64BE(8);
  const payloadEnd = 17 + 32 * content.readUInt8(16);
  const slice = (from: number, to: number) => {
    if (to > content.length) throw new RangeError('The event ends within a part of the operation');
    return `0x${content.subarray(from, to).toString('hex')}`;
  };
  const payload = slice(17, payloadEnd);
  const signatures: string[] = [];
  for (let at = payloadEnd; at < content.length;) {
    const end = at + 2 + content.readUInt16BE(at);
    signatures.push(slice(at + 2, end));
    at = end;
  }
  return { issuedAt, deadline, payload, signatures };
}
