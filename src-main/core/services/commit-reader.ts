/**
 * Reads a commit back: its block, its entries, its contents, each checked on the way (block against CID, header against the signed operation,
 * entries and contents by their AEAD, contents by the digest that the author signed). Contents that the patient had encrypted anew are read where they
 * lie now. Used for indexing, for showing one record, and for verification.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { CommitEntry, CommitHeader, IpfsPort, RecordCryptoPort, StoredOperation } from '../ports.ts';
import type { CommitBlocks, ReadOptions } from './commit-blocks.ts';
import { isOfContent } from './content-errors.ts';
import { createPackWindow, type Span } from './pack-window.ts';
import { commitDigest } from './records.ts';
import type { MovedRange, Reencryptions } from './reencryptions.ts';

/** The keys that a reader holds of a compartment's epoch; none where it is not shared with them. */
export type KeysOf = (compartment: string, epoch: number) => readonly Uint8Array[] | Promise<readonly Uint8Array[]>;

/** Entries that lie elsewhere; no keys where the reader has none for the epoch that they lie in. */
interface Place extends MovedRange {
  /** The entries of the range; throws what is wrong with them. */
  readonly entries: () => readonly CommitEntry[];
}

export interface OpenedCommit {
  readonly header: CommitHeader;
  readonly pack: string | null;
  readonly entries: readonly CommitEntry[];
  /** The one of the reader's keys that opened it. */
  readonly kek: Uint8Array;
  /** Where its contents lie since they were encrypted anew, the newest first. */
  readonly places: readonly Place[];
}

/** Where one content can be read: an entry's key and location, in this commit or in one that it was encrypted anew into. */
export interface ContentSource {
  readonly header: CommitHeader;
  readonly pack: string | null;
  readonly entry: CommitEntry;
  /** What was encrypted anew is not fetched in its old form any more; where it still lies here, it serves. */
  readonly hereOnly: boolean;
}

export interface CommitReader extends Pick<CommitBlocks, 'read'> {
  /** Throws KEY_MISSING, TAMPERED where none of the keys opens it, and as `read` does. */
  open(operation: StoredOperation, keysOf: KeysOf, options?: ReadOptions): Promise<OpenedCommit>;
  /** Contents of all entries in order; per entry the plaintext or what is wrong with it. Throws where this computer cannot read (a disk that fails). */
  contents(commit: OpenedCommit, options?: ReadOptions): Promise<(Uint8Array | AppError)[]>;
  content(commit: OpenedCommit, entry: CommitEntry, options?: ReadOptions): Promise<Uint8Array>;
  /** Where the content of an entry lies, the newest place first; those that cannot be opened are left out. */
  sources(commit: OpenedCommit, index: number): ContentSource[];
  /** Reads the ciphertexts of a commit's contents, best in the order of its entries. */
  ciphertexts(commit: OpenedCommit, options?: ReadOptions): (source: ContentSource) => Promise<Uint8Array>;
}

/** Plaintexts above this are chunked (the limit of what lies in a pack); nothing larger than this many bytes is read at all. */
const maximumContentBytes = 256 * 1024 * 1024;
export const packLimit = 64 * 1024;

