/**
 * What another workstation of the clinic brings is believed no more than what a ledger says: well formed, in time, signed by the key in force; and, since
 * no contract has looked at it yet, signed by somebody who may do such a thing. What only the ledger can decide (an epoch, a term that ran out) it decides
 * later; what is refused here can still come by the ledger.
 */
import { AppError } from '../../../../src-shared/errors.ts';
import type { OperationKind, SignedOperation } from '../../../../src-shared/operations.ts';
import type { DecodedOperation, NetworkConfig, OperationCodecPort, WorkstationStorePort } from '../../ports.ts';
import { directoryKinds, type Directory } from '../directory.ts';
import { digestsIn } from './blocks-of.ts';

/** bad: nobody honest sends this. unfounded: not to be shown before the ledger has taken it, as far as is known here. */
export type Verdict = { readonly decoded: DecodedOperation } | 'bad' | 'unfounded';

export interface Arrivals {
  judge(operation: SignedOperation): Verdict;
  /** Stores what holds, in order. Gives what is new, and how many were bad. */
  accept(operations: readonly SignedOperation[]): Promise<{ readonly added: readonly string[]; readonly bad: number }>;
}

/** Recovering a signer takes about a millisecond; between so many the event loop gets its turn. */
const checksPerTurn = 8;
/** What others made and the ledger does not have: beyond this something is wrong, and all else comes by the ledger. */
const maxUnanchored = 50_000;
/** Operations that the governors sign, and recoveries, which several sign in turn: worth nothing before the ledger has counted the signatures. */
const onlyByLedger: ReadonlySet<OperationKind> = new Set([
  'AdmitOrganization',
  'SuspendOrganization',
  'RecognizePredecessor',
  'ChangeGovernor',
  'RotateIdentifierKey',
  'DefineCommonNamespace',
  'ProposeRecovery',
  'ApproveRecovery',
  'VetoRecovery',
  'CompleteRecovery',
]);

export function createArrivals(deps: {
  readonly store: WorkstationStorePort;
  readonly codec: OperationCodecPort;
  readonly directory: Directory;
  readonly network: () => NetworkConfig;
  /** Of the newest block that is known, in seconds; null before the ledger was reached. */
  readonly ledgerTime: () => number | null;
  /** Tells that operations of these kinds became known. */
  readonly tell: (kinds: ReadonlySet<OperationKind>) => void;
}): Arrivals {
  const { store, codec, directory, network, ledgerTime } = deps;

  const maySignFor = (account: string, signer: string | null): boolean => signer !== null && directory.maySign(account, signer);

  const isPatient = (account: string) =>
    store.operations({ kinds: ['RegisterPatient'], patient: account, limit: 1 }).some(({ state }) => state !== 'rejected');

  const isDelegate = (patient: string, account: string) =>
    store.operations({ kinds: ['AppointDelegate'], patient }).some(({ state, operation }) => {
      const decoded = codec.decodePayload(operation);
      return state !== 'rejected' && decoded.kind === 'AppointDelegate' && decoded.payload.delegate === account;
    });

  const isStaff = (account: string) => directory.memberships(account).length > 0;

  /** Whether the signer is somebody who may do such a thing, by the directory as it is known here. */
  const isFounded = (decoded: DecodedOperation, actor: string): boolean => {
    const has = (organization: string, role: 'admin' | 'registrar' | 'practitioner') => directory.roles(organization, actor).includes(role);
    switch (decoded.kind) {
      case 'EnrolMember':
      case 'ChangeMember':
      case 'SuspendMember':
      case 'RotateOrganizationKey':
      case 'DefineNamespace':
        return has(decoded.payload.organization, 'admin');
      case 'RegisterPatient':
      case 'LinkPatients':
      case 'UnlinkPatients':
        return has(decoded.payload.organization, 'registrar');
      case 'OpenEmergency':
        return has(decoded.payload.organization, 'practitioner') && isPatient(decoded.payload.patient);
      case 'Grant':
      case 'Revoke':
      case 'ChangeGrant':
      case 'AppointDelegate':
      case 'DismissDelegate':
      case 'SwitchEmergency':
      case 'ApproveRequest':
      case 'DeclineRequest': {
        const { patient } = decoded.payload;
        return isPatient(patient) && (actor === patient || isDelegate(patient, actor));
      }
      case 'Commit':
      case 'RequestAccess':
        return isPatient(decoded.payload.patient) && (actor === decoded.payload.patient || isStaff(actor));
      case 'ClaimIdentifier':
      case 'ClaimInNamespace':
      case 'ReleaseIdentifier':
        return actor === decoded.payload.account || isStaff(actor);
      case 'RotateKeys':
      case 'SetRecovery':
      case 'Checkpoint':
        return isStaff(actor) || isPatient(actor);
      default:
        return false;
    }
  };

  const judge = (operation: SignedOperation): Verdict => {
    let decoded: DecodedOperation;
    try {
      decoded = codec.decodePayload(operation);
    } catch (error) {
      if (error instanceof AppError && error.code === 'INVALID_INPUT') return 'bad';
      throw error;
    }
    // What the ledger would refuse for its age only takes up room: a replay. By the ledger's time alone; this computer's clock may be years off.
    if (operation.deadline < (ledgerTime() ?? 0)) return 'unfounded';
    if (onlyByLedger.has(decoded.kind)) return 'unfounded';
    const digest = codec.digest(network(), operation);
    const [actorSignature = '', secondSignature = ''] = operation.signatures;
    const signer = codec.recover(digest, actorSignature);
    if (signer === null) return 'bad';
    // By a key that was replaced, as far as is known here: it may be news here that it counts.
    if (!maySignFor(operation.actor, signer)) return (directory.accountOf(signer) ?? signer) === operation.actor ? 'unfounded' : 'bad';
    if (decoded.kind === 'RegisterPatient' && !maySignFor(decoded.payload.patient, codec.recover(digest, secondSignature))) return 'bad';
    if (decoded.kind === 'RotateKeys' && codec.recover(digest, secondSignature) !== decoded.payload.signer) return 'bad';
    return isFounded(decoded, operation.actor) ? { decoded } : 'unfounded';
  };

  return {
    judge,
    async accept(operations) {
      const added: string[] = [];
      let bad = 0;
      let held: { operation: SignedOperation; decoded: DecodedOperation; awaitsBlocks: boolean }[] = [];
      let room = maxUnanchored - store.countOperations({ states: ['pending', 'submitted'], origin: 'peer' });
      const keepHeld = () => {
        const news = store.addFromPeer(held);
        if (news.length > 0) deps.tell(new Set(held.map(({ decoded }) => decoded.kind)));
        added.push(...news);
        held = [];
      };
      for (const [i, operation] of operations.entries()) {
        if (i % checksPerTurn === checksPerTurn - 1) await new Promise((resolve) => setImmediate(resolve));
        if (room <= 0) break;
        if (store.operation(operation.opId) !== undefined) continue;
        const verdict = judge(operation);
        if (verdict === 'bad') bad += 1;
        if (typeof verdict === 'string') continue;
        held.push({ operation, decoded: verdict.decoded, awaitsBlocks: digestsIn(verdict.decoded).length > 0 });
        room -= 1;
        // What follows may rest on it: staff that was enrolled, a patient who was registered.
        if (directoryKinds.has(verdict.decoded.kind) || ['RegisterPatient', 'AppointDelegate'].includes(verdict.decoded.kind)) keepHeld();
      }
      if (held.length > 0) keepHeld();
      return { added, bad };
    },
  };
}
