import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Wallet, getBytes } from 'ethers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anvilBinary } from '../../../src-main/core/adapters/ledger/anvil-binary.ts';
import { freePort } from '../../../src-main/core/adapters/ledger/anvil-process.ts';
import { createEmbeddedLedger } from '../../../src-main/core/adapters/ledger/embedded-ledger.ts';
import { createLedger } from '../../../src-main/core/adapters/ledger/ledger.ts';
import { appliedOnLedger, bytes32, chainId, clinic, eventually, governor, person, rpc, site, temporaryFolder } from './site.ts';
import type { Site } from './site.ts';

let at: Site;

beforeEach(async () => {
  at = await site();
});

afterEach(() => at.close());

const ledgerDir = () => join(at.dir, 'ledger');
const noted = (dir = ledgerDir()) => JSON.parse(readFileSync(join(dir, 'anvil.pid.json'), 'utf8')) as { pid: number; port: number };
const alive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Anchors a clinic's founding in one batch and answers the batch's receipt. */
async function anchor(url = at.url) {
  const ledger = createLedger();
  ledger.connect(url, at.config);
  const key = getBytes(bytes32());
  const { founding } = clinic(at.config);
  const { hash, raw } = await ledger.signBatch(founding, key, 0);
  await ledger.broadcast(raw);
  const receipt = await eventually(async () => {
    const found = await ledger.receipt(hash);
    expect(found).not.toBeNull();
    return found!;
  });
  ledger.close();
  return { founding, hash, receipt, key };
}

async function restart(dir = ledgerDir()) {
  const started = await at.embedded.start({ dir, chainId, port: at.port });
  at = { ...at, ...started };
  return started;
}

/** Its process writes its state, and ends; another one is started, and perhaps a second, where that state is not whole. */
async function endProcess() {
  const { pid } = noted();
  process.kill(pid, 'SIGTERM');
  await eventually(async () => expect(alive(pid)).toBe(false));
  // The note is of the one that answers once two questions in a row were answered by the same.
  await eventually(async () => {
    const before = noted().pid;
    expect(alive(before)).toBe(true);
    await rpc(at.url, 'eth_chainId');
    await delay(300);
    await rpc(at.url, 'eth_chainId');
    expect(noted().pid).toBe(before);
  });
}

