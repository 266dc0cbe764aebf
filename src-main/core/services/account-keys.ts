/**
 * Who signs for one account, and who may give it a new key: the rules of the contract `AccountKeys`, as a state that operations are applied to in ledger order.
 * Used by the directory, by the check of what the ledger tells, and before anything is signed. Whether a new key is free (nobody's yet) the contract alone
 * judges; here both keys' signatures stand for that.
 */
import { recoveryLimits } from '../../../src-shared/operations.ts';
import type { DecodedOperation } from '../ports.ts';

export interface AccountKey {
  readonly signer: string;
  /** X25519, bytes32 hex. */
  readonly encryptionKey: string;
  /** opId of the operation that brought it. */
  readonly opId: string;
  /** Given by guardians: nothing was sealed from the key before to this one. */
  readonly recovered: boolean;
}

/** Who may give the account a new key, and how. */
export interface RecoveryTerms {
  readonly guardians: readonly string[];
  /** How many of them must agree; 0: nobody can. */
  readonly threshold: number;
  /** Seconds from their agreement to the change. */
  readonly delay: number;
  /** Grows whenever what was proposed before loses its force. */
  readonly round: number;
}

export interface RecoveryProposal {
  /** opId of the operation that made it. */
  readonly id: string;
  readonly signer: string;
  readonly encryptionKey: string;
  /** Guardians who agreed, the proposer first. */
  readonly agreed: readonly string[];
  /** Seconds; from when it may be put in force; 0 while too few agreed. */
  readonly readyAt: number;
  readonly round: number;
}

/** What an operation is judged by besides itself. */
export interface JudgedKeyChange {
  readonly opId: string;
  readonly actor: string;
  readonly decoded: DecodedOperation;
  /** Seconds: the block's time, or the actor's clock for what has no block yet. */
  readonly at: number;
}

export interface AccountKeys {
  /** Whether the ledger takes the operation, as far as it is about who may change this account's keys. */
  allows(judged: JudgedKeyChange): boolean;
  /** Applies what is allowed; anything else changes nothing. */
  apply(judged: JudgedKeyChange): void;
  /** Keys after the first, which is the account's own address. */
  keys(): readonly AccountKey[];
  signer(): string;
  terms(): RecoveryTerms;
  /** Those that have not lost their force. */
  proposals(): RecoveryProposal[];
}

/** The account whose keys an operation is about; undefined for one that is about none's. */
export function accountInKeyChange(decoded: DecodedOperation, actor: string): string | undefined {
  switch (decoded.kind) {
    case 'RotateKeys':
    case 'SetRecovery':
      return actor;
    case 'ProposeRecovery':
    case 'ApproveRecovery':
    case 'VetoRecovery':
    case 'CompleteRecovery':
      return decoded.payload.account;
    default:
      return undefined;
  }
}

const nobody = /^0x0{40}$/;
const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

export function createAccountKeys(account: string): AccountKeys {
  let terms: RecoveryTerms = { guardians: [], threshold: 0, delay: 0, round: 0 };
  const keys: AccountKey[] = [];
  const proposals = new Map<string, RecoveryProposal>();

  const isGuardian = (actor: string) => terms.guardians.some((guardian) => same(guardian, actor));
  const openProposal = (id: string) => {
    const proposal = proposals.get(id);
    return proposal?.round === terms.round ? proposal : undefined;
  };

  const termsIn = (decoded: DecodedOperation): Omit<RecoveryTerms, 'round'> | null => {
    if (decoded.kind !== 'SetRecovery') return null;
    const { guardian1, guardian2, guardian3, guardian4, guardian5, threshold, delay } = decoded.payload;
    const named = [guardian1, guardian2, guardian3, guardian4, guardian5];
    const end = named.findIndex((guardian) => nobody.test(guardian));
    const guardians = end === -1 ? named : named.slice(0, end);
    if (!named.slice(guardians.length).every((guardian) => nobody.test(guardian))) return null;
    if (new Set([account, ...guardians].map((one) => one.toLowerCase())).size !== guardians.length + 1) return null;
    const none = guardians.length === 0 && threshold === 0 && delay === 0;
    const { minDelay, maxDelay } = recoveryLimits;
    const some = threshold !== 0 && threshold <= guardians.length && delay >= minDelay && delay <= maxDelay;
    return none || some ? { guardians, threshold, delay } : null;
  };

  const allows: AccountKeys['allows'] = ({ actor, decoded, at }) => {
    switch (decoded.kind) {
      case 'SetRecovery':
        // Ends every older choice that a relayer held back.
        return same(actor, account) && decoded.payload.round === terms.round && termsIn(decoded) !== null;
      case 'ProposeRecovery':
        return isGuardian(actor);
      case 'ApproveRecovery': {
        const proposal = openProposal(decoded.payload.proposal);
        return proposal !== undefined && isGuardian(actor) && !proposal.agreed.some((guardian) => same(guardian, actor));
      }
      case 'VetoRecovery':
        return same(actor, account);
      case 'CompleteRecovery': {
        const proposal = openProposal(decoded.payload.proposal);
        return (
          proposal !== undefined && (same(actor, proposal.signer) || isGuardian(actor)) && proposal.readyAt !== 0 && at >= proposal.readyAt
        );
      }
      default:
        return true;
    }
  };

  const nextRound = () => (terms = { ...terms, round: terms.round + 1 });
  const agree = (proposal: Omit<RecoveryProposal, 'readyAt'> & { readonly readyAt?: number }, actor: string, at: number) => {
    const agreed = [...proposal.agreed, actor];
    // Further agreement does not put it off.
    const readyAt = agreed.length === terms.threshold ? at + terms.delay : (proposal.readyAt ?? 0);
    proposals.set(proposal.id, { ...proposal, agreed, readyAt });
  };
  const change = (key: AccountKey) => {
    keys.push(key);
    nextRound();
  };

  return {
    allows,
    apply(judged) {
      if (!allows(judged)) return;
      const { opId, actor, decoded, at } = judged;
      switch (decoded.kind) {
        case 'RotateKeys':
          change({ ...decoded.payload, opId, recovered: false });
          break;
        case 'SetRecovery': {
          const wanted = termsIn(decoded);
          if (wanted) terms = { ...wanted, round: terms.round + 1 };
          break;
        }
        case 'ProposeRecovery': {
          const { signer, encryptionKey } = decoded.payload;
          agree({ id: opId, signer, encryptionKey, agreed: [], round: terms.round }, actor, at);
          break;
        }
        case 'ApproveRecovery': {
          const proposal = openProposal(decoded.payload.proposal);
          if (proposal) agree(proposal, actor, at);
          break;
        }
        case 'VetoRecovery':
          nextRound();
          break;
        case 'CompleteRecovery': {
          const proposal = openProposal(decoded.payload.proposal);
          if (proposal) change({ signer: proposal.signer, encryptionKey: proposal.encryptionKey, opId, recovered: true });
          break;
        }
        default:
          break;
      }
    },
    keys: () => keys,
    signer: () => keys.at(-1)?.signer ?? account,
    terms: () => terms,
    proposals: () => [...proposals.values()].filter(({ round }) => round === terms.round),
  };
}
