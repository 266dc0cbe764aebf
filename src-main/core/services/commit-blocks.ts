/** The block that a Commit operation anchors: read, decoded, and compared with what was signed. What all reading of records begins with. */
import { AppError } from '../../../src-shared/errors.ts';
import type { DecodedCommit, IpfsPort, OperationCodecPort, RecordCryptoPort, StoredOperation } from '../ports.ts';
import type { NetworkService } from './network.ts';

export interface ReadOptions {
  readonly offline?: boolean;
  readonly timeoutMs?: number;
}

export interface CommitBlocks {
  /** Throws BLOCK_UNAVAILABLE, or TAMPERED where it does not match its anchor. */
  read(operation: StoredOperation, options?: ReadOptions): Promise<DecodedCommit>;
}

export function createCommitBlocks(
  ipfs: IpfsPort,
  crypto: RecordCryptoPort,
  codec: OperationCodecPort,
  network: Pick<NetworkService, 'ofPatient'>,
): CommitBlocks {
  return {
    async read(operation, options = {}) {
      const decoded = codec.decodePayload(operation.operation);
      if (decoded.kind !== 'Commit') throw new AppError('INTERNAL', 'This operation is no commit.');
      const anchor = decoded.payload;
      const commit = crypto.decodeCommit(await ipfs.get(crypto.cidOfDigest(anchor.commit), { ...options, maxBytes: 2 * 1024 * 1024 }));
      const { header } = commit;
      const mismatch =
        (header.network !== network.ofPatient(anchor.patient) && 'network') ||
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
    },
  };
}
