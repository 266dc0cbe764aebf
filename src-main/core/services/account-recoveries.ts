/**
 * What is known here of how accounts may get a new key, and of new keys that were asked for: what the ledger holds, and behind it what waits here. For
 * screens and for signing; which key is in force says the directory.
 */
import type { OperationCodecPort, StoredOperation, WorkstationStorePort } from '../ports.ts';
import { accountInKeyChange, createAccountKeys, type RecoveryProposal, type RecoveryTerms } from './account-keys.ts';
import { precedes } from './ledger-order.ts';

export interface KnownProposal extends RecoveryProposal {
  readonly account: string;
  /** Seconds, as the proposer's clock said. */
  readonly askedAt: number;
  /** Whether all of it is on the ledger. */
  readonly anchored: boolean;
}

export interface KnownRecovery {
  readonly terms: RecoveryTerms;
  /** Whether the choice of guardians waits to be sent. */
  readonly waiting: boolean;
  readonly proposals: readonly KnownProposal[];
}

export interface AccountRecoveries {
  of(account: string): KnownRecovery;
  /** Accounts for which a new key is asked for and one of whose guardians this is. */
  helpedBy(guardian: string): string[];
}

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

export function createAccountRecoveries(store: WorkstationStorePort, codec: OperationCodecPort): AccountRecoveries {
  const operationsOf = (account: string): StoredOperation[] =>
    [
      ...store.operations({ kinds: ['RotateKeys', 'SetRecovery'], actor: account }),
      ...store.operations({ kinds: ['ProposeRecovery', 'ApproveRecovery', 'VetoRecovery', 'CompleteRecovery'], patient: account }),
    ]
      .filter(({ state }) => state !== 'rejected')
      .sort((a, b) => (precedes(a, b) ? -1 : 1));

  const of: AccountRecoveries['of'] = (account) => {
    const keys = createAccountKeys(account);
    const all = operationsOf(account);
    for (const { operation, blockTime } of all) {
      const { opId, actor, issuedAt } = operation;
      keys.apply({ opId, actor, decoded: codec.decodePayload(operation), at: blockTime ?? issuedAt });
    }
    const about = (id: string) =>
      all.filter(({ operation }) => {
        const decoded = codec.decodePayload(operation);
        return operation.opId === id || (decoded.kind === 'ApproveRecovery' && decoded.payload.proposal === id);
      });
    const chosen = all.findLast(({ kind }) => kind === 'SetRecovery');
    return {
      terms: keys.terms(),
      waiting: chosen !== undefined && chosen.block === null,
      proposals: keys.proposals().map((proposal) => {
        const operations = about(proposal.id);
        const askedAt = operations.find(({ operation }) => operation.opId === proposal.id)?.operation.issuedAt ?? 0;
        return { ...proposal, account, askedAt, anchored: operations.every(({ block }) => block !== null) };
      }),
    };
  };

  return {
    of,
    helpedBy(guardian) {
      const accounts = store.operations({ kinds: ['ProposeRecovery'] }).flatMap(({ state, operation }) => {
        return state === 'rejected' ? [] : (accountInKeyChange(codec.decodePayload(operation), operation.actor) ?? []);
      });
      return [...new Set(accounts)].filter((account) => {
        const { terms, proposals } = of(account);
        return proposals.length > 0 && terms.guardians.some((one) => same(one, guardian));
      });
    },
  };
}
