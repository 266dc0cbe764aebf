/**
 * Reads a commit back: its block, its entries, its contents, each checked on the way (block against CID, header against the signed operation,
 * entries and contents by their AEAD). Used for indexing, for showing one record, and for verification.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type {
  CommitEntry,
  CommitHeader,
  DecodedCommit,
  IpfsPort,
  OperationCodecPort,
  RecordCryptoPort,
  StoredOperation,
} from '../ports.ts';

export interface ReadOptions {
  readonly offline?: boolean;
  readonly timeoutMs?: number;
}

export interface OpenedCommit {
  readonly header: CommitHeader;
  readonly pack: string | null;
  readonly entries: readonly CommitEntry[];
  /** The one of the given keys that opened it. */
  readonly kek: Uint8Array;
}

export interface CommitReader {
  /** The block that an operation anchors. Throws BLOCK_UNAVAILABLE, or TAMPERED where it does not match its anchor. */
  block(operation: StoredOperation, options?: ReadOptions): Promise<DecodedCommit>;
  /**
   * `keks`: what the reader holds for the commit's epoch. That is one key, or several where revocations made apart both began the epoch: then an author
   * may have written under either before the ledger's order was known. Throws TAMPERED where none opens it.
   */
  open(operation: StoredOperation, keks: readonly Uint8Array[], options?: ReadOptions): Promise<OpenedCommit>;
  /** Contents of all entries in order; per entry the plaintext or what is wrong with it. */
  contents(commit: OpenedCommit, options?: ReadOptions): Promise<(Uint8Array | AppError)[]>;
  content(commit: OpenedCommit, entry: CommitEntry, options?: ReadOptions): Promise<Uint8Array>;
}

/** Plaintexts above this are chunked (the limit of what lies in a pack); nothing larger than this many bytes is read at all. */
const maximumContentBytes = 256 * 1024 * 1024;
const packLimit = 64 * 1024;

export function createCommitReader(
  ipfs: IpfsPort,
  crypto: RecordCryptoPort,
  codec: OperationCodecPort,
  network: () => string,
): CommitReader {
  const block = async (operation: StoredOperation, options: ReadOptions = {}): Promise<DecodedCommit> => {
    const decoded = codec.decodePayload(operation.operation);
    if (decoded.kind !== 'Commit') throw new AppError('INTERNAL', 'This operation is no commit.');
    const anchor = decoded.payload;
    const commit = crypto.decodeCommit(await ipfs.get(crypto.cidOfDigest(anchor.commit), { ...options, maxBytes: 2 * 1024 * 1024 }));
    const { header } = commit;
    const mismatch =
      (header.network !== network() && 'network') ||
      (header.patient !== anchor.patient && 'patient') ||
      (header.compartment !== anchor.compartment && 'compartment') ||
      (header.epoch !== anchor.epoch && 'epoch') ||
      (header.author !== operation.operation.actor && 'author');
    if (mismatch) {
      throw new AppError('TAMPERED', `The commit does not match its anchor: its ${mismatch} is not the one that was signed.`, {
        check: 'anchor',
      });
    }
    return commit;
  };

  const content = async (commit: OpenedCommit, entry: CommitEntry, options: ReadOptions = {}): Promise<Uint8Array> => {
    const { pack, file } = entry.location;
    if (file) {
      const ciphertext = await ipfs.readFile(file.cid, { ...options, maxBytes: maximumContentBytes });
      return crypto.decryptContent(commit.header, entry, entry.dek, ciphertext, entry.size > packLimit);
    }
    if (!pack || commit.pack === null)
      throw new AppError('TAMPERED', 'The commit does not say where this record lies.', { check: 'content' });
    const ciphertext = await ipfs.readFile(commit.pack, { ...options, offset: pack.offset, length: pack.length });
    return crypto.decryptContent(commit.header, entry, entry.dek, ciphertext, false);
  };

  const wholePack = async (commit: OpenedCommit, options: ReadOptions): Promise<Uint8Array | null> => {
    if (commit.pack === null) return null;
    try {
      return await ipfs.readFile(commit.pack, { ...options, maxBytes: maximumContentBytes });
    } catch (error) {
      // A pack of which one block is bad: its entries are read one by one, so that only those in that block are refused.
      if (error instanceof AppError && error.code === 'TAMPERED') return null;
      throw error;
    }
  };

  return {
    block,
    async open(operation, keks, options) {
      const commit = await block(operation, options);
      let failure: AppError | null = null;
      for (const kek of keks) {
        try {
          return { header: commit.header, pack: commit.pack, entries: crypto.openEntries(commit, kek), kek };
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          failure = error;
        }
      }
      throw failure ?? new AppError('KEY_MISSING', 'The key for this record is not here.');
    },
    content,
    async contents(commit, options = {}) {
      const whole = await wholePack(commit, options);
      const read = async (entry: CommitEntry): Promise<Uint8Array> => {
        const { pack } = entry.location;
        if (!whole || !pack) return content(commit, entry, options);
        return crypto.decryptContent(commit.header, entry, entry.dek, whole.subarray(pack.offset, pack.offset + pack.length), false);
      };
      const results: (Uint8Array | AppError)[] = [];
      for (const entry of commit.entries) {
        try {
          results.push(await read(entry));
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          results.push(error);
        }
      }
      return results;
    },
  };
}

/** Whether blocks are only away (a peer that has them is not connected), as opposed to wrong. */
export function isUnreachable(error: AppError): boolean {
  return error.code === 'BLOCK_UNAVAILABLE';
}
