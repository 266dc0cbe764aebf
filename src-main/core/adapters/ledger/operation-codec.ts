/**
 * Bytes of signed operations: payloads (ABI words) and EIP-712 digests.
 *
 * Every field is a static ABI type of one word, so a payload is encoded and read here word by word: one exact length, no dirty
 * upper bits, no second form of the same values. The contracts are as strict, so what this accepts is what they accept.
 */
import { concat, getBytes, hashMessage, id, keccak256 } from 'ethers';
import { AppError } from '../../../../src-shared/errors.ts';
import { encodeType, kindOf, operationKinds } from '../../../../src-shared/operations.ts';
import type { OperationField, OperationKind, OperationPayload, SignedOperation } from '../../../../src-shared/operations.ts';
import type { DecodedOperation, NetworkConfig, OperationCodecPort } from '../../ports.ts';
import { checksummed } from './checksum.ts';
import { recoverAddress } from './recover-address.ts';
import { createSigners } from './signers.ts';

/** EIP-712 "Definition of domainSeparator". */
const domainTypeHash = id('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)');
const domainNameHash = id('Anamnesis');
const domainVersionHash = id('1');

const integerBits = { uint8: 8, uint32: 32, uint64: 53 } as const;
const bytes32Pattern = /^0x[0-9a-f]{64}$/;
const addressPattern = /^0x[0-9a-fA-F]{40}$/;

const typeHashes = new Map<OperationKind, string>();

function typeHash(kind: OperationKind): string {
  let hash = typeHashes.get(kind);
  if (hash === undefined) typeHashes.set(kind, (hash = id(encodeType(kind))));
  return hash;
}

function malformed(what: string): AppError {
  return new AppError('INVALID_INPUT', `This operation is not well formed (${what}). Nothing was changed.`);
}

function addressWord(name: string, value: unknown): string {
  if (typeof value !== 'string' || !addressPattern.test(value)) throw malformed(`${name} is not an account`);
  try {
    // Refuses a mixed-case address with a wrong EIP-55 checksum: most likely a typing error.
    return checksummed(value).slice(2).toLowerCase().padStart(64, '0');
  } catch {
    throw malformed(`${name} is not an account`);
  }
}

function integerWord(name: string, value: unknown, type: keyof typeof integerBits): string {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value >= 2 ** integerBits[type]) {
    throw malformed(`${name} is not a ${type}`);
  }
  return value.toString(16).padStart(64, '0');
}

function bytes32Word(name: string, value: unknown): string {
  if (typeof value !== 'string' || !bytes32Pattern.test(value)) throw malformed(`${name} is not 32 bytes of lower-case hex`);
  return value.slice(2);
}

function encodeWord({ name, type }: OperationField, value: unknown): string {
  if (type === 'address') return addressWord(name, value);
  if (type === 'bytes32') return bytes32Word(name, value);
  return integerWord(name, value, type);
}

function decodeWord({ name, type }: OperationField, word: string): string | number {
  if (type === 'bytes32') return `0x${word}`;
  if (type === 'address') {
    if (!word.startsWith('0'.repeat(24))) throw malformed(`${name} is not an account`);
    return checksummed(`0x${word.slice(24)}`);
  }
  const value = BigInt(`0x${word}`);
  // Times beyond 2^53 seconds cannot be kept exactly as numbers, and no clinic's clock shows them.
  if (value >= 2n ** BigInt(integerBits[type])) throw malformed(`${name} is out of range`);
  return Number(value);
}

function fieldsOf(code: number): { kind: OperationKind; fields: readonly OperationField[] } {
  const kind = kindOf(code);
  if (kind === undefined) throw malformed(`kind ${String(code)} is unknown`);
  return { kind, fields: operationKinds[kind].fields };
}

function payloadHex(payload: unknown, fields: readonly OperationField[]): string {
  if (typeof payload !== 'string' || payload.length !== 2 + 64 * fields.length || !/^0x[0-9a-fA-F]*$/.test(payload)) {
    throw malformed('its payload has the wrong length');
  }
  return payload.slice(2).toLowerCase();
}

function domainSeparator(config: NetworkConfig): string {
  const words = [
    domainTypeHash.slice(2),
    domainNameHash.slice(2),
    domainVersionHash.slice(2),
    BigInt(config.chainId).toString(16).padStart(64, '0'),
    addressWord('operations', config.operations),
  ];
  return keccak256(`0x${words.join('')}`);
}

/**
 * The codec of signed operations. Keeps type hashes, the last domain separators, and threads for a while after many signatures.
 *
 * Throws INVALID_INPUT for an unknown kind, a value out of its type's range, or a payload of the wrong length.
 */
export function createOperationCodec(): OperationCodecPort {
  const separators = new Map<string, string>();
  const signers = createSigners();

  function network(config: NetworkConfig): string {
    const key = `${config.chainId}/${config.operations}`;
    let separator = separators.get(key);
    if (separator === undefined) {
      if (separators.size >= 16) separators.clear();
      separators.set(key, (separator = domainSeparator(config)));
    }
    return separator;
  }

  return {
    network,

    encodePayload<K extends OperationKind>(kind: K, payload: OperationPayload<K>): string {
      const values = payload as Readonly<Record<string, unknown>>;
      return `0x${operationKinds[kind].fields.map((field) => encodeWord(field, values[field.name])).join('')}`;
    },

    decodePayload({ kind: code, payload }): DecodedOperation {
      const { kind, fields } = fieldsOf(code);
      const hex = payloadHex(payload, fields);
      const values = fields.map((field, i) => [field.name, decodeWord(field, hex.slice(64 * i, 64 * i + 64))]);
      return { kind, payload: Object.fromEntries(values) } as DecodedOperation;
    },

    digest(domain: NetworkConfig | string, operation: Omit<SignedOperation, 'signatures'>): Uint8Array {
      const { kind, fields } = fieldsOf(operation.kind);
      // EIP-712 hashStruct: the type hash, then the header's words, then the kind's own, which are the payload as it stands.
      const struct = [
        typeHash(kind).slice(2),
        bytes32Word('opId', operation.opId),
        addressWord('actor', operation.actor),
        integerWord('issuedAt', operation.issuedAt, 'uint64'),
        integerWord('deadline', operation.deadline, 'uint64'),
        payloadHex(operation.payload, fields),
      ];
      return getBytes(
        keccak256(concat(['0x1901', typeof domain === 'string' ? domain : network(domain), keccak256(`0x${struct.join('')}`)])),
      );
    },

    checksummed: (account) => checksummed(`0x${addressWord('account', account).slice(24)}`),

    messageDigest: (text: string) => getBytes(hashMessage(text)),

    recover(digest: Uint8Array, signature: string): string | null {
      const address = recoverAddress(digest, signature);
      return address === null ? null : checksummed(address);
    },

    async recoverAll(signatures) {
      return (await signers.recoverAll(signatures)).map((address) => (address === null ? null : checksummed(address)));
    },
  };
}
