/** All blocks that an operation needs: what it names, and for a commit its pack and files, but not contents that lie elsewhere since they were encrypted anew. */
import { AppError } from '../../../../src-shared/errors.ts';
import type { DecodedCommit, IpfsPort, OperationCodecPort, RecordCryptoPort, StoredOperation } from '../../ports.ts';
import { digestsIn } from '../peers/blocks-of.ts';
import type { Reencryptions } from '../reencryptions.ts';

export interface OperationBlocks {
  readonly cids: readonly string[];
  /** False where a block that says what else there is lies not here. */
  readonly complete: boolean;
  /** Record versions in it; 0 for what is no commit, and for contents of earlier commits, which are no further records. */
  readonly records: number;
}

export interface BlockLists {
  /** By what lies here; asks nobody. */
  of(stored: StoredOperation): Promise<OperationBlocks>;
  /** Its contents lie, all of them, in commits of the patient that are final (ADR 11): they are not needed where they were. */
  areMoved(commit: DecodedCommit, digest: string): Promise<boolean>;
}

/** A commit block is no larger (adapters/crypto/commit.ts). */
const maxCommitBytes = 2 * 1024 * 1024;

/** Packs and files of a commit. */
export function contentsOf({ pack, entries }: DecodedCommit): string[] {
  return [...new Set([...(pack === null ? [] : [pack]), ...entries.flatMap(({ location }) => location.file?.cid ?? [])])];
}

export function createBlockLists(deps: {
  readonly ipfs: Pick<IpfsPort, 'get' | 'has' | 'fileBlocks'>;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly reencryptions: () => Pick<Reencryptions, 'movesOf'>;
}): BlockLists {
  const { ipfs, crypto, codec } = deps;

  const areMoved = async ({ header, entries }: DecodedCommit, digest: string): Promise<boolean> => {
    if (header.originals.length > 0) return false;
    const moves = await deps.reencryptions().movesOf(header.patient, header.compartment, digest, { offline: true });
    const final = moves.filter(({ by }) => by.operation.state === 'final');
    return entries.length > 0 && entries.every((_, i) => final.some(({ first, count }) => i >= first && i < first + count));
  };

  /** 'away' where it is not here, or damaged. What is as it should be and makes no sense will not make more elsewhere: it names nothing else. */
  const here = async <T>(read: () => Promise<T>): Promise<T | 'away' | 'senseless'> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const { cid } = error.details;
      return error.code === 'BLOCK_UNAVAILABLE' || (typeof cid === 'string' && !ipfs.has(cid)) ? 'away' : 'senseless';
    }
  };

  return {
    areMoved,
    async of({ operation }) {
      const decoded = codec.decodePayload(operation);
      const cids = new Set(digestsIn(decoded).map((digest) => crypto.cidOfDigest(digest)));
      if (decoded.kind !== 'Commit') return { cids: [...cids], complete: true, records: 0 };
      const cid = crypto.cidOfDigest(decoded.payload.commit);
      const commit = await here(async () => crypto.decodeCommit(await ipfs.get(cid, { offline: true, maxBytes: maxCommitBytes })));
      if (typeof commit === 'string') return { cids: [...cids], complete: commit === 'senseless', records: 0 };
      let complete = true;
      if (!(await areMoved(commit, decoded.payload.commit))) {
        for (const file of contentsOf(commit)) {
          const blocks = await here(() => ipfs.fileBlocks(file, { offline: true }));
          complete &&= blocks !== 'away';
          for (const block of [file, ...(typeof blocks === 'string' ? [] : blocks)]) cids.add(block);
        }
      }
      return { cids: [...cids], complete, records: commit.header.originals.length > 0 ? 0 : commit.entries.length };
    },
  };
}
