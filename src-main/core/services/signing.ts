/**
 * Makes signed operations: a unique opId, the claimed time, a deadline, the EIP-712 digest and the signatures. Who has rotated keys signs with the one
 * that counts on the ledger, as it is known here.
 */
import { AppError } from '../../../src-shared/errors.ts';
import { operationKinds, type OperationKind, type OperationPayload, type SignedOperation } from '../../../src-shared/operations.ts';
import type { DecodedOperation, OperationCodecPort, PersonKeys, RecordCryptoPort, WorkstationStorePort } from '../ports.ts';
import { hexOf } from './bytes.ts';
import type { Directory } from './directory.ts';
import type { NetworkService } from './network.ts';

/** How long an operation may wait for a ledger: a workstation that was offline for a season still gets its work anchored. */
const lifetimeSeconds = 180 * 24 * 3600;
/** Operations that are looked at to see what time it must be at least. */
const looksBack = 16;
/** Somebody whose clock was further ahead than this is not believed. */
const longestLeadSeconds = 100 * 365 * 24 * 3600;

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
  /** Which of the actor's keys signs, where that is not the one that counts on the ledger: what follows its rotation in the same save. */
  readonly signer?: string;
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
  store: WorkstationStorePort,
  codec: OperationCodecPort,
  crypto: RecordCryptoPort,
  network: NetworkService,
  directory: Directory,
  clock: () => number,
): Signing {
  /**
   * From when on the lifetime counts. A clock that fell far behind (an empty battery) would make operations that have expired before they are sent,
   * so it is never earlier than what operations before were made with. The claimed time stays the clock's.
   */
  const lifetimeStart = (issuedAt: number): number => {
    const starts = store
      .operations({ order: 'seq', descending: true, limit: looksBack })
      .map(({ operation }) => operation.deadline - lifetimeSeconds)
      .filter((start) => start - issuedAt <= longestLeadSeconds);
    return Math.max(issuedAt, ...starts);
  };

  /** The newest of somebody's keys may have been made elsewhere, and the ledger not have told this workstation: with an older one all would be refused. */
  const isUnheard = (keys: PersonKeys): boolean => {
    const newest = keys.signers.at(-1);
    if (keys.signers.length === 1 || newest === directory.signer(keys.account)) return false;
    return !store.operations({ kinds: ['RotateKeys'], actor: keys.account }).some(({ operation }) => {
      const decoded = codec.decodePayload(operation);
      return decoded.kind === 'RotateKeys' && decoded.payload.signer === newest;
    });
  };

  const sign = (keys: PersonKeys, digest: Uint8Array, given?: string): string => {
    const signer = given ?? directory.signer(keys.account);
    if (given === undefined && isUnheard(keys))
      throw new AppError(
        'KEY_MISSING',
        'This key is newer than what this workstation has heard from the ledger, which would refuse what is signed now. Connect the workstation and try again. Nothing was saved; what you typed is kept.',
      );
    if (keys.signers.includes(signer)) return keys.sign(digest, signer);
    const isStaff = directory.memberships(keys.account).length > 0;
    throw new AppError(
      'KEY_REPLACED',
      isStaff
        ? 'This key was replaced at another workstation and signs nothing any more. Enter the new words under Settings, My key. Nothing was saved; what you typed is kept.'
        : 'This key was replaced by a new one and signs nothing any more. Use the card that was made with the new key. Nothing was saved.',
    );
  };

  return {
    make(kind, payload, label, actor, { cosigners = [], opId = hexOf(crypto.randomBytes(32)), signer } = {}) {
      const issuedAt = Math.floor(clock() / 1000);
      const unsigned = {
        kind: operationKinds[kind].code,
        opId,
        actor: actor.account,
        issuedAt,
        deadline: lifetimeStart(issuedAt) + lifetimeSeconds,
        payload: codec.encodePayload(kind, payload),
      };
      const digest = codec.digest(network.require().config, unsigned);
      const signatures = [sign(actor, digest, signer), ...cosigners.map((keys) => sign(keys, digest))];
      return { operation: { ...unsigned, signatures }, decoded: { kind, payload } as DecodedOperation, label };
    },
  };
}
