import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, truncateSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Wallet, getBytes } from 'ethers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anvilBinary } from '../../../src-main/core/adapters/ledger/anvil-binary.ts';
import { freePort } from '../../../src-main/core/adapters/ledger/anvil-process.ts';
import { createEmbeddedLedger } from '../../../src-main/core/adapters/ledger/embedded-ledger.ts';
import { createLedger } from '../../../src-main/core/adapters/ledger/ledger.ts';
import { appliedOnLedger, bytes32, chainId, clinic, eventually, governor, person, site, temporaryFolder } from './site.ts';
import type { Site } from './site.ts';

let at: Site;

beforeEach(async () => {
  at = await site();
});

afterEach(() => at.close());

const ledgerDir = () => join(at.dir, 'ledger');
const noted = () => JSON.parse(readFileSync(join(ledgerDir(), 'anvil.pid.json'), 'utf8')) as { pid: number; port: number };
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
    expect((await ledger.check()).number).toBe(receipt.block);
    ledger.close();
    expect(await appliedOnLedger(at.url, at.config)).toEqual(before);
  });

  it('starts again by itself when it dies', async () => {
    const { pid } = noted();
    process.kill(pid, 'SIGTERM');
    await eventually(async () => {
      expect(noted().pid).not.toBe(pid);
      expect((await appliedOnLedger(at.url, at.config)).size).toBe(0);
    });
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
    const orphan = JSON.parse(readFileSync(join(dir, 'anvil.pid.json'), 'utf8')) as { pid: number; port: number };
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
    const { writeFileSync } = await import('node:fs');
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
