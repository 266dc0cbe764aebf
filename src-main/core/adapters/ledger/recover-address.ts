/**
 * Who signed a digest (SEC 1, section 4.1.6; Ethereum yellow paper, appendix F). It imports packages only: worker threads run it from source as well.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';

/** Half of secp256k1's group order: a larger s is the malleable twin of a signature (EIP-2). */
const halfOrder = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n;
const signaturePattern = /^0x[0-9a-fA-F]{130}$/;

/**
 * @param digest 32 bytes.
 * @param signature `r || s || v` in hex with 0x, v 27 or 28. The compact form (EIP-2098) would be a second encoding of the same signature.
 * @returns 20 bytes in lower-case hex with 0x; null for what is nobody's signature.
 */
export function recoverAddress(digest: Uint8Array, signature: string): string | null {
  if (digest.length !== 32 || !signaturePattern.test(signature)) return null;
  const v = Number.parseInt(signature.slice(130), 16);
  if ((v !== 27 && v !== 28) || BigInt(`0x${signature.slice(66, 130)}`) > halfOrder) return null;
  const recovered = new Uint8Array(65);
  recovered[0] = v - 27;
  recovered.set(hexToBytes(signature.slice(2, 130)), 1);
  try {
    const point = secp256k1.Signature.fromBytes(recovered, 'recovered').recoverPublicKey(digest);
    return `0x${bytesToHex(keccak_256(point.toBytes(false).subarray(1)).subarray(12))}`;
  } catch {
    // r or s is zero or above the order, or r is no point's abscissa.
    return null;
  }
}
