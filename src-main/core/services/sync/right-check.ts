/**
 * Whether whoever decided something for a patient was to decide it. The contract has judged that; here it is judged again, because an endpoint
 * can make up that something was applied: by the patient's appointments up to that place, and by the time of its block.
 */
import type { OperationKind, SignedOperation } from '../../../../src-shared/operations.ts';
import type { DecodedOperation, OperationCodecPort, WorkstationStorePort } from '../../ports.ts';
import { createDelegations, type Delegations } from '../delegations.ts';

const decided: ReadonlySet<OperationKind> = new Set<OperationKind>([
  ...(['Grant', 'ChangeGrant', 'Revoke', 'ApproveRequest', 'DeclineRequest', 'SwitchEmergency'] as const),
  ...(['AppointDelegate', 'DismissDelegate'] as const),
]);

export interface RightCheck {
  /**
   * Null where the signer was not to decide this; otherwise the block's time, where it mattered. To be asked in ledger order. Rejects where the
   * ledger cannot be asked for the time of a block.
   */
  judge(operation: SignedOperation, decoded: DecodedOperation, block: number): Promise<{ blockTime?: number } | null>;
}

export function createRightCheck(
  store: WorkstationStorePort,
  codec: OperationCodecPort,
  blockTime: (number: number) => Promise<number | null>,
): RightCheck {
  const byPatient = new Map<string, Delegations>();
  const times = new Map<number, number | null>();
  /** Compartments of requests that are not in the store yet. */
  const requests = new Map<string, string>();

  /** As of the last block that was followed, and what was asked about since. */
  const delegationsOf = (patient: string): Delegations => {
    const known = byPatient.get(patient);
    if (known) return known;
    const delegations = createDelegations(patient);
    const stored = store.operations({ kinds: ['AppointDelegate', 'DismissDelegate'], patient, states: ['mined', 'final'] });
    for (const { operation } of stored) {
      const { actor, issuedAt } = operation;
      delegations.apply({ actor, decoded: codec.decodePayload(operation), at: issuedAt, issuedAt, anchored: true });
    }
    byPatient.set(patient, delegations);
    return delegations;
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

  return {
    async judge(operation, decoded, block) {
      if (decoded.kind === 'RequestAccess') requests.set(operation.opId, decoded.payload.compartment);
      if (!decided.has(decoded.kind) || !('patient' in decoded.payload)) return {};
      const { actor, issuedAt } = operation;
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
