/** Chains that reorganize, do not mine, ask for a price, or revert: Anvil made to behave so. */
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { getBytes, zeroPadValue } from 'ethers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anvilBinary } from '../../../src-main/core/adapters/ledger/anvil-binary.ts';
import { freePort } from '../../../src-main/core/adapters/ledger/anvil-process.ts';
import { deployContracts } from '../../../src-main/core/adapters/ledger/deploy.ts';
import { createLedger } from '../../../src-main/core/adapters/ledger/ledger.ts';
import type { NetworkConfig } from '../../../src-main/core/ports.ts';
import { appliedOnLedger, bytes32, chainId, clinic, eventually, governor, rpc, signed, temporaryFolder, workstation } from './site.ts';
import type { Workstation } from './site.ts';
import type { SignedOperation } from '../../../src-shared/operations.ts';

/** Code that answers every call with 1, as if all modules were there; and code that does so for short calls, and reverts longer ones. */
const answersOne = '0x60015f5260205ff3';
const revertsWhenLong = '0x36602410600f5760015f5260205ff35b5f5ffd';

let folder: ReturnType<typeof temporaryFolder>;
let anvil: ChildProcess;
let url: string;
let config: NetworkConfig;
let here: Workstation;
/** How far this workstation's clock runs ahead, milliseconds. */
let ahead = 0;
const relayerKey = getBytes(bytes32());

async function begin(...more: string[]) {
  const port = await freePort(0);
  const free = ['--base-fee', '0', '--gas-price', '0', '--no-priority-fee'];
  const args = [
    '--port',
    String(port),
    '--chain-id',
    String(chainId),
    '--quiet',
    '--gas-limit',
    '100000000',
    ...(more.length ? more : free),
  ];
  anvil = spawn(anvilBinary(), args, { stdio: 'ignore' });
  url = `http://127.0.0.1:${port}`;
  await eventually(() => rpc(url, 'eth_chainId'));
}

function joinNetwork(confirmations = 0) {
  here = workstation({ dir: join(folder.dir, 'a'), url, config, relayerKey, confirmations, clock: () => Date.now() + ahead });
}

beforeEach(() => {
  folder = temporaryFolder();
  ahead = 0;
});

afterEach(async () => {
  await here.close();
  anvil.kill('SIGKILL');
  await once(anvil, 'exit');
  folder.remove();
});

const all = (state: string, count: number) => Array.from({ length: count }, () => state);

