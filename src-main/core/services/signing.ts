/**
 * Makes signed operations: a unique opId, the claimed time, a deadline, the EIP-712 digest and the signatures. Who has rotated keys signs with the one
 * that counts on the ledger, as it is known here.
 */
import { AppError } from '../../../src-shared/errors.ts';
import { operationKinds, type OperationKind, type OperationPayload, type SignedOperation } from '../../../src-shared/operations.ts';
import type { DecodedOperation, OperationCodecPort, PersonKeys, RecordCryptoPort } from '../ports.ts';
import { hexOf } from './bytes.ts';
import type { Directory } from './directory.ts';
import type { NetworkService } from './network.ts';

/** How long an operation may wait for a ledger: a workstation that was offline for a season still gets its work anchored. */
const lifetimeSeconds = 180 * 24 * 3600;

export interface PreparedOperation {
  readonly operation: SignedOperation;
  readonly decoded: DecodedOperation;
  readonly label: string;
}

export interface SigningOptions {
  /** Sign the same digest after the actor. */
  readonly cosigners?: readonly PersonKeys[];
  /** Random unless given. A commit's digest, unique as it is, saves the ledger a second note of it. */
  readonly opId?: string;
}

export interface Signing {
  /** Signed by the actor, then by each co-signer over the same digest. Throws KEY_REPLACED where the actor's key no longer counts. */
  make<K extends OperationKind>(
    kind: K,
    payload: OperationPayload<K>,
    label: string,
    actor: PersonKeys,
    options?: SigningOptions,
  ): PreparedOperation;
}

export function createSigning(
  codec: OperationCodecPort,
  crypto: RecordCryptoPort,
  network: NetworkService,
  directory: Directory,
  clock: () => number,
): Signing {
  const sign = (keys: PersonKeys, digest: Uint8Array): string => {
    const signer = directory.signer(keys.account);
    if (keys.signers.includes(signer)) return keys.sign(digest, signer);
    throw new AppError(
      'KEY_REPLACED',
      'This key was replaced at another workstation and signs nothing any more. Enter the new words under Settings, My key. Nothing was saved; what you typed is kept.',
    );
  };
  return {
    make(kind, payload, label, actor, { cosigners = [], opId = hexOf(crypto.randomBytes(32)) } = {}) {
      const issuedAt = Math.floor(clock() / 1000);
      const unsigned = {
        kind: operationKinds[kind].code,
        opId,
        actor: actor.account,
        issuedAt,
        deadline: issuedAt + lifetimeSeconds,
        payload: codec.encodePayload(kind, payload),
      };
      const digest = codec.digest(network.require().config, unsigned);
      const signatures = [actor, ...cosigners].map((keys) => sign(keys, digest));
      return { operation: { ...unsigned, signatures }, decoded: { kind, payload } as DecodedOperation, label };
    },
  };
}
