/**
 * CAR files, version 1, for what is carried by hand. The library reads what it is given to any length; here each length is bounded before anything is
 * read, and each block compared with its CID.
 */
import { createHash } from 'node:crypto';
import { CarWriter } from '@ipld/car';
import { asyncIterableReader, createDecoder } from '@ipld/car/decoder';
import * as dagCbor from '@ipld/dag-cbor';
import { CID } from 'multiformats/cid';
import * as multihash from 'multiformats/hashes/digest';
import { AppError } from '../../../../src-shared/errors.ts';
import type { CarPort, EncodedFileBlock } from '../../ports.ts';
import { codecs, isAccepted, matches, parseCid } from './cids.ts';
import { linksOf } from './dag-pb-links.ts';

const sha2256 = 0x12;
/** One root. */
const maxHeaderBytes = 128;
/** Length and CID before a block. */
const cidBytes = 36;

export function createCar(): CarPort {
  return {
    node(fields, links) {
      const bytes = Uint8Array.from(dagCbor.encode({ ...fields, links: links.map(parseCid) }));
      const hash = createHash('sha256').update(bytes).digest();
      return { cid: CID.createV1(dagCbor.code, multihash.create(sha2256, hash)).toString(), bytes };
    },

    readNode(bytes, maxBytes) {
      if (bytes.length > maxBytes) throw malformed('size');
      let value: unknown;
      try {
        value = dagCbor.decode(bytes);
        if (Buffer.compare(dagCbor.encode(value), bytes) !== 0) throw malformed('canonical form');
      } catch (error) {
        throw error instanceof AppError ? error : malformed('encoding', error);
      }
      if (typeof value !== 'object' || value === null || !('links' in value) || !Array.isArray(value.links)) throw malformed('links');
      const { links, ...fields } = value as { links: unknown[] };
      return {
        fields,
        links: links.map((link) => {
          const cid = CID.asCID(link);
          if (cid === null || !isAccepted(cid)) throw malformed('links');
          return cid.toString();
        }),
      };
    },

    linksOf({ cid, bytes }) {
      const { code } = parseCid(cid);
      if (code === codecs.raw) return [];
      const links = code === codecs.dagPb ? linksOf(bytes) : null;
      if (!links?.every(isAccepted)) throw malformed('links');
      return links.map(String);
    },

    write,

    read(source, maxBlockBytes) {
      const reader = asyncIterableReader(source);
      let limit = maxHeaderBytes;
      const bounded: typeof reader = {
        upTo: (length) => reader.upTo(length),
        exactly(length, seek) {
          if (!Number.isSafeInteger(length) || length < 0 || length > limit) throw malformed('size');
          return reader.exactly(length, seek);
        },
        seek: (length) => reader.seek(length),
        get pos() {
          return reader.pos;
        },
      };
      let decoder: ReturnType<typeof createDecoder> | null = null;
      const header = async () => {
        decoder ??= createDecoder(bounded);
        const { version, roots } = await decoder.header();
        limit = maxBlockBytes + cidBytes;
        const [root] = roots;
        if (version !== 1 || roots.length !== 1 || root === undefined || !isAccepted(root)) throw malformed('header');
        return { decoder, root: root.toString() };
      };
      return {
        async root() {
          try {
            return (await header()).root;
          } catch (error) {
            // What the library says of it is for programmers; whose source failed says so itself.
            throw error instanceof AppError ? error : malformed('header', error);
          }
        },
        async *blocks() {
          const blocks = (await header()).decoder.blocks()[Symbol.asyncIterator]();
          for (;;) {
            const next = await blocks.next().catch((error: unknown) => {
              throw error instanceof AppError ? error : ended(error);
            });
            if (next.done === true) return;
            const { cid, bytes } = next.value;
            // The library gives pieces of a larger buffer, which would stay in memory as long as one of them does.
            if (!isAccepted(cid) || !matches(cid, bytes)) throw broken('damaged');
            yield { cid: cid.toString(), bytes: Uint8Array.from(bytes) };
          }
        },
      };
    },
  };
}

async function* write(root: string, blocks: AsyncIterable<EncodedFileBlock>): AsyncGenerator<Uint8Array> {
  const { writer, out } = CarWriter.create([parseCid(root)]);
  const fill = async (): Promise<void> => {
    try {
      for await (const { cid, bytes } of blocks) await writer.put({ cid: parseCid(cid), bytes });
    } finally {
      await writer.close();
    }
  };
  const filled = fill().then(
    () => null,
    (error: unknown) => ({ error }),
  );
  yield* out;
  const failure = await filled;
  if (failure) throw failure.error;
}

/** The library tells the two apart by its text only. */
function ended(error: unknown): AppError {
  return broken(error instanceof Error && error.message === 'Unexpected end of data' ? 'cut-off' : 'damaged', error);
}

function broken(ending: 'cut-off' | 'damaged', cause?: unknown): AppError {
  return new AppError('INVALID_INPUT', 'The file cannot be read to its end. What was read before is kept.', { ending }, { cause });
}

function malformed(what: string, cause?: unknown): AppError {
  return new AppError(
    'INVALID_INPUT',
    'This is not a file that a workstation wrote to be carried, or it is damaged. Nothing was taken in from here on.',
    { ending: 'damaged', what },
    { cause },
  );
}
