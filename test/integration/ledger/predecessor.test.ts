/**
 * Operations that were signed in another network, which the governors of this one recognized as a predecessor: taken as they are, long after their deadlines, and
 * read by others with the signatures checked under the network in which they were made. Two real ledgers.
 */
import { join } from 'node:path';
import { getBytes } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLedger } from '../../../src-main/core/adapters/ledger/ledger.ts';
import { createOperationCodec } from '../../../src-main/core/adapters/ledger/operation-codec.ts';
import type { LedgerPort, NetworkConfig } from '../../../src-main/core/ports.ts';
import { checkEvents } from '../../../src-main/core/services/sync/event-check.ts';
import type { SignedOperation } from '../../../src-shared/operations.ts';
import { bytes32, chainId, clinic, eventually, governor, person, signed, site, temporaryFolder, workstation, type Site } from './site.ts';

const codec = createOperationCodec();
const relayerKey = getBytes(bytes32());
const folder = temporaryFolder();
/** The clinic's own ledger of before is gone; what it signed there is all that counts. */
const former: NetworkConfig = { chainId: chainId + 1, operations: person().address };
const domain = codec.network(former);
const longAgo = { issuedAt: 1_500_000_000, deadline: 1_500_000_600 };

let at: Site;
let ledger: LedgerPort;
beforeAll(async () => {
  at = await site();
  ledger = createLedger();
  ledger.connect(at.url, at.config);
});
afterAll(async () => {
  ledger.close();
  await at.close();
  folder.remove();
});

async function send(operations: readonly SignedOperation[], predecessor: string | null = null) {
  const nonce = await ledger.nonce(ledger.relayerAddress(relayerKey));
  const { hash, raw } = await ledger.signBatch(operations, relayerKey, nonce, { predecessor });
  await ledger.broadcast(raw);
  const { block } = await eventually(async () => (await ledger.receipt(hash)) ?? expect.fail('not mined yet'));
  return ledger.events(block, block);
}

const recognize = (organization: string, acceptedUntil = Math.floor(Date.now() / 1000) + 86_400) =>
  signed(at.config, 'RecognizePredecessor', { organization, domain, acceptedUntil }, [governor]);

/** A clinic that worked in the former network, and was admitted here as what it was when it began there. */
const moved = clinic(former);
const [admittedThere, ...work] = moved.founding as [SignedOperation, ...SignedOperation[]];
const signedThere = [...work, moved.commit(longAgo), moved.commit(longAgo)];
const admission = (): SignedOperation => {
  const { payload } = codec.decodePayload(admittedThere);
  return signed(at.config, 'AdmitOrganization', payload as never, [governor]);
};

describe('operations of a predecessor', () => {
  it('are refused before the governors recognize it, and after the time that they set', async () => {
    const [event] = await send(signedThere.slice(0, 1), domain);
    expect(event).toMatchObject({ type: 'rejected', reason: `PredecessorUnknown(${domain})` });
    await send([admission(), recognize(moved.organization, 1)]);
    expect(await send(signedThere.slice(0, 1), domain)).toMatchObject([{ type: 'rejected', reason: `PredecessorClosed(${domain}, 1)` }]);
  });

  it('are taken as they were signed, and say where that was; the governors’ own are not', async () => {
    await send([recognize(moved.organization)]);
    const events = await send([...signedThere, admittedThere], domain);
    expect(events.slice(0, -1)).toMatchObject(
      signedThere.map((operation) => ({ type: 'applied', opId: operation.opId, operation, predecessor: domain })),
    );
    expect(events.at(-1)).toMatchObject({ type: 'rejected', reason: expect.stringMatching(/^PredecessorCannotGovern/) as string });
    const own = await send([clinic(at.config).founding[0]!]);
    expect(own[0]).not.toHaveProperty('predecessor');
  });

  it('are read and believed by a workstation that was never there, and sent again the same way when the ledger loses them', async () => {
    const w = workstation({ dir: join(folder.dir, 'other'), url: at.url, config: at.config });
    w.sync.start();
    await eventually(() => expect(w.states(signedThere)).toEqual(signedThere.map(() => 'final')));
    expect(w.sync.status().forged).toBe(0);
    expect(w.store.operation(signedThere.at(-1)!.opId)).toMatchObject({ predecessor: domain, operation: signedThere.at(-1) });
    expect(w.store.operations({ kinds: ['AdmitOrganization'] }).map(({ predecessor }) => predecessor)).not.toContain(domain);

    // The ledger's state is lost; here the contracts come to the same address, and everything is sent from what this workstation knows.
    const again = await site();
    expect(again.config).toEqual(at.config);
    const other = createLedger();
    other.connect(again.url, again.config);
    await w.close();
    const heir = workstation({ dir: join(folder.dir, 'other'), url: again.url, config: again.config });
    heir.sync.start();
    await eventually(async () => {
      const events = await other.events(0, (await other.head()).number);
      const taken = events.filter(({ type, predecessor }) => type === 'applied' && predecessor === domain);
      expect(taken.map(({ opId }) => opId)).toEqual(signedThere.map(({ opId }) => opId));
    });
    await eventually(() => expect(heir.states(signedThere)).toEqual(signedThere.map(() => 'final')));
    expect(heir.store.operation(signedThere.at(-1)!.opId)).toMatchObject({ predecessor: domain });
    other.close();
    await heir.close();
    await again.close();
  });
});

describe('what an endpoint says of a predecessor', () => {
  it('is not believed where nobody recognized it, or where the signature is of another network', async () => {
    const { store, close } = workstation({ dir: join(folder.dir, 'doubt'), url: at.url, config: at.config });
    const blockTime = () => Promise.resolve(null);
    const check = {
      store,
      codec,
      network: at.config,
      doubtful: new Set<string>(),
      applied: () => Promise.resolve(null),
      blockTime,
      stopping: () => false,
    };
    const [operation] = signedThere as [SignedOperation, ...SignedOperation[]];
    const place = { block: 1, blockHash: bytes32(), txHash: bytes32() };
    const event = { type: 'applied', opId: operation.opId, operation, logIndex: 2, ...place } as const;
    const recognition = recognize(moved.organization);
    const recognized = { type: 'applied', opId: recognition.opId, operation: recognition, logIndex: 0, ...place } as const;

    expect(await checkEvents(check, [{ ...event, predecessor: domain }])).toMatchObject({ forged: 1, believed: [] });
    expect(await checkEvents(check, [recognized, { ...event, predecessor: domain }])).toMatchObject({ forged: 0 });
    expect(
      await checkEvents(check, [
        { ...event, predecessor: domain },
        { ...recognized, logIndex: 4 },
      ]),
    ).toMatchObject({ forged: 1 });
    expect(await checkEvents(check, [recognized, event])).toMatchObject({ forged: 1 });
    expect(await checkEvents(check, [recognized, { ...event, predecessor: bytes32() }])).toMatchObject({ forged: 1 });
    await close();
  });
});
