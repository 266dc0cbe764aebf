/**
 * Fetches the blocks that the clinic's operations name, so that every workstation of the clinic (and its hub) holds them: right after an operation
 * came, and again when peers come, until all are here. What is fetched is ciphertext; nobody need be logged in.
 */
import { AppError } from '../../../../src-shared/errors.ts';
import type { DecodedCommit, IpfsPort, OperationCodecPort, RecordCryptoPort, StoredOperation, WorkstationStorePort } from '../../ports.ts';
import { isWrong } from '../content-errors.ts';
import { digestsIn } from './blocks-of.ts';

export interface BlockFetcher {
  /** After operations came, or peers. */
  wake(): void;
  /** Called with the ids of operations whose blocks are all here now. */
  onComplete(listener: (opIds: readonly string[]) => void): void;
  stop(): Promise<void>;
}

const parallel = 6;
const page = 200;
const timeoutMs = 6_000;
/** Until the next attempt; it grows while nothing comes, as for what is nowhere any more. */
const firstRetryMs = 5_000;
const longestRetryMs = 5 * 60_000;
/** Where a connected workstation said that it has it: a line that was too slow may be good again. */
const longestRetryOfferedMs = 15_000;
/** Of a file at once; it is walked through, not kept. */
const windowBytes = 4 * 1024 * 1024;
const maxBlockBytes = 2 * 1024 * 1024;

export function createBlockFetcher(deps: {
  readonly store: WorkstationStorePort;
  readonly ipfs: Pick<IpfsPort, 'get' | 'readFile' | 'peers'>;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  /** Its contents lie elsewhere since they were encrypted anew: nobody need have them where they were. */
  readonly areMoved: (commit: DecodedCommit, digest: string) => Promise<boolean>;
  /** Whether somebody who is connected said that they hold all of it. */
  readonly isOffered: (opId: string) => boolean;
  readonly report: (error: unknown) => void;
}): BlockFetcher {
  const { store, ipfs, crypto, codec } = deps;
  const listeners: ((opIds: readonly string[]) => void)[] = [];
  let running: Promise<void> | null = null;
  let again = false;
  let stopped = false;
  let timer: NodeJS.Timeout | null = null;
  let retryMs = firstRetryMs;
  /** What did not come in this round, though somebody has it. */
  let offered = false;

  const walk = async (cid: string, length: number): Promise<void> => {
    for (let offset = 0; offset < length && !stopped; offset += windowBytes) {
      await ipfs.readFile(cid, { offset, length: Math.min(windowBytes, length - offset), timeoutMs });
    }
  };

  const fetchCommit = async (bytes: Uint8Array, digest: string): Promise<void> => {
    const commit = crypto.decodeCommit(bytes);
    if (await deps.areMoved(commit, digest)) return;
    const packLength = Math.max(0, ...commit.entries.map(({ location: { pack } }) => (pack ? pack.offset + pack.length : 0)));
    if (commit.pack !== null) await walk(commit.pack, packLength);
    for (const { location } of commit.entries) if (location.file) await walk(location.file.cid, location.file.length);
  };

  /** Whether all of it is here now. */
  const fetchAll = async (stored: StoredOperation): Promise<boolean> => {
    const decoded = codec.decodePayload(stored.operation);
    try {
      for (const digest of digestsIn(decoded)) {
        const bytes = await ipfs.get(crypto.cidOfDigest(digest), { timeoutMs, maxBytes: maxBlockBytes });
        if (decoded.kind === 'Commit') await fetchCommit(bytes, digest);
      }
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (error.code === 'BLOCK_UNAVAILABLE') return false;
      // Too large, not what it says it is, or not a commit: no peer will have a better one under this digest. Reading it says so to whoever looks.
      if (!isWrong(error)) throw error;
    }
    return !stopped;
  };

  const round = async (): Promise<boolean> => {
    let complete = true;
    let after = 0;
    while (!stopped) {
      const waiting = store.awaitingBlocks(page, after);
      if (waiting.length === 0) break;
      after = waiting.at(-1)?.seq ?? after;
      const queue = [...waiting];
      const work = async () => {
        for (let next = queue.shift(); next !== undefined && !stopped; next = queue.shift()) {
          if (!(await fetchAll(next))) {
            complete = false;
            offered ||= deps.isOffered(next.operation.opId);
            continue;
          }
          store.noteBlocks(next.operation.opId);
          retryMs = firstRetryMs;
          for (const listener of listeners) listener([next.operation.opId]);
        }
      };
      await Promise.all(Array.from({ length: parallel }, work));
      if (again) break;
    }
    return complete;
  };

  const run = async (): Promise<void> => {
    let complete = false;
    try {
      do {
        again = false;
        offered = false;
        complete = await round();
      } while (again && !stopped);
    } catch (error) {
      deps.report(error);
    } finally {
      running = null;
    }
    if (!complete && !stopped && ipfs.peers().length > 0) {
      retryMs = Math.min(retryMs, offered ? longestRetryOfferedMs : longestRetryMs);
      timer ??= setTimeout(() => {
        timer = null;
        wake();
      }, retryMs);
      timer.unref();
      retryMs *= 2;
    }
  };

  const wake = () => {
    if (stopped) return;
    if (running) again = true;
    else if (store.awaitingBlocks(1, 0).length > 0) running = run();
  };

  return {
    wake,
    onComplete: (listener) => void listeners.push(listener),
    async stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
      await running;
    },
  };
}
