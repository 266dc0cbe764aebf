/** The durable blocks as Helia wants a blockstore: what bitswap brings goes in here, and what peers ask for comes out. */
import { BaseBlockstore } from 'blockstore-core/base';
import type { InputPair, Pair } from 'interface-blockstore';
import { CID } from 'multiformats/cid';
import { decode as decodeMultihash } from 'multiformats/hashes/digest';
import { AppError } from '../../../../src-shared/errors.ts';
import type { DurableBlocks } from './blocks.ts';
import { codecs } from './cids.ts';

/** Largest block that is collected from a stream: bitswap's message limit. */
const maxBlockBytes = 4 * 1024 * 1024;

/** By this name bitswap passes over a block. After any other failure it sends a peer nothing more of what it asked for together with that block. */
class NotFoundError extends Error {
  override readonly name = 'NotFoundError';
}

export class HeliaBlockstore extends BaseBlockstore {
  readonly #blocks: DurableBlocks;

  constructor(blocks: DurableBlocks) {
    super();
    this.#blocks = blocks;
  }

  /** As {@link get}: what cannot be read is not here. */
  override has(cid: CID): boolean {
    try {
      return this.#blocks.has(cid.multihash.bytes);
    } catch {
      return false;
    }
  }

  override async put(cid: CID, value: InputPair['bytes']): Promise<CID> {
    this.#blocks.putAll([{ multihash: cid.multihash.bytes, bytes: await collect(value) }]);
    return cid;
  }

  /** @throws NotFoundError where it is not here or cannot be read. */
  override *get(cid: CID): Generator<Uint8Array> {
    yield this.#read(cid);
  }

  #read(cid: CID): Uint8Array {
    let cause: unknown;
    try {
      // What is damaged is asked for elsewhere, and not handed out.
      const bytes = this.#blocks.has(cid.multihash.bytes) ? this.#blocks.get(cid.multihash.bytes) : undefined;
      if (bytes !== undefined) return bytes;
    } catch (error) {
      cause = error;
    }
    throw new NotFoundError(`The block ${cid.toString()} is not on this workstation.`, { cause });
  }

  override delete(cid: CID): void {
    this.#blocks.delete(cid.multihash.bytes);
  }

  /** CIDs have the raw codec: that of a block is not kept. */
  override *getAll(): Generator<Pair> {
    for (const multihash of this.#blocks.multihashes()) {
      const cid = CID.createV1(codecs.raw, decodeMultihash(multihash));
      yield { cid, bytes: this.get(cid) };
    }
  }
}

async function collect(value: InputPair['bytes']): Promise<Uint8Array> {
  if (value instanceof Uint8Array) return value;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of value) {
    length += chunk.length;
    if (length > maxBlockBytes) {
      throw new AppError('INVALID_INPUT', 'A block is larger than 4 MiB, which peers would not take. Nothing was saved.');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
