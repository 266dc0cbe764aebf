/**
 * Whether whoever decided something for a patient was to decide it, and whether an account's new key was given as it has to be. The contracts have judged that;
 * here it is judged again, because an endpoint can make up that something was applied: by what was decided up to that place, and by the time of its block.
 */
import type { OperationKind, SignedOperation } from '../../../../src-shared/operations.ts';
import type { DecodedOperation, OperationCodecPort, StoredOperation, WorkstationStorePort } from '../../ports.ts';
import { accountInKeyChange, createAccountKeys, type AccountKeys } from '../account-keys.ts';
import { createDelegations, type Delegations } from '../delegations.ts';
import { precedes } from '../ledger-order.ts';

const decided: ReadonlySet<OperationKind> = new Set<OperationKind>([
  ...(['Grant', 'ChangeGrant', 'Revoke', 'ApproveRequest', 'DeclineRequest', 'SwitchEmergency'] as const),
  ...(['AppointDelegate', 'DismissDelegate'] as const),
]);
/** By the time of whose block the ledger judges. */
const timed: ReadonlySet<OperationKind> = new Set<OperationKind>(['ProposeRecovery', 'ApproveRecovery', 'CompleteRecovery']);

export interface RightCheck {
  /**
   * Null where the signer was not to decide this; otherwise the block's time, where it mattered. To be asked in ledger order. Rejects where the
   * ledger cannot be asked for the time of a block.
   */
  judge(operation: SignedOperation, decoded: DecodedOperation, block: number): Promise<{ blockTime?: number } | null>;
  /** Who signs for an account, after what was judged. */
  signer(account: string): string;
}

export function createRightCheck(
  store: WorkstationStorePort,
  codec: OperationCodecPort,
  blockTime: (number: number) => Promise<number | null>,
): RightCheck {
  const byPatient = new Map<string, Delegations>();
  const byAccount = new Map<string, AccountKeys>();
  const times = new Map<number, number | null>();
  /** Compartments of requests that are not in the store yet. */
  const requests = new Map<string, string>();
  const states: readonly StoredOperation['state'][] = ['mined', 'final'];

  /** As of the last block that was followed, and what was asked about since. */
  const delegationsOf = (patient: string): Delegations => {
    const known = byPatient.get(patient);
    if (known) return known;
    const delegations = createDelegations(patient);
    for (const { operation } of store.operations({ kinds: ['AppointDelegate', 'DismissDelegate'], patient, states })) {
      const { actor, issuedAt } = operation;
      delegations.apply({ actor, decoded: codec.decodePayload(operation), at: issuedAt, issuedAt, anchored: true });
    }
    byPatient.set(patient, delegations);
    return delegations;
  };

  /** The same of an account's keys; looked up once in a range. */
  const keysOf = (account: string): AccountKeys => {
    const known = byAccount.get(account.toLowerCase());
    if (known) return known;
    const keys = createAccountKeys(account);
    const own = store.operations({ kinds: ['RotateKeys', 'SetRecovery'], actor: account, states });
    const about = store.operations({
      kinds: ['ProposeRecovery', 'ApproveRecovery', 'VetoRecovery', 'CompleteRecovery'],
      patient: account,
      states,
    });
    for (const { operation, blockTime: at } of [...own, ...about].sort((a, b) => (precedes(a, b) ? -1 : 1))) {
      const { opId, actor, issuedAt } = operation;
      keys.apply({ opId, actor, decoded: codec.decodePayload(operation), at: at ?? issuedAt });
    }
    byAccount.set(account.toLowerCase(), keys);
    return keys;
  };

  const compartmentOf = (request: string): string | undefined => {
    const stored = store.operation(request);
    const decoded = stored && codec.decodePayload(stored.operation);
    return requests.get(request) ?? (decoded?.kind === 'RequestAccess' ? decoded.payload.compartment : undefined);
  };

  const timeOf = async (block: number): Promise<number | null> => {
    if (!times.has(block)) times.set(block, await blockTime(block));
    return times.get(block) ?? null;
  };

  const judgeKeys = async (account: string, { opId, actor, issuedAt }: SignedOperation, decoded: DecodedOperation, block: number) => {
    const keys = keysOf(account);
    // A block that is gone: the chain changed under the question, and what follows is read again.
    const time = timed.has(decoded.kind) ? ((await timeOf(block)) ?? issuedAt) : null;
    const judged = { opId, actor, decoded, at: time ?? issuedAt };
    if (!keys.allows(judged)) return null;
    keys.apply(judged);
    return time === null ? {} : { blockTime: time };
  };

  return {
    signer: (account) => keysOf(account).signer(),
    async judge(operation, decoded, block) {
      if (decoded.kind === 'RequestAccess') requests.set(operation.opId, decoded.payload.compartment);
      const { actor, issuedAt } = operation;
      const account = accountInKeyChange(decoded, actor);
      if (account !== undefined) return judgeKeys(account, operation, decoded, block);
      if (!decided.has(decoded.kind) || !('patient' in decoded.payload)) return {};
      const { patient } = decoded.payload;
      const appoints = decoded.kind === 'AppointDelegate' || decoded.kind === 'DismissDelegate';
      if (actor === patient && !appoints) return {};
      const delegations = delegationsOf(patient);
      // A block that is gone: the chain changed under the question, and what follows is read again.
      const time = (appoints ? null : await timeOf(block)) ?? issuedAt;
      const judged = { actor, decoded, at: time, issuedAt, anchored: true };
      if (!delegations.allows(judged, compartmentOf)) return null;
      delegations.apply(judged);
      return appoints ? {} : { blockTime: time };
    },
  };
}