describe('a chain that reorganizes', () => {
  beforeEach(async () => {
    await begin();
    config = await deployContracts(url, chainId, [governor.address], 1);
  });

  it('has its lost operations sent again, once each, and its final ones left alone', async () => {
    joinNetwork(2);
    const { founding, commit } = clinic(config);
    here.enqueue(...founding);
    here.sync.start();
    await eventually(() => expect(here.states(founding)).toEqual(all('mined', 4)));
    await rpc(url, 'anvil_mine', '0x3');
    await eventually(() => expect(here.states(founding)).toEqual(all('final', 4)));
    const commits = [commit(), commit()];
    here.enqueue(...commits);
    await eventually(() => expect(here.states(commits)).toEqual(['mined', 'mined']));
    const before = here.store.followedBlocks(1)[0]!;
    await rpc(url, 'anvil_rollback', 1);
    await rpc(url, 'anvil_mine', '0x2');
    await eventually(() => {
      expect(here.states(commits)).toEqual(['mined', 'mined']);
      expect(here.store.operation(commits[0]!.opId)!.block).toBeGreaterThan(before.number);
    });
    const counts = await appliedOnLedger(url, config);
    expect([...founding, ...commits].map(({ opId }) => counts.get(opId))).toEqual(Array.from({ length: 6 }, () => 1));
    await rpc(url, 'anvil_mine', '0x2');
    await eventually(() => expect(here.states(commits)).toEqual(['final', 'final']));
  });

  it('at any depth from 1 to 8 has everything again, once each', { timeout: 120_000 }, async () => {
    joinNetwork();
    const { founding, commit } = clinic(config);
    const made = [...founding];
    const anchored = async () => {
      await eventually(async () => {
        here.sync.hurry();
        expect(new Set(here.states(made))).toEqual(new Set(['final']));
        const counts = await appliedOnLedger(url, config);
        expect(made.map(({ opId }) => counts.get(opId))).toEqual(made.map(() => 1));
      });
    };
    here.enqueue(...founding);
    here.sync.start();
    await anchored();
    for (let depth = 1; depth <= 8; depth++) {
      const one = commit();
      made.push(one);
      here.enqueue(one);
      await anchored();
      if (depth > 1) await rpc(url, 'anvil_mine', `0x${(depth - 1).toString(16)}`);
      await rpc(url, 'anvil_rollback', depth);
      await rpc(url, 'anvil_mine', `0x${(depth + 1).toString(16)}`);
      await anchored();
    }
    await eventually(() => expect(here.store.openTransactions()).toEqual([]));
  });

  it('and refuses then what its maker is no longer there for leaves nothing waiting elsewhere', async () => {
    joinNetwork();
    const { founding, commit, patient, doctor, compartment } = clinic(config);
    const lost = commit();
    const maker = createLedger();
    maker.connect(url, config);
    const key = getBytes(bytes32());
    const send = async (operations: readonly SignedOperation[]) => {
      const nonce = await maker.nonce(maker.relayerAddress(key));
      const { raw, hash } = await maker.signBatch(operations, key, nonce);
      await maker.broadcast(raw);
      // Mined a moment after it was taken: only then is the next nonce told.
      await eventually(async () => expect(await maker.receipt(hash)).not.toBeNull());
    };
    await send(founding);
    await send([lost]);
    here.sync.start();
    await eventually(() => expect(here.states([...founding, lost])).toEqual(all('final', 5)));

    // On the other chain the patient takes the doctor's access away first.
    await rpc(url, 'anvil_rollback', 1);
    const grantee = zeroPadValue(doctor.address, 32).toLowerCase();
    const revocation = signed(config, 'Revoke', { patient: patient.address, compartment, grantee, epoch: 1, envelope: bytes32() }, [
      patient,
    ]);
    await send([revocation]);
    await rpc(url, 'anvil_mine', '0x1');
    maker.close();
    await eventually(() => expect(here.states([lost, revocation])).toEqual(['rejected', 'final']));
    expect(here.store.operation(lost.opId)).toMatchObject({ origin: 'ledger', rejectReason: expect.stringMatching(/^WriteNotGranted/) });
    // Nobody here made it: nothing is to be done about it here.
    expect(here.sync.status()).toMatchObject({ pending: 0, rejected: 0 });
  });

  it('while much of it is read leaves nothing of the one that is gone', { timeout: 120_000 }, async () => {
    const { founding, commit } = clinic(config);
    const lost = commit();
    const maker = createLedger();
    maker.connect(url, config);
    const key = getBytes(bytes32());
    for (const operations of [founding, [lost]]) {
      const { raw, hash } = await maker.signBatch(operations, key, await maker.nonce(maker.relayerAddress(key)));
      await maker.broadcast(raw);
      await eventually(async () => expect(await maker.receipt(hash)).not.toBeNull());
    }
    const at = (await maker.head()).number;
    // So many that they are read in more than two ranges.
    await rpc(url, 'anvil_mine', '0xd0');
    let changed = false;
    here = workstation({
      ...{ dir: join(folder.dir, 'a'), url, config, relayerKey },
      between: (ledger) => ({
        ...ledger,
        async blockHash(number) {
          // The first 64 blocks were read, and found to be of one chain. Now it changes, from before the commit on.
          if (number >= 64 && !changed) {
            changed = true;
            await rpc(url, 'anvil_rollback', (await maker.head()).number - at + 1);
            await rpc(url, 'anvil_mine', '0xe0');
          }
          return ledger.blockHash(number);
        },
      }),
    });
    here.sync.start();
    await eventually(async () => {
      here.sync.hurry();
      expect(here.states([lost])).toEqual(['final']);
      expect((await appliedOnLedger(url, config)).get(lost.opId)).toBe(1);
    });
    expect(changed).toBe(true);
    maker.close();
  });

  it('that only got shorter is noticed too', async () => {
    joinNetwork();
    const { founding } = clinic(config);
    here.enqueue(...founding);
    here.sync.start();
    await eventually(() => expect(here.states(founding)).toEqual(all('final', 4)));
    const tip = here.store.followedBlocks(1)[0]!;
    await rpc(url, 'anvil_rollback', 1);
    await eventually(async () => {
      expect((await appliedOnLedger(url, config)).size).toBe(4);
      expect(here.store.followedBlocks(1)[0]).not.toEqual(tip);
      expect(here.states(founding)).toEqual(all('final', 4));
    });
  });
});

