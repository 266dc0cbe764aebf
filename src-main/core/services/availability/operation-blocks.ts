/** All blocks that an operation needs: what it names, and for a commit its pack and files, but not contents that lie elsewhere since they were encrypted anew. */
import { AppError } from '../../../../src-shared/errors.ts';
import type {
  DecodedCommit,
  IpfsPort,
  OperationCodecPort,
  OriginalRange,
  RecordCryptoPort,
  StoredOperation,
  WorkstationStorePort,
} from '../../ports.ts';
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
  readonly store: Pick<WorkstationStorePort, 'operations'>;
  readonly ipfs: Pick<IpfsPort, 'get' | 'has' | 'fileBlocks'>;
  readonly crypto: RecordCryptoPort;
  readonly codec: OperationCodecPort;
  readonly reencryptions: () => Pick<Reencryptions, 'of'>;
}): BlockLists {
  const { store, ipfs, crypto, codec } = deps;

  const areMoved = async ({ header, entries }: DecodedCommit, digest: string): Promise<boolean> => {
    const { patient, compartment, originals } = header;
    if (originals.length > 0 && header.author === patient) {
      const [stored] = store.operations({ kinds: ['Commit'], digest, limit: 1 });
      // What it would have moved is encrypted again under the present epoch (content-dropping).
      if (stored?.state === 'rejected' && stored.rejectReason?.startsWith('EpochPassed') === true) return true;
    }
    const list = await deps.reencryptions().of(patient, compartment, { offline: true });
    const at = list.findIndex((one) => one.digest === digest);
    const newer = (at < 0 ? list : list.slice(0, at)).filter(({ operation }) => operation.state === 'final');
    const ranges = newer.flatMap(({ commit }) => commit.header.originals);
    const isCovered = (of: OriginalRange) =>
      Array.from({ length: of.count }, (_, i) => of.first + i).every((i) =>
        ranges.some(({ commit, first, count }) => commit === of.commit && i >= first && i < first + count),
      );
    if (ranges.length === 0) return false;
    const needed = originals.length > 0 ? originals : [{ commit: crypto.cidOfDigest(digest), first: 0, count: entries.length }];
    return needed.every(isCovered);
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
