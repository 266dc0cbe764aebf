/**
 * Whether an event may be believed. The endpoint is not: it could make events up. What it cannot make up is an actor's signature, so each
 * applied operation is checked for that here, and counted where it does not hold. A signature counts where it is by the key that its account had at
 * that place in the ledger's order: one by a key that was replaced before does not. And what somebody decided for a patient counts where the patient's
 * appointment says so, and a new key that guardians gave where enough of them agreed in time (right-check.ts). What was signed in another network counts where this one's governors recognized that as a predecessor before: else what
 * somebody signed elsewhere, for a trial maybe, could be passed off as meant for here.
 */
import { AppError } from '../../../../src-shared/errors.ts';
import { operationKinds } from '../../../../src-shared/operations.ts';
import type { OperationKind, SignedOperation } from '../../../../src-shared/operations.ts';
import type {
  DecodedOperation,
  LedgerEvent,
  LedgerPort,
  NetworkConfig,
  OperationCodecPort,
  StoredOperation,
  UncheckedCommit,
  WorkstationStorePort,
} from '../../ports.ts';
import { createRightCheck, type RightCheck } from './right-check.ts';

/** Between so many the event loop gets its turn. */
const checksPerTurn = 64;
/** So many new commits at once are a catch-up: who signed them is found out behind it (deferred-checks.ts). */
const catchUpFrom = 64;

/** Kinds of the operations whose state changed; empty where only the status did. */
export type OperationChange = ReadonlySet<OperationKind>;
export const statusOnly: OperationChange = new Set();
export const commitsOnly: OperationChange = new Set(['Commit']);
export const allKinds: OperationChange = new Set(Object.keys(operationKinds) as OperationKind[]);

export interface CheckedEvents {
  readonly believed: { event: LedgerEvent; decoded?: DecodedOperation }[];
  /** Commits of which everything but the signature was checked. */
  readonly unchecked: readonly UncheckedCommit[];
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
  /** The operation as the contract says that it was applied, whatever the events said; see LedgerPort. */
  readonly applied: LedgerPort['applied'];
  /** Whether somebody who works here may read what is in a compartment. Default: nobody. */
  readonly isWanted?: (compartment: string) => boolean;
  /** Ends the work early; what is returned then is incomplete. */
  readonly stopping: () => boolean;
}

function sameContent(a: SignedOperation, b: SignedOperation): boolean {
  return a.kind === b.kind && a.actor === b.actor && a.issuedAt === b.issuedAt && a.deadline === b.deadline && a.payload === b.payload;
}

function sameSignatures(a: SignedOperation, b: SignedOperation): boolean {
  return a.signatures.length === b.signatures.length && a.signatures.every((signature, i) => signature === b.signatures[i]);
}

/** Whether an operation is held here just as the event has it. */
function isSame(known: StoredOperation, operation: SignedOperation, predecessor: string | null): boolean {
  return known.predecessor === predecessor && sameContent(known.operation, operation) && sameSignatures(known.operation, operation);
}

/** Domains of recognized predecessors: as of the last block that was followed (null until they are asked for), and since. */
interface Predecessors {
  followed: ReadonlySet<string> | null;
  readonly since: Set<string>;
}

const domainIn = (decoded: DecodedOperation) => (decoded.kind === 'RecognizePredecessor' ? decoded.payload.domain : null);

function isPredecessor({ store, codec }: Pick<Check, 'store' | 'codec'>, predecessors: Predecessors, domain: string): boolean {
  const recognitions = () => store.operations({ kinds: ['RecognizePredecessor'], states: ['mined', 'final'] });
  predecessors.followed ??= new Set(recognitions().flatMap(({ operation }) => domainIn(codec.decodePayload(operation)) ?? []));
  return predecessors.followed.has(domain) || predecessors.since.has(domain);
}

/** The accounts whose signatures an event's operation bears: the actor's, and the second of what takes two; null for nobody's. */
type Accounts = ReadonlyMap<LedgerEvent, readonly (string | null)[]>;

/** What was recovered, and of which events it was left for later. */
export interface Recovered {
  readonly accounts: Accounts;
  readonly deferred: ReadonlySet<LedgerEvent>;
}

/** As an account signs; what is longer is not kept before it is known whose it is. */
const hasOneSignature = ({ signatures: [signature, ...others] }: SignedOperation): boolean =>
  signature?.length === 132 && others.length === 0;

const askedFor = ({ signatures }: SignedOperation): readonly string[] => signatures.slice(0, 2);

/**
 * Recovers all at once what the events are then asked for one by one; not of what is held just as it stands there. `defers`: of their new commits it is left for later,
 * because they are many, or because others before them wait (`behind`: some that are not in the store yet), so that those of one compartment become known in
 * the order of the ledger.
 */