describe('a chain that asks for a price', () => {
  it('is offered more for a transaction that it does not take', async () => {
    await begin('--no-mining', '--base-fee', '1000000000');
    const ledger = createLedger();
    config = { chainId, operations: `0x${'11'.repeat(20)}` };
    ledger.connect(url, config);
    const relayer = ledger.relayerAddress(relayerKey);
    await rpc(url, 'anvil_setBalance', relayer, '0xde0b6b3a7640000');
    await rpc(url, 'anvil_setCode', config.operations, answersOne);
    joinNetwork();
    const { founding } = clinic(config);
    here.enqueue(...founding);
    here.sync.start();
    await eventually(() => expect(here.store.openTransactions()).toHaveLength(1));
    const [first] = here.store.openTransactions();
    // Sent again after a while, then at a higher price.
    await eventually(() => {
      ahead += 10_000;
      here.sync.poke();
      expect(here.store.openTransactions().length).toBeGreaterThan(1);
    });
    const open = here.store.openTransactions();
    expect(open.every(({ nonce }) => nonce === first!.nonce)).toBe(true);
    const priceOf = async (hash: string) =>
      Number(((await rpc(url, 'eth_getTransactionByHash', hash)) as { gasPrice: string } | null)?.gasPrice);
    await eventually(async () => expect(await priceOf(open[1]!.hash)).toBeGreaterThan(1_000_000_000));
    expect(here.states(founding)).toEqual(all('submitted', 4));
    await rpc(url, 'evm_mine');
    await eventually(async () => expect(await ledger.nonce(relayer)).toBe(1));
    ledger.close();
  });
});

describe('a chain that asks for a fee', () => {
  it('is told of where the relayer has nothing to pay with, and served when it has', async () => {
    await begin('--base-fee', '1000000000');
    config = { chainId, operations: `0x${'11'.repeat(20)}` };
    await rpc(url, 'anvil_setCode', config.operations, answersOne);
    joinNetwork();
    const { founding } = clinic(config);
    here.enqueue(...founding);
    here.sync.start();
    await eventually(() => expect(here.sync.status().sendError).toMatchObject({ code: 'LEDGER_REFUSED', details: { reason: 'no-funds' } }));
    const ledger = createLedger();
    const relayer = ledger.relayerAddress(relayerKey);
    expect(here.sync.status().sendError?.message).toContain(relayer);
    // While it is tried once more they are under way.
    await eventually(() => expect(here.states(founding)).toEqual(all('pending', 4)));
    await rpc(url, 'anvil_setBalance', relayer, '0xde0b6b3a7640000');
    await eventually(async () => {
      here.sync.hurry();
      expect(Number(await rpc(url, 'eth_getTransactionCount', relayer, 'latest'))).toBeGreaterThan(0);
    });
  });
});

describe('a gateway that reverts', () => {
  it('is not asked for ever: the operation to blame is found and left out, with word of it', async () => {
    await begin();
    config = { chainId, operations: `0x${'11'.repeat(20)}` };
    await rpc(url, 'anvil_setCode', config.operations, revertsWhenLong);
    joinNetwork();
    const { founding } = clinic(config);
    here.enqueue(...founding);
    here.sync.start();
    await eventually(() => expect(here.sync.status().sendError).toMatchObject({ code: 'LEDGER_REFUSED', details: { reason: 'reverted' } }));
    await eventually(() => {
      expect(here.states(founding)).toEqual(all('pending', 4));
      expect(here.store.openTransactions()).toEqual([]);
    });
    const sent = Number(await rpc(url, 'eth_blockNumber'));
    expect(sent).toBeLessThan(10);
  });
});
