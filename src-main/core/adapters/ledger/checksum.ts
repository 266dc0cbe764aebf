/**
 * Addresses as EIP-55 writes them. The same few thousand accounts come again with every operation, and each checksum is a hash: the last ones are kept.
 */
import { getAddress } from 'ethers';

const most = 20_000;
const known = new Map<string, string>();

/**
 * @param address 20 bytes in hex with 0x.
 * @throws Error for anything else, and for mixed case with a wrong checksum.
 */
export function checksummed(address: string): string {
  let found = known.get(address);
  if (found === undefined) {
    if (known.size >= most) known.clear();
    known.set(address, (found = getAddress(address)));
  }
  return found;
}
