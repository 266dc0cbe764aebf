/**
 * Whether a re-encryption is what it says: signed by the patient, of commits of the same patient and compartment, each entry the original's, each
 * content the one whose digest its author signed. Only then may the old contents go.
 */
import { AppError } from '../../../src-shared/errors.ts';
import type { CommitEntry, DecodedCommit, OperationCodecPort, RecordCryptoPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import type { ReadOptions } from './commit-blocks.ts';
import { commitDigest } from './records.ts';
import type { MovedRange, Reencryptions } from './reencryptions.ts';
import { isSameRecord, notTheOriginal, packLimit, type CommitReader, type KeysOf, type OpenedCommit } from './commit-reader.ts';

export interface ReencryptionCheck {
  /**
   * Reads all of it and returns the number of records. Contents that were encrypted anew again since are gone, and are not read. Throws TAMPERED
   * where it is not what it says; BLOCK_UNAVAILABLE, KEY_MISSING where that cannot be told now.
   */
  check(operation: StoredOperation, keysOf: KeysOf, options?: ReadOptions): Promise<number>;
  /** What the last check since the start said; null where there was none, or it could not be told. */
  verdict(digest: string): 'holds' | 'wrong' | null;
}

export function createReencryptionCheck(deps: {
  readonly store: WorkstationStorePort;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly reader: CommitReader;
  readonly reencryptions: Pick<Reencryptions, 'movesOf'>;
}): ReencryptionCheck {
  const { store, crypto, codec, reader, reencryptions } = deps;
  const verdicts = new Map<string, 'holds' | 'wrong'>();

  /** The commit that a range names, of the same patient and compartment. */
  const originalOf = (header: DecodedCommit['header'], cid: string): StoredOperation => {
    const digest = crypto.digestOfCid(cid);
    const original = store.operations({ kinds: ['Commit'], digest }).find((operation) => {
      const decoded = codec.decodePayload(operation.operation);
      return decoded.kind === 'Commit' && decoded.payload.patient === header.patient && decoded.payload.compartment === header.compartment;
    });
    if (original) return original;
    throw notTheOriginal(`It says that it holds the contents of the commit ${cid}, which is none of this part of the record.`);
  };

  const checkRange = async (
    opened: OpenedCommit,
    original: StoredOperation,
    entries: readonly CommitEntry[],
    first: number,
    read: ReturnType<CommitReader['ciphertexts']>,
    newer: readonly MovedRange[],
    keysOf: KeysOf,
    options: ReadOptions,
  ): Promise<void> => {
    const { header, entries: signed } = await reader.open(original, keysOf, options);
    if (header.originals.length > 0) throw notTheOriginal();
    for (const [i, entry] of entries.entries()) {
      const author = signed[first + i];
      if (!author || !isSameRecord(entry, author)) throw notTheOriginal();
      if (newer.some((range) => first + i >= range.first && first + i < range.first + range.count)) continue;
      const ciphertext = await read({ header: opened.header, pack: opened.pack, entry, hereOnly: false });
      compare(opened.header, author, entry.dek, ciphertext);
    }
  };

  const compare = (header: DecodedCommit['header'], author: CommitEntry, dek: Uint8Array, ciphertext: Uint8Array): void => {
    try {
      crypto.decryptContent(header, author, dek, ciphertext, author.size > packLimit).fill(0);
    } catch (error) {
      throw error instanceof AppError ? notTheOriginal() : error;
    }
  };

  const check = async (operation: StoredOperation, keysOf: KeysOf, options: ReadOptions): Promise<number> => {
    const opened = await reader.open(operation, keysOf, options);
    const { header, entries } = opened;
    if (operation.operation.actor !== header.patient)
      throw notTheOriginal('It holds contents of others encrypted anew, which only the patient may do.');
    const read = reader.ciphertexts(opened, options);
    let at = 0;
    const own = commitDigest(operation.operation.payload);
    for (const { commit, first, count } of header.originals) {
      const original = originalOf(header, commit);
      const moves = await reencryptions.movesOf(header.patient, header.compartment, commitDigest(original.operation.payload), options);
      // The newest come first; where this one is not among them (the ledger refused it), none is newer.
      const newer = moves.slice(
        0,
        Math.max(
          0,
          moves.findIndex(({ by }) => by.digest === own),
        ),
      );
      await checkRange(opened, original, entries.slice(at, at + count), first, read, newer, keysOf, options);
      at += count;
    }
    return entries.length;
  };

  return {
    async check(operation, keysOf, options = {}) {
      const digest = commitDigest(operation.operation.payload);
      verdicts.delete(digest);
      try {
        const records = await check(operation, keysOf, options);
        verdicts.set(digest, 'holds');
        return records;
      } catch (error) {
        // Rot on this disk is told as well, and another workstation can mend it; that is no fault of the patient's commit.
        if (error instanceof AppError && error.details['reason'] === 'not-the-original') verdicts.set(digest, 'wrong');
        throw error;
      }
    },
    verdict: (digest) => verdicts.get(digest) ?? null,
  };
}
