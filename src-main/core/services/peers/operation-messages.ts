/**
 * What workstations of a clinic say to each other about operations that the ledger does not have yet: what there is (`list`), give me these (`want`),
 * take these (`offer`), and I hold these with their blocks (`held`). Bytes are bytes here, each with its length, so that nothing has two forms.
 */
import { z } from 'zod';
import type { SignedOperation } from '../../../../src-shared/operations.ts';
import { bytesOf, hexOf } from '../bytes.ts';

/** Ids in a list, and operations in one message. */
export const listLimit = 2000;
export const batchLimit = 100;

const bytes = (min: number, max = min) =>
  z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length >= min && value.length <= max);
const id = bytes(32);
const time = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const place = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const operation = z.strictObject({
  kind: z.number().int().min(0).max(255),
  opId: id,
  actor: bytes(20),
  issuedAt: time,
  deadline: time,
  // A dozen words at most.
  payload: bytes(32, 1024),
  signatures: z.array(bytes(65, 2048)).min(1).max(16),
});
type WireOperation = z.infer<typeof operation>;

export const request = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('list'), after: place }),
  z.strictObject({ type: z.literal('want'), ids: z.array(id).min(1).max(batchLimit) }),
  z.strictObject({ type: z.literal('offer'), operations: z.array(operation).min(1).max(batchLimit) }),
  z.strictObject({ type: z.literal('held'), ids: z.array(id).min(1).max(listLimit) }),
]);
export type Request = z.infer<typeof request>;

export const answers = {
  /** `held`: with their blocks. `next`: where to go on; null at the end. */
  list: z.strictObject({ ids: z.array(id).max(listLimit), held: z.array(z.boolean()).max(listLimit), next: place.nullable() }),
  want: z.strictObject({ operations: z.array(operation).max(batchLimit) }),
  /** Of what was offered, what is held with its blocks already. */
  offer: z.strictObject({ held: z.array(id).max(batchLimit) }),
  held: z.strictObject({}),
} as const;
export type Answer<T extends Request['type']> = z.infer<(typeof answers)[T]>;

export function toWire({ kind, opId, actor, issuedAt, deadline, payload, signatures }: SignedOperation): WireOperation {
  return {
    kind,
    opId: bytesOf(opId),
    actor: bytesOf(actor),
    issuedAt,
    deadline,
    payload: bytesOf(payload),
    signatures: signatures.map(bytesOf),
  };
}

/** @param checksummed the account with the checksum of EIP-55, as operations carry it. */
export function fromWire(wire: WireOperation, checksummed: (account: string) => string): SignedOperation {
  const { kind, opId, actor, issuedAt, deadline, payload, signatures } = wire;
  return {
    ...{ kind, issuedAt, deadline },
    opId: hexOf(opId),
    actor: checksummed(hexOf(actor)),
    payload: hexOf(payload),
    signatures: signatures.map(hexOf),
  };
}
