import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getBytes } from 'ethers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLedger } from '../../../src-main/core/adapters/ledger/ledger.ts';
import { appliedOnLedger, bytes32, chainId, clinic, eventually, governor, proxy, signed, site, workstation } from './site.ts';
import type { Clinic, Site, Workstation } from './site.ts';

let at: Site;
let here: Workstation;
let founded: Clinic;
const relayerKey = getBytes(bytes32());

beforeEach(async () => {
  at = await site();
  here = workstation({ dir: join(at.dir, 'a'), url: at.url, config: at.config, relayerKey });
  founded = clinic(at.config);
});

afterEach(async () => {
  await here.close();
  await at.close();
});

const all = (state: string, count: number) => Array.from({ length: count }, () => state);

/** Waits until each is in the state, and checks that the ledger applied each exactly once. */
async function anchored(operations: readonly { opId: string }[], state = 'final') {
  await eventually(() => expect(here.states(operations as never)).toEqual(all(state, operations.length)));
  const counts = await appliedOnLedger(at.url, at.config);
  expect(operations.map(({ opId }) => counts.get(opId))).toEqual(operations.map(() => 1));
}

const anvilPid = () => (JSON.parse(readFileSync(join(at.dir, 'ledger', 'anvil.pid.json'), 'utf8')) as { pid: number }).pid;

