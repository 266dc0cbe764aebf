import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AbiCoder, concat, id, toBeHex, zeroPadValue } from 'ethers';

interface Anchored {
  readonly kind: string;
  readonly opId: string;
  readonly actor: string;
  readonly issuedAt: number;
  readonly deadline: number;
  readonly payload: string;
  readonly signatures: readonly string[];
  readonly anchor: { readonly block: number; readonly blockHash: string | null; readonly transaction: string; readonly logIndex: number };
}
interface Ledger {
  checkAnchor(operation: Anchored): Promise<void>;
  applied(to: number): AsyncIterable<{ opId: string; kind: string; payload: Record<string, unknown> }>;
}
const { connectLedger } = (await import(pathToFileURL(join(process.cwd(), 'resources/verify-export/lib/ledger.mjs')).href)) as {
  connectLedger(url: string, network: { chainId: number; operations: string }): Promise<Ledger>;
};

const gateway = `0x${'aa'.repeat(20)}`;
const operation: Anchored = {
  kind: 'ChangeMember',
  opId: `0x${'01'.repeat(32)}`,
  actor: `0x${'02'.repeat(20)}`,
  issuedAt: 1_700_000_000,
  deadline: 1_800_000_000,
  payload: concat([`0x${'03'.repeat(32)}`, zeroPadValue(`0x${'04'.repeat(20)}`, 32), toBeHex(5, 32)]),
  signatures: [`0x${'06'.repeat(65)}`, `0x${'07'.repeat(65)}`],
  anchor: { block: 9, blockHash: `0x${'08'.repeat(32)}`, transaction: `0x${'09'.repeat(32)}`, logIndex: 3 },
};
const { issuedAt, deadline, payload, signatures } = operation;
const abi = AbiCoder.defaultAbiCoder();
const content = concat([
  toBeHex(issuedAt, 8),
  toBeHex(deadline, 8),
  toBeHex(3, 1),
  payload,
  ...signatures.flatMap((signature) => [toBeHex(65, 2), signature]),
]);
const forms: Readonly<Record<string, readonly [string, string]>> = {
  padded: [
    'OperationApplied(bytes32,uint8,address,uint64,uint64,bytes,bytes[])',
    abi.encode(['uint64', 'uint64', 'bytes', 'bytes[]'], [issuedAt, deadline, payload, signatures]),
  ],
  packed: ['OperationApplied(bytes32,uint8,address,bytes)', abi.encode(['bytes'], [content])],
};

let server: Server;
let ledger: Ledger;
let form: readonly [string, string];

beforeAll(async () => {
  const log = () => ({
    ...{ address: gateway, logIndex: '0x3', blockNumber: '0x9', data: form[1] },
    topics: [id(form[0]), operation.opId, toBeHex(4, 32), zeroPadValue(operation.actor, 32)],
  });
  const answers: Record<string, () => unknown> = {
    eth_chainId: () => '0x7',
    eth_getCode: () => '0x60',
    eth_getTransactionReceipt: () => ({ blockNumber: '0x9', blockHash: operation.anchor.blockHash, logs: [log()] }),
    eth_getLogs: () => [log()],
  };
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { method } = JSON.parse(Buffer.concat(parts).toString()) as { method: string };
      response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: answers[method]?.() ?? null }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => server.close());

for (const name of Object.keys(forms)) {
  it(`finds an operation in the ${name} form of its event, and no other in its place`, async () => {
    form = forms[name] ?? expect.fail();
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    ledger = await connectLedger(url, { chainId: 7, operations: gateway });
    await ledger.checkAnchor(operation);
    for (const changed of [{ issuedAt: 1 }, { deadline: 1 }, { payload: `0x${'00'.repeat(96)}` }, { signatures: signatures.slice(1) }])
      await expect(ledger.checkAnchor({ ...operation, ...changed })).rejects.toThrow('another operation');
    const found = [];
    for await (const applied of ledger.applied(9)) found.push(applied);
    expect(found).toMatchObject([{ opId: operation.opId, kind: 'ChangeMember', payload: { roles: 5 } }]);
  });
}
