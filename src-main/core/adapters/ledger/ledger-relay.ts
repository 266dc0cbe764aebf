/**
 * The ledger of this workstation, for another one of the network: the methods that this program itself uses, with what they may be asked about, and
 * nothing that would change the node or cost it much. Who may ask is decided before.
 */
import { z } from 'zod';
import { AppError } from '../../../../src-shared/errors.ts';
import type { NetworkConfig } from '../../ports.ts';
import type { JsonRpcEndpoint } from './json-rpc.ts';

const maxRange = 10_000;
const tag = z.union([z.literal('latest'), z.string().regex(/^0x[0-9a-f]{1,14}$/)]);
const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/);
const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const data = z.string().regex(/^0x[0-9a-fA-F]*$/);
const quantity = z.string().regex(/^0x[0-9a-f]{1,14}$/);

/** What may be asked, with the form of its parameters. */
const methods = (gateway: string) => {
  const isGateway = (value: string) => value.toLowerCase() === gateway.toLowerCase();
  const ours = address.refine(isGateway);
  return {
    eth_chainId: z.tuple([]),
    eth_gasPrice: z.tuple([]),
    eth_getBlockByNumber: z.tuple([tag, z.literal(false)]),
    eth_getCode: z.tuple([ours, z.literal('latest')]),
    eth_call: z.tuple([z.strictObject({ to: ours, data: data.max(200) }), z.literal('latest')]),
    eth_getTransactionCount: z.tuple([address, z.literal('latest')]),
    eth_getTransactionReceipt: z.tuple([hash]),
    eth_getLogs: z.tuple([
      z
        .strictObject({
          address: ours,
          topics: z.tuple([z.array(hash).min(1).max(4)]),
          fromBlock: quantity,
          toBlock: quantity,
        })
        .refine(({ fromBlock, toBlock }) => Number(toBlock) - Number(fromBlock) < maxRange),
    ]),
    eth_sendRawTransaction: z.tuple([data.max(512 * 1024)]),
  } as const;
};

const call = z.object({ jsonrpc: z.literal('2.0'), id: z.number().int(), method: z.string().max(40), params: z.unknown() });

/** Null where it is no request of this form. */
export async function relayRequest(
  endpoint: Pick<JsonRpcEndpoint, 'send'>,
  { operations }: NetworkConfig,
  request: Uint8Array,
): Promise<Uint8Array | null> {
  let asked: z.infer<typeof call>;
  try {
    asked = call.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(request)));
  } catch {
    // No JSON, or no request: it is refused like one that is not allowed.
    return null;
  }
  return new TextEncoder().encode(JSON.stringify({ jsonrpc: '2.0', id: asked.id, ...(await answerTo(endpoint, operations, asked)) }));
}

async function answerTo(endpoint: Pick<JsonRpcEndpoint, 'send'>, gateway: string, { method, params }: z.infer<typeof call>) {
  const allowed = methods(gateway);
  const schema = Object.hasOwn(allowed, method) ? allowed[method as keyof typeof allowed] : undefined;
  const checked = schema?.safeParse(params);
  if (!checked?.success) return { error: { code: -32601, message: 'not allowed here' } };
  try {
    return { result: await endpoint.send(method, checked.data) };
  } catch (error) {
    // The asker knows the words of nodes and acts on them ("nonce too low").
    const isRefusal = error instanceof AppError && error.code === 'LEDGER_REFUSED';
    return { error: { code: -32000, message: isRefusal ? String(error.details['text']) : 'the ledger does not answer' } };
  }
}
