/**
 * The form of a file that is carried by hand: a CAR (version 1) whose root names the network and links to batches, in order; each batch holds operations in
 * the form in which workstations send them to each other, and says how many blocks follow it: those that its operations refer to, parents before children.
 * So it is taken in as it is read, and what came before a cut is whole.
 */
import { z } from 'zod';
import { batchLimit } from '../peers/operation-messages.ts';

export const formName = 'anamnesis/carry/1';
/** Of one block, of any kind. */
export const maxBlockBytes = 2 * 1024 * 1024;
export const maxBatches = 20_000;
const maxBlocks = 10_000_000;

export const rootFields = z.strictObject({
  type: z.literal(formName),
  /** The network's id. */
  network: z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length === 32),
  madeAt: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  operations: z
    .number()
    .int()
    .min(0)
    .max(maxBatches * batchLimit),
});

export const batchFields = z.strictObject({
  /** Checked with the schema of the messages between workstations. */
  operations: z.unknown(),
  blocks: z.number().int().min(0).max(maxBlocks),
});
