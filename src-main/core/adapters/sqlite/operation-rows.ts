/** Between operations as the services know them and rows of the `operations` table. */
import { AppError } from '../../../../src-shared/errors.ts';
import { kindOf } from '../../../../src-shared/operations.ts';
import type { SignedOperation } from '../../../../src-shared/operations.ts';
import type { DecodedOperation, OperationState, StoredOperation } from '../../ports.ts';
import { bytesOfHex, hexOfBytes } from './bytes.ts';

/** More than any kind or council of co-signers needs; bounds what a hostile ledger can put into a row. */
const maxPayloadBytes = 64 * 1024;
const maxSignatures = 64;
const maxSignatureHex = 2 + 2 * 1024;

export interface OperationRow {
  readonly seq: number;
  readonly op_id: Uint8Array;
  readonly kind: number;
  readonly actor: string;
  readonly issued_at: number;
  readonly deadline: number;
  readonly payload: Uint8Array;
  readonly signatures: string;
  readonly state: OperationState;
  readonly origin: 'here' | 'ledger';
  readonly block: number | null;
  readonly log_index: number | null;
  readonly block_time: number | null;
  readonly tx_hash: string | null;
  readonly reject_reason: string | null;
  readonly created_at: number;
  readonly label: string;
  readonly from_peer: number;
  readonly published: number;
  readonly awaits_blocks: number;
  readonly save: number | null;
  readonly handed_out: number;
  readonly predecessor: Uint8Array | null;
}

/** Columns of a row in reading order. */
export const operationColumns =
  'seq, op_id, kind, actor, issued_at, deadline, payload, signatures, state, origin, block, log_index, block_time, tx_hash, reject_reason, created_at, label, save, handed_out, from_peer, published, awaits_blocks, predecessor';

export function storedOperation(row: OperationRow): StoredOperation {
  const kind = kindOf(row.kind);
  if (kind === undefined) {
    throw new AppError(
      'STORE_DAMAGED',
      `The store holds an operation of unknown kind ${row.kind}. Nothing was changed. Restore the last backup.`,
    );
  }
  return {
    seq: row.seq,
    operation: {
      kind: row.kind,
      opId: hexOfBytes(row.op_id),
      actor: row.actor,
      issuedAt: row.issued_at,
      deadline: row.deadline,
      payload: hexOfBytes(row.payload),
      signatures: JSON.parse(row.signatures) as string[],
    },
    kind,
    state: row.state,
    origin: row.from_peer === 1 ? 'peer' : row.origin,
    block: row.block,
    logIndex: row.log_index,
    blockTime: row.block_time,
    txHash: row.tx_hash,
    rejectReason: row.reject_reason,
    createdAt: row.created_at,
    label: row.label,
    published: row.published === 1,
    awaitsBlocks: row.awaits_blocks === 1,
    save: row.save,
    handedOut: row.handed_out === 1,
    predecessor: row.predecessor && hexOfBytes(row.predecessor),
  };
}

/** Named parameters of an operation's own columns. */
export function operationParameters(operation: SignedOperation): Record<string, unknown> {
  const { opId, kind, actor, issuedAt, deadline, payload, signatures } = operation;
  if (payload.length > 2 + 2 * maxPayloadBytes || signatures.length > maxSignatures || signatures.some((s) => s.length > maxSignatureHex)) {
    throw new AppError('INVALID_INPUT', 'The operation is larger than any that the ledger takes. Nothing was saved.');
  }
  if (!/^0x[0-9a-fA-F]{40}$/.test(actor))
    throw new AppError('INVALID_INPUT', "The operation's actor is not an account. Nothing was saved.");
  return {
    opId: bytesOfHex(opId, 'operation id', 32),
    kind,
    actor,
    issuedAt,
    deadline,
    payload: bytesOfHex(payload, 'payload'),
    signatures: JSON.stringify(signatures),
  };
}

/** By what an operation is found: fields of its payload, null where the kind has no such field. */
export function searchParameters(decoded: DecodedOperation | undefined): Record<string, string | Buffer | null> {
  const fields = (decoded?.payload ?? {}) as Readonly<Record<string, string | number | undefined>>;
  const text = (...names: string[]): string | null => {
    const value = names.map((name) => fields[name]).find((found) => found !== undefined);
    return value === undefined ? null : String(value);
  };
  const bytes = (...names: string[]): Buffer | null => {
    const value = text(...names);
    return value === null ? null : bytesOfHex(value, names.join(' or '), 32);
  };
  return {
    // Identifiers are claimed for an account that may be a patient's.
    patient: text('patient', 'account'),
    compartment: bytes('compartment'),
    organization: bytes('organization'),
    grantee: bytes('grantee'),
    // For whom somebody may decide is looked up by the one who decides.
    member: text('member', 'admin', 'delegate'),
    digest: bytes('commit', 'envelope', 'identifier', 'profile'),
  };
}
