/** UnixFS files: laid out into blocks without storing them, and read back in part or whole. CIDv1, raw leaves, 256 KiB chunks. */
import type { UnixFS } from '@helia/unixfs';
import type { CID } from 'multiformats/cid';
import { AppError } from '../../../../src-shared/errors.ts';
import type { EncodedFileBlock } from '../../ports.ts';
import { codecs, parseCid } from './cids.ts';
import { linksOf } from './dag-pb-links.ts';

/** A record is read from within a pack: small chunks keep what has to be fetched and hashed for it small. */
const chunkSize = 256 * 1024;
const defaultMaxBytes = 256 * 1024 * 1024;
/** Blocks looked at per file beyond what its size asks for: a DAG without content must not keep the reader busy for ever. */
const spareBlocks = 256;

type ReadBlock = (cid: CID) => Promise<Uint8Array>;

/** Loads UnixFS over this way of reading; writing goes nowhere. Lazily, because the import costs start-up time. */
async function unixfsOver(get: ReadBlock, put: (cid: CID, bytes: Uint8Array) => void): Promise<UnixFS> {
  const { unixfs } = await import('@helia/unixfs');
  return unixfs({
    blockstore: {
      async *get(cid: CID) {
        yield await get(cid);
      },
      put(cid: CID, bytes) {
        if (!(bytes instanceof Uint8Array)) throw new TypeError('A UnixFS block is bytes');
        put(cid, bytes);
        return cid;
      },
      has: () => false,
    },
  });
}

/** Cuts bytes, which are in memory as one piece, into chunks of `chunkSize` without copying them; an empty file is one empty chunk. */
async function* chunks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const bytes of source) {
    for (let start = 0; start === 0 || start < bytes.length; start += chunkSize) yield bytes.subarray(start, start + chunkSize);
  }
}

/** A file's blocks, leaves first, and its root CID. */
export async function layOutFile(bytes: Uint8Array): Promise<{ cid: string; blocks: EncodedFileBlock[] }> {
  const blocks = new Map<string, EncodedFileBlock>();
  const fs = await unixfsOver(
    (cid) => Promise.reject(new TypeError(`Nothing is read while a file is laid out, yet ${cid.toString()} was asked for`)),
    (cid, block) => blocks.set(cid.toString(), { cid: cid.toString(), bytes: block }),
  );
  const cid = await fs.addBytes(bytes, { cidVersion: 1, rawLeaves: true, reduceSingleLeafToSelf: true, chunker: chunks });
  return { cid: cid.toString(), blocks: [...blocks.values()] };
}

/** Pieces of any length as pieces of exactly `chunkSize`, the last one shorter; no bytes are one empty piece. */
async function* rechunked(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array[] = [];
  let length = 0;
  let given = false;
  for await (const bytes of source) {
    pending.push(bytes);
    length += bytes.length;
    if (length < chunkSize) continue;
    const whole = Buffer.concat(pending);
    let at = 0;
    for (; whole.length - at >= chunkSize; at += chunkSize) yield new Uint8Array(whole.subarray(at, at + chunkSize));
    given = true;
    pending = [whole.subarray(at)];
    length = whole.length - at;
  }
  if (length > 0 || !given) yield new Uint8Array(Buffer.concat(pending));
}

/** Blocks that are handed on together: the memory that laying out a stream takes, about. */
const blocksTogether = 16;

/** The file that {@link layOutFile} makes of the same bytes; its blocks are handed on as they are made. */
export async function layOutStream(
  source: AsyncIterable<Uint8Array>,
  take: (blocks: readonly EncodedFileBlock[]) => void,
): Promise<string> {
  let ready: EncodedFileBlock[] = [];
  const hand = (): void => {
    if (ready.length > 0) take(ready);
    ready = [];
  };
  const fs = await unixfsOver(
    (cid) => Promise.reject(new TypeError(`Nothing is read while a file is laid out, yet ${cid.toString()} was asked for`)),
    (cid, bytes) => {
      ready.push({ cid: cid.toString(), bytes });
      if (ready.length >= blocksTogether) hand();
    },
  );
  const cid = await fs.addByteStream(source, { cidVersion: 1, rawLeaves: true, reduceSingleLeafToSelf: true, chunker: rechunked });
  hand();
  return cid.toString();
}