export function recoverSigners(
  { store, codec, network }: Pick<Check, 'store' | 'codec' | 'network'>,
  events: readonly LedgerEvent[],
  { behind = false, from = catchUpFrom }: { readonly behind?: boolean; readonly from?: number } = {},
): { readonly defers: boolean; readonly recovered: Promise<Recovered> } {
  const commits: LedgerEvent[] = [];
  const others: LedgerEvent[] = [];
  for (const event of events) {
    const { opId, operation, predecessor = null } = event;
    if (operation === undefined) continue;
    const known = store.operation(opId);
    if (known !== undefined && isSame(known, operation, predecessor)) continue;
    const isNewCommit = known === undefined && predecessor === null && operation.kind === operationKinds.Commit.code;
    (isNewCommit && hasOneSignature(operation) ? commits : others).push(event);
  }
  const defers = commits.length >= from || (commits.length > 0 && (behind || store.countUnchecked() > 0));
  const deferred = new Set(defers ? commits : []);
  const asked = defers ? others : [...others, ...commits];
  return { defers, recovered: recoverAccounts({ codec, network }, asked).then((accounts) => ({ accounts, deferred })) };
}

async function recoverAccounts({ codec, network }: Pick<Check, 'codec' | 'network'>, events: readonly LedgerEvent[]): Promise<Accounts> {
  const wanted: { readonly event: LedgerEvent; readonly digest: Uint8Array; readonly signature: string }[] = [];
  for (const event of events) {
    const { operation, predecessor = null } = event;
    if (operation === undefined) continue;
    try {
      const digest = codec.digest(predecessor ?? network, operation);
      wanted.push(...askedFor(operation).map((signature) => ({ event, digest, signature })));
    } catch (error) {
      // Not well formed: refused below.
      if (!(error instanceof AppError) || error.code !== 'INVALID_INPUT') throw error;
    }
  }
  const accounts = await codec.recoverAll(wanted);
  const recovered = new Map<LedgerEvent, (string | null)[]>();
  for (const [i, { event }] of wanted.entries()) recovered.set(event, [...(recovered.get(event) ?? []), accounts[i] ?? null]);
  return recovered;
}

/** Null where an event's operation is not well formed. */
function decodeEvent(codec: OperationCodecPort, { opId, operation }: LedgerEvent): DecodedOperation | null {
  if (operation === undefined || operation.opId !== opId) return null;
  try {
    return codec.decodePayload(operation);
  } catch (error) {
    if (error instanceof AppError && error.code === 'INVALID_INPUT') return null;
    throw error;
  }
}

/** The decoded operation, or null where its content or signatures do not hold. */
function verify(
  check: Pick<Check, 'store' | 'codec' | 'network'>,
  recovered: Accounts,
  signerOf: RightCheck['signer'],
  predecessors: Predecessors,
  event: LedgerEvent,
): DecodedOperation | null {
  const { store, codec, network } = check;
  const { opId, operation, predecessor = null } = event;
  if (predecessor !== null && !isPredecessor(check, predecessors, predecessor)) return null;
  const decoded = decodeEvent(codec, event);
  if (decoded === null || operation === undefined) return null;
  const known = store.operation(opId);
  if (known !== undefined) {
    const same = sameContent(known.operation, operation);
    // Someone used the id of an operation made here for another one: what was made here must not be overwritten by it.
    if (!same && known.origin === 'here') return null;
    // Nothing gets into the store without this check, or being signed here; but a rotation may have come in between. What a peer brought was
    // held against rotations that had not come by the ledger.
    const unrotated = () => known.origin !== 'peer' && signerOf(operation.actor) === operation.actor;
    if (isSame(known, operation, predecessor) && unrotated()) return decoded;
  }
  const accounts =
    recovered.get(event) ??
    askedFor(operation).map((signature) => codec.recover(codec.digest(predecessor ?? network, operation), signature));
  const [actor = null, cosigner = null] = accounts;
  if (actor !== signerOf(operation.actor)) return null;
  // A registration binds the patient's keys: it counts only with the patient's own signature. So does a new key bind whoever has it.
  const newKey = decoded.kind === 'RotateKeys' || decoded.kind === 'ProposeRecovery' ? decoded.payload.signer : null;
  const second = decoded.kind === 'RegisterPatient' ? signerOf(decoded.payload.patient) : newKey;
  if (second !== null && cosigner !== second) return null;
  return decoded;
}

const isUsed = (event: LedgerEvent): boolean => event.reason?.startsWith('OpIdUsed(') === true;