describe('outbox and follower', () => {
  it('anchor operations in the order in which they were made, and a bad one does not harm its neighbours', async () => {
    const commits = Array.from({ length: 5 }, () => founded.commit());
    const forged = founded.commit({ signatures: [commits[0]!.signatures[0]!] });
    const late = founded.commit({ deadline: 1_000_000_000 });
    here.enqueue(...founded.founding, ...commits.slice(0, 2), forged, late, ...commits.slice(2));
    here.sync.start();
    await anchored([...founded.founding, ...commits]);
    expect(here.states([forged, late])).toEqual(['rejected', 'rejected']);
    expect(here.store.operation(forged.opId)?.rejectReason).toBe(`SignatureWrong(0, ${founded.doctor.address})`);
    expect(here.store.operation(late.opId)?.rejectReason).toMatch(/^DeadlinePassed\(1000000000, \d+\)$/);
    await eventually(() => expect(here.store.openTransactions()).toEqual([]));
    expect(here.sync.status()).toMatchObject({ state: 'online', pending: 0, rejected: 2, forged: 0, error: null, sendError: null });
  });

  it('send a rejected operation again when asked to', async () => {
    const commit = founded.commit();
    here.enqueue(commit);
    here.sync.start();
    await eventually(() => expect(here.states([commit])).toEqual(['rejected']));
    expect(here.store.operation(commit.opId)?.rejectReason).toMatch(/^\w+\(.*\)$/);
    here.enqueue(...founded.founding);
    await anchored(founded.founding);
    here.store.retry(commit.opId);
    here.sync.poke();
    await anchored([commit]);
  });

  it('send more than one batch holds', async () => {
    const commits = Array.from({ length: 230 }, () => founded.commit());
    here.enqueue(...founded.founding, ...commits);
    here.sync.start();
    await anchored([...founded.founding, ...commits]);
  });

  it('show a second workstation what the first anchored, checked', async () => {
    here.enqueue(...founded.founding, founded.commit());
    here.sync.start();
    const there = workstation({ dir: join(at.dir, 'b'), url: at.url, config: at.config });
    there.sync.start();
    await eventually(() => expect(there.states(founded.founding)).toEqual(all('final', 4)));
    expect(there.store.operations({ patient: founded.patient.address }).length).toBeGreaterThanOrEqual(2);
    await there.close();
  });

  it('anchor an operation once when two workstations relay it', async () => {
    const there = workstation({ dir: join(at.dir, 'b'), url: at.url, config: at.config });
    const operations = [...founded.founding, founded.commit(), founded.commit()];
    here.enqueue(...operations);
    there.enqueue(...operations);
    here.sync.start();
    there.sync.start();
    await eventually(() => expect([...here.states(operations), ...there.states(operations)]).toEqual(all('final', 2 * operations.length)));
    await anchored(operations);
    await eventually(() => expect([here, there].flatMap(({ store }) => store.openTransactions())).toEqual([]));
    expect(there.sync.status().rejected).toBe(0);
    await there.close();
  });

  it('do not believe a rejection that a stranger caused, nor lose an operation whose id a stranger used', async () => {
    const commit = founded.commit();
    const stolen = founded.commit();
    const other = clinic(at.config);
    const theft = signed(at.config, 'AdmitOrganization', admissionOf(other), [governor], { opId: stolen.opId });
    const stranger = createLedger();
    stranger.connect(at.url, at.config);
    const key = getBytes(bytes32());
    const batch = [{ ...commit, signatures: [stolen.signatures[0]!] }, theft];
    await stranger.broadcast((await stranger.signBatch(batch, key, 0)).raw);
    await eventually(async () => expect(await stranger.nonce(stranger.relayerAddress(key))).toBe(1));
    stranger.close();

    here.enqueue(...founded.founding, commit, stolen);
    here.sync.start();
    await anchored([...founded.founding, commit]);
    await eventually(() => expect(here.states([stolen])).toEqual(['rejected']));
    expect(here.store.operation(stolen.opId)).toMatchObject({ operation: stolen, rejectReason: expect.stringMatching(/^OpIdTaken/) });
    expect(here.sync.status().forged).toBe(1);
  });

  it('go on after a restart of everything', async () => {
    here.enqueue(...founded.founding);
    here.sync.start();
    await anchored(founded.founding);
    await here.close();
    await at.embedded.stop();
    const { url } = await at.embedded.start({ dir: join(at.dir, 'ledger'), chainId, port: at.port });
    at = { ...at, url };
    here = workstation({ dir: join(at.dir, 'a'), url, config: at.config, relayerKey });
    const commit = founded.commit();
    here.enqueue(commit);
    here.sync.start();
    await anchored([...founded.founding, commit]);
  });

  it('send everything again that a killed ledger lost, once each', async () => {
    const before = [...founded.founding, founded.commit()];
    here.enqueue(...before);
    here.sync.start();
    await anchored(before);
    // No dump was written yet: everything since the start is lost, the contracts too.
    await here.close();
    here = workstation({
      dir: join(at.dir, 'a'),
      url: at.url,
      config: at.config,
      relayerKey,
      onMissingGateway: async () => void (await at.embedded.deploy(at.url, chainId, [governor.address], 1)),
    });
    const during = [founded.commit(), founded.commit()];
    here.enqueue(...during);
    const genesis = here.store.followedBlocks(1000).at(-1);
    process.kill(anvilPid(), 'SIGKILL');
    here.sync.start();
    await anchored([...before, ...during]);
    expect(here.store.followedBlocks(1000).at(-1)).not.toEqual(genesis);
    const after = founded.commit();
    here.enqueue(after);
    await anchored([after]);
    await eventually(() => expect(here.store.openTransactions()).toEqual([]));
  });

  it('send again what others had made and do not send again, before what depends on it', async () => {
    const commit = founded.commit();
    const there = workstation({ dir: join(at.dir, 'b'), url: at.url, config: at.config });
    there.enqueue(...founded.founding);
    there.sync.start();
    here.sync.start();
    await anchored(founded.founding);
    await there.close();
    await at.embedded.stop();
    const { url } = await at.embedded.start({ dir: join(at.dir, 'empty'), chainId, port: at.port });
    await at.embedded.deploy(url, chainId, [governor.address], 1);
    here.enqueue(commit);
    await anchored([...founded.founding, commit]);
    expect(here.sync.status()).toMatchObject({ rejected: 0, forged: 0, pending: 0 });
  });

  it('keep to once when the answer to a broadcast is lost', async () => {
    await here.close();
    const between = await proxy(at.url);
    here = workstation({ dir: join(at.dir, 'a'), url: between.url, config: at.config, relayerKey });
    between.loseAnswersTo = /eth_sendRawTransaction/;
    const operations = [...founded.founding, founded.commit()];
    here.enqueue(...operations);
    here.sync.start();
    await eventually(() => expect(between.lost).toBeGreaterThan(0));
    between.loseAnswersTo = null;
    await anchored(operations);
    await eventually(() => expect(here.store.openTransactions()).toEqual([]));
    expect(here.sync.status().rejected).toBe(0);
    await between.close();
  });

  it('keep what is pending while the ledger is down, say so, and send it when it is back', async () => {
    await here.close();
    const between = await proxy(at.url);
    between.down = true;
    here = workstation({ dir: join(at.dir, 'a'), url: between.url, config: at.config, relayerKey });
    here.enqueue(...founded.founding);
    here.sync.start();
    await eventually(() => expect(here.sync.status().error?.code).toBe('LEDGER_UNREACHABLE'));
    expect(here.sync.status()).toMatchObject({ state: 'offline', pending: 4 });
    between.down = false;
    here.sync.poke();
    await anchored(founded.founding);
    expect(here.sync.status()).toMatchObject({ state: 'online', error: null });
    await between.close();
  });

  it('send nothing to another chain', async () => {
    await here.close();
    here = workstation({ dir: join(at.dir, 'a'), url: at.url, config: { ...at.config, chainId: 1 }, relayerKey });
    here.enqueue(...founded.founding);
    here.sync.start();
    await eventually(() => expect(here.sync.status().sendError?.code).toBe('LEDGER_WRONG_CHAIN'));
    expect(here.sync.status()).toMatchObject({ state: 'offline', pending: 4 });
    expect(here.store.openTransactions()).toEqual([]);
  });

  it('see a transaction through that was stored but not sent when the workstation died', async () => {
    const ledger = createLedger();
    ledger.connect(at.url, at.config);
    here.enqueue(...founded.founding);
    const batch = await ledger.signBatch(founded.founding, relayerKey, 0);
    here.store.saveTransaction({ ...batch, nonce: 0, opIds: founded.founding.map(({ opId }) => opId), createdAt: 0 });
    // And one behind a gap, which can never be mined.
    const commit = founded.commit();
    here.enqueue(commit);
    const gapped = await ledger.signBatch([commit], relayerKey, 5);
    here.store.saveTransaction({ ...gapped, nonce: 5, opIds: [commit.opId], createdAt: 0 });
    ledger.close();
    here.sync.start();
    await anchored([...founded.founding, commit]);
    await eventually(() => expect(here.store.openTransactions()).toEqual([]));
  });
});

function admissionOf(other: Clinic) {
  return {
    organization: other.organization,
    admin: other.doctor.address,
    encryptionKey: bytes32(),
    organizationKey: bytes32(),
    profile: bytes32(),
    adminProfile: bytes32(),
    keyEnvelope: bytes32(),
  };
}
