/**
 * What of a commit can be freed (its pack and files, never its own block), and the proof that somebody holds all of it: a digest over its bytes that nobody
 * can have made before the question, nor for another computer.
 */
import type { IpfsPort, OperationCodecPort, RecordCryptoPort, WorkstationStorePort } from '../../ports.ts';
import { AppError } from '../../../../src-shared/errors.ts';
import { bytesOf, utf8 } from '../bytes.ts';
import { digestsIn } from '../peers/blocks-of.ts';
import type { BlockLists } from './operation-blocks.ts';

export interface ContentProofs {
  /** CIDs of what stays whatever is freed: the commit's own block. */
  keptOf(opId: string): string[];
  /** CIDs of a commit's pack and files, in order, as far as they are known here. */
  contentsOf(opId: string): Promise<{ readonly cids: readonly string[]; readonly complete: boolean }>;
  /** By what lies here, each block compared with its hash; null where some of it does not, or there is nothing to hold. */
  of(opId: string, nonce: Uint8Array, prover: string): Promise<Uint8Array | null>;
}

export function createContentProofs(deps: {
  readonly store: Pick<WorkstationStorePort, 'operation'>;
  readonly lists: Pick<BlockLists, 'of'>;
  readonly ipfs: Pick<IpfsPort, 'get'>;
  readonly crypto: Pick<RecordCryptoPort, 'cidOfDigest' | 'sha256'>;
  readonly codec: Pick<OperationCodecPort, 'decodePayload'>;
}): ContentProofs {
  const { store, ipfs, crypto, codec } = deps;

  const keptOf = (opId: string): string[] => {
    const stored = store.operation(opId);
    return stored ? digestsIn(codec.decodePayload(stored.operation)).map((digest) => crypto.cidOfDigest(digest)) : [];
  };

  const contentsOf: ContentProofs['contentsOf'] = async (opId) => {
    const stored = store.operation(opId);
    if (!stored || stored.kind !== 'Commit') return { cids: [], complete: false };
    const { cids, complete } = await deps.lists.of(stored);
    const kept = new Set(keptOf(opId));
    return { cids: cids.filter((cid) => !kept.has(cid)).sort(), complete };
  };

  return {
    keptOf,
    contentsOf,
    async of(opId, nonce, prover) {
      const { cids, complete } = await contentsOf(opId);
      if (!complete || cids.length === 0) return null;
      let digest = crypto.sha256(Buffer.concat([utf8('anamnesis/holds/1\n'), nonce, bytesOf(opId), utf8(prover)]));
      for (const cid of cids) {
        try {
          digest = crypto.sha256(Buffer.concat([digest, await ipfs.get(cid, { offline: true })]));
        } catch (error) {
          // Missing, or damaged.
          if (error instanceof AppError && ['BLOCK_UNAVAILABLE', 'TAMPERED'].includes(error.code)) return null;
          throw error;
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
      return digest;
    },
  };
}