/**
 * What "OpIdUsed" means for an operation that is not anchored as far as is known here: that it is, and the endpoint left out its event; or that someone
 * used its id for something else, so that it can never be anchored under it and is refused for good. The contract is asked which. Null where it says
 * that the operation was applied and the endpoint still does not show it: then it stays waiting and is tried again later.
 */
async function explainUsed(check: Check, event: LedgerEvent): Promise<CheckedEvents['believed'][number] | null> {
  const taken = { event: { ...event, reason: (event.reason ?? '').replace('OpIdUsed', 'OpIdTaken') } };
  const known = check.store.operation(event.opId);
  const found = await check.applied(event.opId);
  if (known === undefined || found === null) return taken;
  if (found === 'withheld' || found.operation === undefined || found.block > event.block) return null;
  // Signed or checked here before, and the contract took it as it is: whose signature it is need not be asked again.
  if (!isSame(known, found.operation, found.predecessor ?? null)) return taken;
  return { event: found, decoded: check.codec.decodePayload(found.operation) };
}

/**
 * Checks the events of a range. `found`: their signers, where `recoverSigners` was asked before. Rejections are believed only where they come from a transaction of this workstation: anyone can cause a
 * rejection of any id by relaying a forgery of it. Nor are they where the transaction was under way when the chain changed: it may have
 * come before what it depends on, and is sent again after it.
 */
export async function checkEvents(check: Check, events: readonly LedgerEvent[], found?: Recovered): Promise<CheckedEvents> {
  const believed: CheckedEvents['believed'] = [];
  const kinds = new Set<OperationKind>();
  const unchecked: UncheckedCommit[] = [];
  let forged = 0;
  if (events.length === 0) return { believed, unchecked, forged: 0, kinds };
  const { accounts, deferred } = found ?? (await recoverSigners(check, events).recovered);
  const predecessors: Predecessors = { followed: null, since: new Set() };
  const rights = createRightCheck(check.store, check.codec, check.blockTime);
  const applied = new Set<string>();
  const ownHashes = new Set(check.store.openTransactions().flatMap(({ hash }) => (check.doubtful.has(hash) ? [] : [hash])));
  for (const [i, event] of events.entries()) {
    if (check.stopping()) break;
    if (i % checksPerTurn === checksPerTurn - 1) await new Promise((resolve) => setImmediate(resolve));
    if (event.type === 'rejected') {
      // Says something about a deployment that is not finished, nothing about the operation.
      if (event.reason?.startsWith('ModulesMissing(') === true) continue;
      const known = ownHashes.has(event.txHash) ? check.store.operation(event.opId) : undefined;
      if (known === undefined) continue;
      // Another relayer was faster, and that was read, or is in this range: nothing is wrong with it.
      if (isUsed(event) && (known.block !== null || applied.has(event.opId))) continue;
      const meaning = isUsed(event) ? await explainUsed(check, event) : { event };
      if (meaning === null) continue;
      believed.push(meaning);
      kinds.add(known.kind);
      continue;
    }
    if (deferred.has(event)) {
      const commit = decodeEvent(check.codec, event);
      if (commit?.kind !== 'Commit' || event.operation === undefined) forged += 1;
      else {
        const { compartment } = commit.payload;
        unchecked.push({
          event,
          compartment,
          signer: rights.signer(event.operation.actor),
          wanted: check.isWanted?.(compartment) ?? false,
        });
      }
      continue;
    }
    const decoded = verify(check, accounts, rights.signer, predecessors, event);
    const right = decoded && event.operation ? await rights.judge(event.operation, decoded, event.block) : null;
    if (decoded === null || event.operation === undefined || right === null) {
      forged += 1;
      continue;
    }
    const domain = domainIn(decoded);
    if (domain !== null) predecessors.since.add(domain);
    believed.push({ event: { ...event, ...right }, decoded });
    applied.add(event.opId);
    kinds.add(decoded.kind);
  }
  return { believed, unchecked, forged, kinds };
}

/** Checks the signatures of commits for which `checkEvents` left it for later: decoded where they hold, else null. */
export async function checkDeferred(
  check: Pick<Check, 'store' | 'codec' | 'network'>,
  commits: readonly UncheckedCommit[],
): Promise<{ commit: UncheckedCommit; decoded: DecodedOperation | null }[]> {
  const accounts = await recoverAccounts(
    check,
    commits.map(({ event }) => event),
  );
  const predecessors: Predecessors = { followed: null, since: new Set() };
  return commits.map((commit) => ({ commit, decoded: verify(check, accounts, () => commit.signer, predecessors, commit.event) }));
}
