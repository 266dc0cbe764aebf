/**
 * The contracts and `src-shared/operations.ts` must mean the same by an operation: the same number, the same EIP-712 type, and so the
 * same digest. Asked of the compiled gateway on a real ledger (Anvil).
 */
import { Interface, Wallet, ZeroHash, hexlify, id, randomBytes } from 'ethers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OperationKind, encodeType, operationKinds } from '../../src-shared/operations.ts';
import {
  auditTrailAbi,
  consentsAbi,
  directoryAbi,
  identifiersAbi,
  operationsAbi,
  recordsAbi,
} from '../../src-main/core/adapters/ledger/generated/contracts.ts';
import { type TestLedger, startLedger } from './ledger.ts';

const kinds = Object.keys(operationKinds) as OperationKind[];
const governor = Wallet.createRandom();
let ledger: TestLedger | undefined;

function gateway(name: string) {
  if (ledger === undefined) throw new Error('The ledger did not start');
  return ledger.gateway.getFunction(name);
}

/** Values of a kind's fields, at random. */
function payloadOf(kind: OperationKind): never {
  const values = operationKinds[kind].fields.map((field) => {
    if (field.type === 'bytes32') return [field.name, hexlify(randomBytes(32))];
    return [field.name, field.type === 'address' ? Wallet.createRandom().address : 200];
  });
  return Object.fromEntries(values) as never;
}

beforeAll(async () => {
  ledger = await startLedger(governor);
}, 60_000);

afterAll(() => {
  ledger?.stop();
});

describe('the contracts and the table of operations agree', () => {
  test.each(kinds)('on the EIP-712 type of %s', async (kind) => {
    expect(await gateway('typeHashOf')(operationKinds[kind].code)).toBe(id(encodeType(kind)));
  });

  test.each(kinds)('on the digest that is signed for %s', async (kind) => {
    const payload = payloadOf(kind);
    const operation = await ledger?.sign(kind, [governor], payload);
    expect(operation).toBeDefined();
    if (operation === undefined) return;
    expect(await gateway('digestOf')(operation)).toBe(ledger?.digest(kind, operation, payload));
  });

  test('that no kind has a number that the table does not name', async () => {
    const known = new Set<number>(Object.values(operationKinds).map((kind) => kind.code));
    for (let code = 0; code < 256; code += 1) {
      if (!known.has(code)) expect(await gateway('typeHashOf')(code)).toBe(ZeroHash);
    }
  });

  test('that nothing readable gets on the ledger: no operation, event or error has room for text', () => {
    const abis = [operationsAbi, directoryAbi, identifiersAbi, consentsAbi, recordsAbi, auditTrailAbi];
    for (const fragment of abis.flatMap((abi) => new Interface(abi).fragments)) {
      // The gateway's own name and version (EIP-5267), and what OpenZeppelin says of a name that is too long, which "Anamnesis" is not.
      if (fragment.type === 'constructor' || /eip712Domain|StringTooLong/.test(fragment.format('full'))) continue;
      expect(fragment.format('full')).not.toContain('string');
    }
  });
});

test('a rejection says why, and the next operation is applied all the same', async () => {
  if (ledger === undefined) throw new Error('The ledger did not start');
  const tooLate = await ledger.sign('AdmitOrganization', [governor], payloadOf('AdmitOrganization'), { deadline: 1 });
  const inTime = await ledger.sign('AdmitOrganization', [governor], payloadOf('AdmitOrganization'));
  const receipt = await ledger.submit([tooLate, inTime]);
  const abi = new Interface(operationsAbi);
  const events = receipt.logs.map((log) => abi.parseLog(log));
  expect(events.map((event) => event?.name)).toEqual(['OperationRejected', 'OperationApplied']);
  expect(abi.parseError(String(events[0]?.args.getValue('reason')))?.name).toBe('DeadlinePassed');
  expect(await gateway('appliedAt')(inTime.opId)).toBe(BigInt(receipt.blockNumber));
  expect(await gateway('appliedAt')(tooLate.opId)).toBe(0n);
});
