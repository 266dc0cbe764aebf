/**
 * Legacy transactions, signed for one chain (EIP-155): every client takes them, with a base fee or without. ethers makes the same ones, and is used for the
 * signature; its RLP encoder takes each byte as a number of its own, which cost a quarter of the time of a full outbox (docs/performance.md).
 */
import { RLP } from '@ethereumjs/rlp';
import { SigningKey, getBytes, hexlify, keccak256 } from 'ethers';

export interface LegacyTransaction {
  readonly chainId: number;
  readonly nonce: number;
  /** Wei. */
  readonly gasPrice: bigint;
  readonly gasLimit: bigint;
  /** Address in hex with 0x. */
  readonly to: string;
  /** Call data in hex with 0x. */
  readonly data: string;
  /** Wei; none unless given. */
  readonly value?: bigint;
}

/** Signs with a secp256k1 key of 32 bytes. `raw` is what eth_sendRawTransaction takes, `hash` the transaction's. */
export function signLegacy(transaction: LegacyTransaction, key: Uint8Array): { hash: string; raw: string } {
  const { chainId, nonce, gasPrice, gasLimit, to, data, value = 0n } = transaction;
  const content = [nonce, gasPrice, gasLimit, getBytes(to), value, Buffer.from(data.slice(2), 'hex')];
  // EIP-155: the chain stands where the signature comes to stand.
  const { yParity, r, s } = new SigningKey(hexlify(key)).sign(keccak256(RLP.encode([...content, chainId, 0, 0])));
  const raw = RLP.encode([...content, chainId * 2 + 35 + yParity, BigInt(r), BigInt(s)]);
  return { hash: keccak256(raw), raw: `0x${Buffer.from(raw).toString('hex')}` };
}