export function createCommitReader(
  ipfs: IpfsPort,
  crypto: RecordCryptoPort,
  blocks: CommitBlocks,
  reencryptions: Pick<Reencryptions, 'movesOf'>,
): CommitReader {
  const placesOf = async (operation: StoredOperation, header: CommitHeader, keysOf: KeysOf, options: ReadOptions): Promise<Place[]> => {
    if (header.originals.length > 0) return [];
    const digest = commitDigest(operation.operation.payload);
    const moves = await reencryptions.movesOf(header.patient, header.compartment, digest, options);
    const places: Place[] = [];
    for (const move of moves) {
      const keks = await keysOf(header.compartment, move.by.commit.header.epoch);
      let opened: readonly CommitEntry[] | undefined;
      places.push({ ...move, entries: () => (opened ??= openRange(move, keks)) });
    }
    return places;
  };

  const openRange = ({ by, at, count }: MovedRange, keks: readonly Uint8Array[]): CommitEntry[] => {
    let failure: unknown = missingKey();
    for (const kek of keks) {
      try {
        return crypto.openSomeEntries(by.commit, kek, at, count);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  };

  /** Whatever is wrong with a place is kept in `failures`: an older one may serve. */
  const sources = (commit: OpenedCommit, index: number, failures: AppError[] = []): ContentSource[] => {
    const own = commit.entries[index];
    if (!own) throw new AppError('INTERNAL', 'The commit has no such entry.');
    const found: ContentSource[] = [];
    const places = commit.places.filter(({ first, count }) => index >= first && index < first + count);
    for (const { entries, first, by } of places) {
      try {
        const entry = entries()[index - first];
        if (!entry || !isSameRecord(entry, own)) throw notTheOriginal();
        found.push({ header: by.commit.header, pack: by.commit.pack, entry, hereOnly: false });
      } catch (error) {
        if (!isOfContent(error)) throw error;
        failures.push(error);
      }
    }
    return [...found, { header: commit.header, pack: commit.pack, entry: own, hereOnly: places.length > 0 }];
  };

  const ciphertexts = (spansOf: (pack: string) => readonly Span[], options: ReadOptions) => {
    const windows = new Map<string, ReturnType<typeof createPackWindow>>();
    return (source: ContentSource): Promise<Uint8Array> => {
      const offline = source.hereOnly || options.offline === true;
      const { pack, file } = source.entry.location;
      if (file) return ipfs.readFile(file.cid, { ...options, offline, maxBytes: maximumContentBytes });
      const cid = source.pack;
      if (!pack || cid === null) return Promise.reject(noPlace());
      const window =
        windows.get(cid) ??
        createPackWindow(spansOf(cid), (offset, length) =>
          ipfs.readFile(cid, { ...options, offline, offset, length, maxBytes: maximumContentBytes }),
        );
      windows.set(cid, window);
      return window(pack);
    };
  };

  const readEntry = async (
    commit: OpenedCommit,
    index: number,
    read: (source: ContentSource) => Promise<Uint8Array>,
  ): Promise<Uint8Array> => {
    const failures: AppError[] = [];
    for (const source of sources(commit, index, failures)) {
      try {
        const ciphertext = await read(source);
        return crypto.decryptContent(source.header, source.entry, source.entry.dek, ciphertext, source.entry.size > packLimit);
      } catch (error) {
        if (!isOfContent(error)) throw error;
        failures.push(error);
      }
    }
    throw failures[0] ?? noPlace();
  };

  const spansIn = (commit: OpenedCommit) => (pack: string) => {
    if (pack === commit.pack) return commit.entries.flatMap(({ location }) => location.pack ?? []);
    return commit.places
      .filter(({ by }) => by.commit.pack === pack)
      .flatMap(({ by, at, count }) => by.commit.entries.slice(at, at + count).flatMap(({ location }) => location.pack ?? []));
  };

  return {
    read: (operation, options) => blocks.read(operation, options),
    async open(operation, keysOf, options = {}) {
      const commit = await blocks.read(operation, options);
      const { header, pack } = commit;
      let failure = missingKey();
      for (const kek of await keysOf(header.compartment, header.epoch)) {
        try {
          const entries = crypto.openEntries(commit, kek);
          return { header, pack, entries, kek, places: await placesOf(operation, header, keysOf, options) };
        } catch (error) {
          if (!isOfContent(error)) throw error;
          failure = error;
        }
      }
      throw failure;
    },
    content: (commit, entry, options = {}) => {
      const alone = (): readonly Span[] => [];
      return readEntry(commit, commit.entries.indexOf(entry), ciphertexts(alone, options));
    },
    async contents(commit, options = {}) {
      const read = ciphertexts(spansIn(commit), options);
      const results: (Uint8Array | AppError)[] = [];
      for (const index of commit.entries.keys()) {
        try {
          results.push(await readEntry(commit, index, read));
        } catch (error) {
          if (!isOfContent(error)) throw error;
          results.push(error);
        }
      }
      return results;
    },
    sources: (commit, index) => sources(commit, index),
    ciphertexts: (commit, options = {}) => ciphertexts(spansIn(commit), options),
  };
}

/** Whether this is the same record version with the same content, by what their entries say. */
export function isSameRecord(a: CommitEntry, b: CommitEntry): boolean {
  const told = ({ recordId, versionId, previous, resourceType, size, contentDigest }: CommitEntry) =>
    JSON.stringify([recordId, versionId, previous, resourceType, size, contentDigest]);
  return told(a) === told(b);
}

export function notTheOriginal(
  text = 'What was encrypted anew is another record, or another text, than its author signed. It is not shown.',
): AppError {
  return new AppError('TAMPERED', text, { check: 'content', reason: 'not-the-original' });
}

const noPlace = () => new AppError('TAMPERED', 'The commit does not say where this record lies.', { check: 'content' });
const missingKey = () =>
  new AppError('KEY_MISSING', 'The key of this record is not shared with you; it may have been encrypted anew since your access ended.');
