/**
 * Whether an event may be believed. The endpoint is not: it could make events up. What it cannot make up is an actor's signature, so each
 * applied operation is checked for that here, and counted where it does not hold. A signature counts where it is by the key that its account had at
 * that place in the ledger's order: one by a key that was replaced before does not. And what somebody decided for a patient counts where the patient's
 * appointment says so (right-check.ts).
 */
import { AppError } from '../../../../src-shared/errors.ts';
import { operationKinds } from '../../../../src-shared/operations.ts';
import type { OperationKind, SignedOperation } from '../../../../src-shared/operations.ts';
import type { DecodedOperation, LedgerEvent, NetworkConfig, OperationCodecPort, WorkstationStorePort } from '../../ports.ts';
import { createRightCheck } from './right-check.ts';

/** Recovering a signer takes about a millisecond; between so many the event loop gets its turn. */
const checksPerTurn = 8;

/** Kinds of the operations whose state changed; empty where only the status did. */
export type OperationChange = ReadonlySet<OperationKind>;
export const statusOnly: OperationChange = new Set();
export const allKinds: OperationChange = new Set(Object.keys(operationKinds) as OperationKind[]);

export interface CheckedEvents {
  readonly believed: { event: LedgerEvent; decoded?: DecodedOperation }[];
  readonly forged: number;
  readonly kinds: OperationChange;
}

interface Check {
  readonly store: WorkstationStorePort;
  readonly codec: OperationCodecPort;
  readonly network: NetworkConfig;
  /** Transactions that were sent while the chain changed under them. */
  readonly doubtful: ReadonlySet<string>;
  /** Seconds; null where the ledger has no such block. */
  readonly blockTime: (number: number) => Promise<number | null>;
  /** Ends the work early; what is returned then is incomplete. */
  readonly stopping: () => boolean;
}

function sameContent(a: SignedOperation, b: SignedOperation): boolean {
  return a.kind === b.kind && a.actor === b.actor && a.issuedAt === b.issuedAt && a.deadline === b.deadline && a.payload === b.payload;
}

function sameSignatures(a: SignedOperation, b: SignedOperation): boolean {
  return a.signatures.length === b.signatures.length && a.signatures.every((signature, i) => signature === b.signatures[i]);
}

/** Who signs for which account (in lower case), where it is not the account itself. */
type Signers = Map<string, string>;

/** As of the last block that was followed. */
function knownSigners({ store, codec }: Check): Signers {
  const signers: Signers = new Map();
  for (const stored of store.operations({ kinds: ['RotateKeys'], states: ['mined', 'final'] })) note(signers, stored.operation, codec);
  return signers;
}

function note(signers: Signers, operation: SignedOperation, codec: OperationCodecPort): void {
  const decoded = codec.decodePayload(operation);
  if (decoded.kind === 'RotateKeys') signers.set(operation.actor.toLowerCase(), decoded.payload.signer);
}

/** The decoded operation, or null where its content or signatures do not hold. */
function verify(
  { store, codec, network }: Check,
  signers: Signers,
  opId: string,
  operation: SignedOperation | undefined,
): DecodedOperation | null {
  if (operation === undefined || operation.opId !== opId) return null;
  let decoded: DecodedOperation;
  try {
    decoded = codec.decodePayload(operation);
  } catch (error) {
    if (error instanceof AppError && error.code === 'INVALID_INPUT') return null;
    throw error;
  }
  const known = store.operation(opId);
  if (known !== undefined) {
    const same = sameContent(known.operation, operation);
    // Someone used the id of an operation made here for another one: what was made here must not be overwritten by it.
    if (!same && known.origin === 'here') return null;
    // Nothing gets into the store without this check, or being signed here; but a rotation may have come in between.
    if (same && sameSignatures(known.operation, operation) && !signers.has(operation.actor.toLowerCase())) return decoded;
  }
  const digest = codec.digest(network, operation);
  const signerOf = (account: string) => signers.get(account.toLowerCase()) ?? account;
  const [actorSignature = '', secondSignature = ''] = operation.signatures;
  if (codec.recover(digest, actorSignature) !== signerOf(operation.actor)) return null;
  // A registration binds the patient's keys: it counts only with the patient's own signature. So does a rotation bind the new key.
  const second =
    decoded.kind === 'RegisterPatient' ? signerOf(decoded.payload.patient) : decoded.kind === 'RotateKeys' ? decoded.payload.signer : null;
  if (second !== null && codec.recover(digest, secondSignature) !== second) return null;
  return decoded;
}

/**
 * "OpIdUsed" of an operation that is anchored says only that another relayer was faster, and the store leaves an anchored operation as it is.
 * Of one that is not, it says that someone used its id for something else: it can never be anchored under it, and is refused for good.
 */
function asRejection(event: LedgerEvent): LedgerEvent {
  return event.reason?.startsWith('OpIdUsed(') === true ? { ...event, reason: event.reason.replace('OpIdUsed', 'OpIdTaken') } : event;
}

/**
 * Checks the events of a range. Rejections are believed only where they come from a transaction of this workstation: anyone can cause a
 * rejection of any id by relaying a forgery of it. Nor are they where the transaction was under way when the chain changed: it may have
 * come before what it depends on, and is sent again after it.
 */
export async function checkEvents(check: Check, events: readonly LedgerEvent[]): Promise<CheckedEvents> {
  const believed: CheckedEvents['believed'] = [];
  const kinds = new Set<OperationKind>();
  let forged = 0;
  const signers = knownSigners(check);
  const rights = createRightCheck(check.store, check.codec, check.blockTime);
  const ownHashes = new Set(check.store.openTransactions().flatMap(({ hash }) => (check.doubtful.has(hash) ? [] : [hash])));
  for (const [i, event] of events.entries()) {
    if (check.stopping()) break;
    if (i % checksPerTurn === checksPerTurn - 1) await new Promise((resolve) => setImmediate(resolve));
    if (event.type === 'rejected') {
      // Says something about a deployment that is not finished, nothing about the operation.
      if (event.reason?.startsWith('ModulesMissing(') === true) continue;
      const known = ownHashes.has(event.txHash) ? check.store.operation(event.opId) : undefined;
      if (known === undefined) continue;
      believed.push({ event: asRejection(event) });
      kinds.add(known.kind);
      continue;
    }
    const decoded = verify(check, signers, event.opId, event.operation);
    const right = decoded && event.operation ? await rights.judge(event.operation, decoded, event.block) : null;
    if (decoded === null || event.operation === undefined || right === null) {
      forged += 1;
      continue;
    }
    if (decoded.kind === 'RotateKeys') note(signers, event.operation, check.codec);
    believed.push({ event: { ...event, ...right }, decoded });
    kinds.add(decoded.kind);
  }
  return { believed, forged, kinds };
}
