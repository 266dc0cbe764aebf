/**
 * Reading blocks: from the disk, else from peers. Each is compared with its CID whenever it is read, because a disk can rot and a file can be
 * changed by someone who has the computer; the size is known before the bytes are.
 */
import type { CID } from 'multiformats/cid';
import { AppError } from '../../../../src-shared/errors.ts';
import { matches } from './cids.ts';
import { patience, type Patience } from './patience.ts';

/** The blockstore that the adapter is given, by multihash: synchronous, and durable. */
export interface DurableBlocks {
  /** Undamaged, as far as is known. */
  has(multihash: Uint8Array): boolean;
  size(multihash: Uint8Array): number | undefined;
  /** As it lies on the disk: not compared with its hash. */
  get(multihash: Uint8Array): Uint8Array | undefined;
  /** All or none, fsynced when it returns. */
  putAll(blocks: readonly { readonly multihash: Uint8Array; readonly bytes: Uint8Array }[]): void;
  delete(multihash: Uint8Array): void;
  /** All or none, overwritten and fsynced when it returns. */
  deleteAll(multihashes: readonly Uint8Array[]): void;
  multihashes(): Iterable<Uint8Array>;
  /** It is not what its hash says: a good copy takes its place when one comes, and until then it is not handed out. */
  noteDamage(multihash: Uint8Array): void;
}

export interface ReadOptions {
  readonly offline?: boolean;
  /** How long nothing may come from any peer. */
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
}

/** Asks the network for a block and stores it, noting what comes; rejects when the wait is over. Undefined while no node is running. */
export type FetchBlock = (cid: CID, wait: Patience) => Promise<Uint8Array>;

/** As bitswap's largest message. */
const maxBlockBytes = 4 * 1024 * 1024;
const defaultTimeoutMs = 15_000;
const defaultTimeoutAloneMs = 2_000;
/** A peer that sent a block once does not always send it again over bitswap; what was damaged is asked for in another way at the same time. */
const damagedTimeoutMs = 3_000;

/**
 * @throws AppError TAMPERED, BLOCK_UNAVAILABLE, FILE_TOO_LARGE, and what the store throws.
 */
export async function readBlock(
  blocks: DurableBlocks,
  network: { readonly fetch: FetchBlock | null; readonly alone: boolean },
  cid: CID,
  options: ReadOptions = {},
): Promise<Uint8Array> {
  const { offline = false, maxBytes = maxBlockBytes } = options;
  const size = blocks.size(cid.multihash.bytes);
  if (size !== undefined) {
    bounded(cid, size, maxBytes);
    const bytes = blocks.get(cid.multihash.bytes);
    if (bytes !== undefined && matches(cid, bytes)) {
      // It was read wrongly before.
      if (!blocks.has(cid.multihash.bytes)) blocks.putAll([{ multihash: cid.multihash.bytes, bytes }]);
      return bytes;
    }
    if (bytes !== undefined) {
      blocks.noteDamage(cid.multihash.bytes);
      // Another workstation may have it as it was; without one, waiting would bring nothing.
      if (offline || network.fetch === null || network.alone) throw damaged(cid);
    }
  }
  if (offline || network.fetch === null) throw unavailable(cid, offline ? 'offline' : 'not-started');
  // Without any peer only a reconnection could bring it: do not keep a person waiting for the whole time.
  const usualMs = options.timeoutMs ?? (network.alone ? defaultTimeoutAloneMs : defaultTimeoutMs);
  const timeoutMs = size === undefined ? usualMs : Math.min(usualMs, damagedTimeoutMs);
  const wait = patience(timeoutMs);
  let bytes: Uint8Array;
  try {
    bytes = await network.fetch(cid, wait);
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (size !== undefined) return repaired(blocks, cid);
    throw unavailable(cid, wait.signal.aborted ? 'timeout' : 'failed', error);
  } finally {
    wait.end();
  }
  bounded(cid, bytes.length, maxBytes);
  if (!matches(cid, bytes)) throw damaged(cid);
  return bytes;
}

/** What was damaged, if a good copy has come by other ways meanwhile. */
function repaired(blocks: DurableBlocks, cid: CID): Uint8Array {
  const bytes = blocks.has(cid.multihash.bytes) ? blocks.get(cid.multihash.bytes) : undefined;
  if (bytes !== undefined && matches(cid, bytes)) return bytes;
  throw damaged(cid);
}

function bounded(cid: CID, size: number, maxBytes: number): void {
  if (size <= maxBytes) return;
  throw new AppError('FILE_TOO_LARGE', `A block has ${size} bytes, where at most ${maxBytes} are expected. It was not read.`, {
    cid: cid.toString(),
    size,
  });
}

function damaged(cid: CID): AppError {
  return new AppError(
    'TAMPERED',
    'A stored block is not what its CID says: it was changed or damaged on this disk. It is not shown. Other workstations may still have the original; check the disk of this one.',
    { cid: cid.toString() },
  );
}

function unavailable(cid: CID, reason: string, cause?: unknown): AppError {
  return new AppError(
    'BLOCK_UNAVAILABLE',
    `The block ${cid.toString()} is not on this workstation, and no peer has delivered it. Nothing is lost. It will be asked for again when peers are reachable.`,
    { cid: cid.toString(), reason },
    { cause },
  );
}
