/**
 * Blocks: canonical DAG-CBOR, content identifiers and digests. The only file that knows DAG-CBOR and multiformats (card.ts uses its
 * base32). Decoding encodes again and compares: one value has one form, so a digest on the ledger stands for one meaning.
 */
import * as dagCbor from '@ipld/dag-cbor';
import { CID } from 'multiformats/cid';
import * as multihash from 'multiformats/hashes/digest';
import type { EncodedBlock } from '../../ports.ts';
import { equalBytes, fromHex, toHex } from './bytes.ts';
import { invalid, type Refuse } from './failures.ts';
import { sha256 } from './hashing.ts';

/** The largest block that is made or read: what Bitswap implementations exchange without splitting. */
export const maxBlockBytes = 2 * 1024 * 1024;

const sha2256 = 0x12;

/** Encodes plain data (maps, lists, strings, safe integers, bytes, CIDs, booleans, null). Throws INVALID_INPUT for anything else. */
export function encodeCbor(value: unknown): Uint8Array {
  try {
    return dagCbor.encode(value);
  } catch (cause) {
    throw invalid('This value cannot be written as DAG-CBOR: plain maps, lists, strings, integers and bytes only.', cause);
  }
}

/** Decodes canonical DAG-CBOR of at most `limit` bytes. Maps have no prototype. Throws what `refuse` makes. */
export function decodeCbor(bytes: Uint8Array, limit: number, refuse: Refuse): unknown {
  if (bytes.length > limit) throw refuse('size');
  let value: unknown;
  let again: Uint8Array;
  try {
    value = dagCbor.decode(bytes);
    again = dagCbor.encode(value);
  } catch (cause) {
    throw refuse('encoding', cause);
  }
  if (!equalBytes(again, bytes)) throw refuse('canonical form');
  return value;
}

/** A block with its CID (v1, dag-cbor, sha2-256) and digest. Throws INVALID_INPUT over `limit` bytes. */
export function encodeBlock(value: unknown, limit = maxBlockBytes): EncodedBlock {
  const bytes = encodeCbor(value);
  if (bytes.length > limit) throw invalid(`This block would be larger than ${limit} bytes. Split it.`);
  const hash = sha256(bytes);
  return { bytes, cid: cidOfHash(hash), digest: toHex(hash) };
}

function cidOfHash(hash: Uint8Array): string {
  return CID.createV1(dagCbor.code, multihash.create(sha2256, hash)).toString();
}

/** CID of a DAG-CBOR block whose sha2-256 (bytes32 hex) is known. Throws INVALID_INPUT. */
export function cidOfDigest(digest: string): string {
  const hash = fromHex(digest, 32);
  if (hash === null) throw invalid('A digest is 32 bytes in hexadecimal.');
  return cidOfHash(hash);
}

/** sha2-256 in a DAG-CBOR block's CID, bytes32 hex. Throws INVALID_INPUT for another codec or hash. */
export function digestOfCid(cid: string): string {
  const parsed = parseCid(cid, () => invalid('This is not the CID (version 1, dag-cbor, sha2-256) of a block.'));
  if (parsed.code !== dagCbor.code) throw invalid('This CID does not name a DAG-CBOR block.');
  return toHex(parsed.multihash.digest);
}

/** A CIDv1 with sha2-256 in its base32 spelling. */
export function parseCid(text: unknown, refuse: Refuse): CID {
  if (typeof text !== 'string' || text.length > 100) throw refuse('CID');
  let cid: CID;
  try {
    cid = CID.parse(text);
  } catch (cause) {
    throw refuse('CID', cause);
  }
  if (cid.toString() !== text) throw refuse('CID');
  return checkCid(cid, refuse);
}

/** A decoded link that must be a CIDv1 with sha2-256; `codec` where only one will do. */
export function checkCid(value: unknown, refuse: Refuse, codec?: 'dag-cbor'): CID {
  const cid = CID.asCID(value);
  if (cid === null || cid.version !== 1 || cid.multihash.code !== sha2256 || cid.multihash.digest.length !== 32) throw refuse('CID');
  if (codec === 'dag-cbor' && cid.code !== dagCbor.code) throw refuse('CID');
  return cid;
}