/** A tree of this depth, each node with a thousand links, is far beyond any file that is read. */
const maxDepth = 4;
const maxFileBlocks = 100_000;

/** CIDs of a file's blocks, the root first. Reads inner nodes only. @throws AppError TAMPERED for what is no file, and what reading throws. */
export async function fileBlocks(read: ReadBlock, root: CID): Promise<string[]> {
  const found = new Set<string>();
  const walk = async (cid: CID, depth: number): Promise<void> => {
    found.add(cid.toString());
    if (cid.code === codecs.raw) return;
    if (cid.code !== codecs.dagPb || depth === 0 || found.size > maxFileBlocks) throw contradictory(root);
    const links = linksOf(await read(cid));
    if (links === null) throw contradictory(root);
    for (const link of links) await walk(parseCid(link.toString()), depth - 1);
  };
  await walk(root, maxDepth);
  return [...found];
}

/**
 * Bytes [offset, offset + length) of a file.
 * @throws AppError FILE_TOO_LARGE before reading, where more than `maxBytes` (default 256 MiB) would be read; INVALID_INPUT for a range outside
 *   the file; TAMPERED where the file's structure contradicts itself; and what reading a block throws.
 */
export async function readFileRange(
  read: ReadBlock,
  cid: CID,
  options: { readonly offset?: number; readonly length?: number; readonly maxBytes?: number },
): Promise<Uint8Array> {
  const { offset = 0, maxBytes = defaultMaxBytes } = options;
  let budget = spareBlocks;
  const fs = await unixfsOver(
    (block) => {
      if (budget-- <= 0) throw contradictory(cid);
      return read(block);
    },
    () => {
      throw new TypeError('Nothing is written while a file is read');
    },
  );
  const size = await sizeOf(fs, read, cid);
  const length = options.length ?? size - offset;
  if (![offset, length].every(Number.isSafeInteger) || offset < 0 || length < 0 || offset + length > size) {
    throw new AppError('INVALID_INPUT', `The file has ${size} bytes; what was asked for lies outside.`, { cid: cid.toString(), size });
  }
  if (length > maxBytes) {
    throw new AppError('FILE_TOO_LARGE', `The file has ${length} bytes, where at most ${maxBytes} can be read. It was not read.`, {
      cid: cid.toString(),
      size: length,
    });
  }
  budget += Math.ceil(length / 1024);
  return collect(fs, cid, offset, length);
}

async function collect(fs: UnixFS, cid: CID, offset: number, length: number): Promise<Uint8Array> {
  if (length === 0) return new Uint8Array();
  const bytes = new Uint8Array(length);
  let filled = 0;
  try {
    for await (const chunk of fs.cat(cid, { offset, length })) {
      if (filled + chunk.length > length) throw contradictory(cid);
      bytes.set(chunk, filled);
      filled += chunk.length;
    }
  } catch (error) {
    throw error instanceof AppError ? error : contradictory(cid, error);
  }
  if (filled !== length) throw contradictory(cid);
  return bytes;
}

async function sizeOf(fs: UnixFS, read: ReadBlock, cid: CID): Promise<number> {
  // A single chunk is a raw block, and its size the file's.
  if (cid.code === codecs.raw) return (await read(cid)).length;
  try {
    const { type, size } = await fs.stat(cid);
    if (type !== 'directory' && size <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(size);
  } catch (error) {
    throw error instanceof AppError ? error : contradictory(cid, error);
  }
  throw contradictory(cid);
}

function contradictory(cid: CID, cause?: unknown): AppError {
  return new AppError(
    'TAMPERED',
    'A stored file is not what it says it is: its parts do not fit together. It is not shown.',
    { cid: cid.toString() },
    { cause },
  );
}