describe('the embedded ledger', () => {
  it('leaves no process behind when it is stopped while it starts', async () => {
    await at.embedded.stop();
    const starting = restart();
    await at.embedded.stop();
    await starting;
    expect(existsSync(join(ledgerDir(), 'anvil.pid.json'))).toBe(false);
    await expect(fetch(at.url)).rejects.toThrow();
  });

  it('deploys the contracts once, at an address that follows from the governors', async () => {
    const again = await at.embedded.deploy(at.url, chainId, [governor.address.toLowerCase()], 1);
    expect(again).toEqual(at.config);
    const other = await at.embedded.deploy(at.url, chainId, [governor.address, person().address], 2);
    expect(other.operations).not.toBe(at.config.operations);
    await at.embedded.stop();
    await restart(join(at.dir, 'another'));
    expect(await at.embedded.deploy(at.url, chainId, [governor.address], 1)).toEqual(at.config);
  });

  it('refuses governors that make no network', async () => {
    for (const [governors, threshold] of [
      [[], 1],
      [[governor.address], 2],
      [[governor.address, governor.address], 1],
      [['0x12'], 1],
    ] as const) {
      await expect(at.embedded.deploy(at.url, chainId, governors, threshold)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
  });

  it('serves blocks, transactions and logs from the first block on after a restart', async () => {
    const { hash, receipt } = await anchor();
    const before = await appliedOnLedger(at.url, at.config);
    expect(before.size).toBe(4);
    const { pid } = noted();
    await at.embedded.stop();
    expect(alive(pid)).toBe(false);
    const { port } = await restart();
    expect(port).toBe(at.port);
    const ledger = createLedger();
    ledger.connect(at.url, at.config);
    expect(await ledger.receipt(hash)).toEqual(receipt);
    expect(await ledger.blockHash(receipt.block)).toBe(receipt.blockHash);
    expect((await ledger.events(0, receipt.block)).every((event) => event.blockHash === receipt.blockHash)).toBe(true);
    // And the one that the stop makes, to wait for what is being made.
    expect((await ledger.check()).number).toBe(receipt.block + 1);
    ledger.close();
    expect(await appliedOnLedger(at.url, at.config)).toEqual(before);
  });

  it.each([
    { how: 'stopped', times: 8, end: () => at.embedded.stop().then(() => restart()) },
    { how: 'ended by somebody else', times: 4, end: endProcess },
  ])('has in its blocks all that had an effect, also where it is $how while it makes them', async ({ times, end }) => {
    const sender = person();
    const price = { gasPrice: 0, chainId, type: 0, gasLimit: 900_000 } as const;
    const data = `0x${'ff'.repeat(2_000)}`;
    const sentSoFar = async () => Number(await rpc(at.url, 'eth_getTransactionCount', sender.address, 'latest'));
    let nonce = 0;
    for (let time = 0; time < times; time++) {
      const many = Array.from({ length: 60 }, (_, i) => sender.signTransaction({ ...price, to: governor.address, nonce: nonce + i, data }));
      const sent = Promise.allSettled((await Promise.all(many)).map((raw) => rpc(at.url, 'eth_sendRawTransaction', raw)));
      await eventually(async () => expect(await sentSoFar()).toBeGreaterThan(nonce));
      await end();
      await sent;
      nonce = await sentSoFar();
      const head = Number(await rpc(at.url, 'eth_blockNumber'));
      let inBlocks = 0;
      for (let number = 0; number <= head; number++) {
        const block = (await rpc(at.url, 'eth_getBlockByNumber', `0x${number.toString(16)}`, true)) as { transactions: { from: string }[] };
        inBlocks += block.transactions.filter(({ from }) => from === sender.address.toLowerCase()).length;
      }
      expect(inBlocks).toBe(nonce);
    }
  });

  it('starts again by itself when it dies', async () => {
    const { pid } = noted();
    process.kill(pid, 'SIGTERM');
    await eventually(async () => {
      expect(noted().pid).not.toBe(pid);
      expect((await appliedOnLedger(at.url, at.config)).size).toBe(0);
    });
  });

  it.runIf(process.platform === 'linux')('writes a state that has grown less often', async () => {
    await at.embedded.stop();
    const dir = join(at.dir, 'grown');
    const ledger = createEmbeddedLedger(200);
    const { url } = await ledger.start({ dir, chainId, port: 0 });
    const { pid } = noted(dir);
    const interval = () =>
      /--state-interval (\d+)/.exec(readFileSync(`/proc/${noted(dir).pid}/cmdline`, 'utf8').replaceAll('\0', ' '))?.[1];
    expect(interval()).toBe('5');
    const grown = Array.from({ length: 20 }, () => person().address);
    for (const account of grown) await rpc(url, 'anvil_setCode', account, `0x${'ff'.repeat(500_000)}`);
    await eventually(() => expect(interval()).toBe('30'));
    expect(noted(dir).pid).not.toBe(pid);
    await eventually(async () => expect(await rpc(url, 'eth_getCode', grown.at(-1), 'latest')).toHaveLength(1_000_002));
    await ledger.stop();
  });

  it('stops for good even while it is starting again', async () => {
    const { pid } = noted();
    process.kill(pid, 'SIGKILL');
    await at.embedded.stop();
    expect(existsSync(join(ledgerDir(), 'anvil.pid.json'))).toBe(false);
    expect(await freePort(at.port)).toBe(at.port);
  });

  it('takes another port where its own is taken', async () => {
    await at.embedded.stop();
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const taken = (other.address() as AddressInfo).port;
    const { port } = await at.embedded.start({ dir: ledgerDir(), chainId, port: taken });
    expect(port).not.toBe(taken);
    other.close();
  });

  it('falls back to the last good state where a crash left half of one', async () => {
    const { founding } = await anchor();
    await at.embedded.stop();
    await restart();
    await at.embedded.stop();
    truncateSync(join(ledgerDir(), 'ledger.json'), 1000);
    await restart();
    expect([...(await appliedOnLedger(at.url, at.config)).keys()].sort()).toEqual(founding.map(({ opId }) => opId).sort());
    expect(existsSync(join(ledgerDir(), 'ledger.damaged.json'))).toBe(true);
  });

  it('falls back too where a state has the effect of a block that it has not', async () => {
    const stateFile = join(ledgerDir(), 'ledger.json');
    const readState = () => JSON.parse(readFileSync(stateFile, 'utf8')) as Record<string, unknown>;
    const first = await anchor();
    await at.embedded.stop();
    const before = readState();
    await restart();
    const second = await anchor();
    await at.embedded.stop();
    // What Anvil leaves that was killed after it had written its blocks, made another, and written the accounts.
    writeFileSync(stateFile, JSON.stringify({ ...before, accounts: readState()['accounts'] }));
    await restart();
    expect(existsSync(join(ledgerDir(), 'ledger.damaged.json'))).toBe(true);
    expect([...(await appliedOnLedger(at.url, at.config)).keys()].sort()).toEqual(first.founding.map(({ opId }) => opId).sort());
    const ledger = createLedger();
    ledger.connect(at.url, at.config);
    for (const { opId } of second.founding) expect(await ledger.applied(opId)).toBeNull();
    ledger.close();
  });

  it('begins anew where every state is damaged', async () => {
    await at.embedded.stop();
    await restart();
    await at.embedded.stop();
    truncateSync(join(ledgerDir(), 'ledger.json'), 0);
    truncateSync(join(ledgerDir(), 'ledger.previous.json'), 10);
    await restart();
    expect(await at.embedded.deploy(at.url, chainId, [governor.address], 1)).toEqual(at.config);
  });
});

describe('an Anvil left behind by a killed core', () => {
  let core: ChildProcess | null = null;

  afterEach(() => {
    core?.kill('SIGKILL');
  });

  it('is ended at the next start, with nothing of it lost', async () => {
    await at.embedded.stop();
    const dir = join(at.dir, 'left');
    // Its own process, so that it can be killed as a core can be.
    const module = new URL('../../../src-main/core/adapters/ledger/embedded-ledger.ts', import.meta.url).href;
    const script = `const { createEmbeddedLedger } = await import(${JSON.stringify(module)});
      const ledger = createEmbeddedLedger();
      const { url } = await ledger.start({ dir: ${JSON.stringify(dir)}, chainId: ${chainId}, port: 0 });
      await ledger.deploy(url, ${chainId}, ['${governor.address}'], 1);
      console.log(url); setInterval(() => {}, 1000);`;
    core = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(core.stdout!, 'data')) as [Buffer];
    const { founding } = await anchor(line.toString().trim());
    const orphan = noted(dir);
    core.kill('SIGKILL');
    await once(core, 'exit');
    expect(alive(orphan.pid)).toBe(true);

    const { url, port } = await at.embedded.start({ dir, chainId, port: orphan.port });
    expect(alive(orphan.pid)).toBe(false);
    expect(port).toBe(orphan.port);
    expect((await appliedOnLedger(url, at.config)).size).toBe(founding.length);
  });

  it('is not mistaken for another process that got its number', async () => {
    await at.embedded.stop();
    const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    writeFileSync(join(ledgerDir(), 'anvil.pid.json'), JSON.stringify({ pid: bystander.pid, port: at.port, chainId }));
    await restart();
    expect(bystander.exitCode).toBeNull();
    expect(alive(bystander.pid!)).toBe(true);
    bystander.kill();
  });
});

describe('a ledger without the deployment proxy', () => {
  it('is told so, and nothing is deployed', async () => {
    const { dir, remove } = temporaryFolder();
    const port = await freePort(0);
    const bare = spawn(
      anvilBinary(),
      ['--port', String(port), '--chain-id', String(chainId), '--disable-default-create2-deployer', '--quiet'],
      { stdio: 'ignore', cwd: dir },
    );
    try {
      const url = `http://127.0.0.1:${port}`;
      await eventually(async () => {
        const failure = await createEmbeddedLedger()
          .deploy(url, chainId, [new Wallet(bytes32()).address], 1)
          .catch((error: unknown) => error);
        expect(failure).toMatchObject({ code: 'LEDGER_REFUSED', message: expect.stringContaining('deployment proxy') });
      });
      await expect(createEmbeddedLedger().deploy(url, chainId + 1, [governor.address], 1)).rejects.toMatchObject({
        code: 'LEDGER_WRONG_CHAIN',
      });
    } finally {
      bare.kill();
      await once(bare, 'exit');
      remove();
    }
  });
});
