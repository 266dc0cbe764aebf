/**
 * The consortium's kit (`deploy/`) by the commands that its README names. Besu itself does not run here: Anvil begins with the same genesis file, so that what
 * the file says of the chain, of gas and of the deployment proxy (Anvil's own is off) is what the contracts meet.
 */
import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { anvilBinary } from '../../../src-main/core/adapters/ledger/anvil-binary.ts';
import { freePort } from '../../../src-main/core/adapters/ledger/anvil-process.ts';
import { appliedOnLedger, clinic, eventually, governor, person, rpc, temporaryFolder, workstation } from './site.ts';

const chain = 771_234;
const folder = temporaryFolder();
const file = join(folder.dir, 'genesis.json');
let url = '';
let ledger: ReturnType<typeof spawn> | null = null;

const admin = (...args: readonly string[]) =>
  new Promise<{ operations: string }>((resolve, reject) => {
    execFile(process.execPath, [join(process.cwd(), 'src-main/core/admin.ts'), ...args, '--json'], (error, stdout) => {
      if (error) reject(new Error(stdout));
      else resolve(JSON.parse(stdout) as { operations: string });
    });
  });

beforeAll(async () => {
  await admin('genesis', '--chain', String(chain), '--out', file, ...[1, 2, 3, 4].flatMap(() => ['--validator', person().address]));
  const port = await freePort(0);
  url = `http://127.0.0.1:${port}`;
  const own = ['--init', file, '--disable-default-create2-deployer', '--hardfork', 'cancun', '--accounts', '0', '--quiet'];
  // Besu takes these from the file, Anvil from its options.
  const { gasLimit, config } = JSON.parse(readFileSync(file, 'utf8')) as { gasLimit: string; config: { zeroBaseFee: true } };
  const fees = config.zeroBaseFee ? ['--base-fee', '0', '--gas-price', '0', '--no-priority-fee'] : [];
  const options = ['--port', String(port), '--gas-limit', String(Number(gasLimit)), ...fees, ...own];
  ledger = spawn(anvilBinary(), options, { stdio: 'ignore' });
  await eventually(() => rpc(url, 'eth_chainId'));
}, 240_000);
afterAll(() => {
  ledger?.kill('SIGKILL');
  folder.remove();
});

it('begins a ledger that takes the contracts, and then a clinic’s operations, without any money', { timeout: 240_000 }, async () => {
  expect(await rpc(url, 'eth_chainId')).toBe(`0x${chain.toString(16)}`);
  const { operations } = await admin(
    ...['deploy', '--endpoint', url, '--chain', String(chain), '--threshold', '1', '--governor', governor.address],
  );
  const config = { chainId: chain, operations };
  const { founding, commit } = clinic(config);
  const commits = Array.from({ length: 100 }, () => commit());
  const w = workstation({ dir: join(folder.dir, 'workstation'), url, config });
  w.sync.start();
  w.enqueue(...founding, ...commits);
  await eventually(() => expect(w.states([...founding, ...commits]).every((state) => state === 'final')).toBe(true));
  expect(await appliedOnLedger(url, config)).toEqual(new Map([...founding, ...commits].map(({ opId }) => [opId, 1])));
  await w.close();
});
