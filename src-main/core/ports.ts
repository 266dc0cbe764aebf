/**
 * What the services need of the outside: cryptography, ledger, IPFS, store. Services import this file and src-shared only; each
 * adapter implements a part of it and is the only importer of its library. `core.ts` puts them together.
 *
 * Conventions: accounts are EIP-55 checksummed addresses; bytes32 values 0x-prefixed lower-case hex; CIDs base32 strings (CIDv1);
 * times on operations are seconds since 1970, all others milliseconds; bytes are Uint8Array.
 */
export type * from './ports/availability.ts';
export type * from './ports/car.ts';
export type * from './ports/crypto.ts';
export type * from './ports/freeing.ts';
export type * from './ports/ipfs.ts';
export type * from './ports/keychain.ts';
export type * from './ports/ledger.ts';
export type * from './ports/pinning.ts';
export type * from './ports/shares.ts';
export type * from './ports/store.ts';
