/** Parsers of what a JSON-RPC endpoint answers (Ethereum execution API). Anything of another shape is refused, not guessed at. */
import { z } from 'zod';

/** No honest log of the gateway is longer: a payload has at most a dozen words, an operation at most 16 signatures of 2 KiB. */
const maxLogDataLength = 2 * 128 * 1024;
/** Logs in one answer; with the limit in bytes, what a range may cost in memory. */
const maxLogs = 20_000;

export const hash = z
  .string()
  .regex(/^0x[0-9a-fA-F]{64}$/)
  .toLowerCase();
const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/)
  .toLowerCase();
const hex = z
  .string()
  .regex(/^0x(?:[0-9a-fA-F]{2})*$/)
  .toLowerCase();

/** A quantity that a number holds exactly. */
export const quantity = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,14}$/)
  .transform(Number)
  .refine(Number.isSafeInteger);

/** A quantity of wei. */
export const wei = z
  .string()
  .regex(/^0x[0-9a-fA-F]{1,32}$/)
  .transform(BigInt);

export const code = z
  .string()
  .max(2 + 2 * 64 * 1024)
  .regex(/^0x[0-9a-fA-F]*$/);

export const block = z.object({ number: quantity, hash, timestamp: quantity, gasLimit: quantity, mixHash: hash.optional() });

export const receipt = z
  .object({
    transactionHash: hash,
    blockNumber: quantity,
    blockHash: hash,
    status: z.enum(['0x0', '0x1']),
    contractAddress: address.nullish(),
  })
  .nullable();

export const logs = z
  .array(
    z.object({
      address,
      topics: z.array(hash).max(4),
      data: hex.max(maxLogDataLength),
      blockNumber: quantity,
      blockHash: hash,
      transactionHash: hash,
      logIndex: quantity,
      removed: z.boolean().optional(),
    }),
  )
  .max(maxLogs);

export type Log = z.infer<typeof logs>[number];
