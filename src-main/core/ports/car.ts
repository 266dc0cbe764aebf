/** Blocks in a file: CAR, version 1 (https://ipld.io/specs/transport/car/carv1/). */
import type { EncodedFileBlock } from './ipfs.ts';

export interface CarPort {
  /** A DAG-CBOR block of plain data and links to other blocks, which lie under its `links`. */
  node(fields: Readonly<Record<string, unknown>>, links: readonly string[]): EncodedFileBlock;
  /** Throws INVALID_INPUT for what is not in that form, canonical, and of at most `maxBytes`. */
  readNode(bytes: Uint8Array, maxBytes: number): { readonly fields: unknown; readonly links: readonly string[] };
  /** What an inner node of a UnixFS file links to; nothing for a leaf. Throws INVALID_INPUT. */
  linksOf(block: EncodedFileBlock): string[];
  /** The file's bytes, made while they are read. */
  write(root: string, blocks: AsyncIterable<EncodedFileBlock>): AsyncIterable<Uint8Array>;
  /**
   * Reads a file as it comes; nothing is held but one block. Blocks are compared with their CIDs.
   *
   * `root` throws INVALID_INPUT for what is no such file with one root; `blocks` INVALID_INPUT with `details.ending`: 'cut-off' where the file ends within a
   * block, 'damaged' for anything else that is not a block, larger than `maxBlockBytes` or not what its CID names.
   */
  read(
    source: AsyncIterable<Uint8Array>,
    maxBlockBytes: number,
  ): { readonly root: () => Promise<string>; readonly blocks: () => AsyncIterable<EncodedFileBlock> };
}
