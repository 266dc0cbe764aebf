/** `admin deploy`: the contracts on any ledger for the governors that are named, at one address. The command itself, on real ledgers. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEmbeddedLedger } from '../../../src-main/core/adapters/ledger/embedded-ledger.ts';
import { createLedger } from '../../../src-main/core/adapters/ledger/ledger.ts';
import { person, rpc, temporaryFolder } from './site.ts';

const chains = [770_101, 770_102] as const;
const folder = temporaryFolder();
const ledgers = chains.map(() => createEmbeddedLedger());
const urls: string[] = [];
const governors = [person().address, person().address, person().address];

beforeAll(async () => {
  for (const [i, ledger] of ledgers.entries()) {
    const { url } = await ledger.start({ dir: join(folder.dir, String(i)), chainId: chains[i] ?? 0, port: 0 });
    urls.push(url);
  }
});
afterAll(async () => {
  for (const ledger of ledgers) await ledger.stop();
  folder.remove();
});

interface Answer {
  readonly code: number;
  readonly output: { operations: string; chainId: number; error?: { code: string; message: string } };
}
const run = (...args: readonly string[]) =>
  new Promise<Answer>((resolve) => {
    execFile(process.execPath, [join(process.cwd(), 'src-main/core/admin.ts'), 'deploy', '--json', ...args], (error, stdout) =>
      resolve({ code: error === null ? 0 : Number(error.code), output: JSON.parse(stdout) as Answer['output'] }),
    );
  });
const deploy = (i: number, who = governors, threshold = 2, chain: number = chains[i] ?? 0) =>
  run(
    ...['--endpoint', urls[i] ?? '', '--chain', String(chain), '--threshold', String(threshold)],
    ...who.flatMap((account) => ['--governor', account]),
  );

it('puts the same bytes at the same address of every ledger, and leaves alone what is there', { timeout: 240_000 }, async () => {
  const [here, there, again] = [await deploy(0), await deploy(1), await deploy(0, governors.toReversed())];
  expect(here).toMatchObject({ code: 0, output: { chainId: chains[0], threshold: 2, governors } });
  const { operations } = here.output;
  expect(there).toMatchObject({ code: 0, output: { chainId: chains[1], operations } });
  expect(again).toMatchObject({ code: 0, output: { chainId: chains[0], operations } });
  for (const [i, url] of urls.entries()) {
    const ledger = createLedger();
    ledger.connect(url, { chainId: chains[i] ?? 0, operations });
    await ledger.check();
    ledger.close();
  }
  // threshold()
  expect(BigInt(String(await rpc(urls[1] ?? '', 'eth_call', { to: operations, data: '0x42cde4e8' }, 'latest')))).toBe(2n);
  expect(await rpc(urls[0] ?? '', 'eth_getCode', operations, 'latest')).toHaveLength(
    String(await rpc(urls[1] ?? '', 'eth_getCode', operations, 'latest')).length,
  );
});

it('gives other governors, or another threshold, an address of their own', { timeout: 240_000 }, async () => {
  const [one, two, three] = [await deploy(0), await deploy(0, governors.slice(0, 2)), await deploy(0, governors, 3)];
  expect(new Set([one.output.operations, two.output.operations, three.output.operations]).size).toBe(3);
});

it('does nothing on another chain than the one that was meant, or for governors that cannot be', { timeout: 240_000 }, async () => {
  expect(await deploy(0, governors, 2, chains[1])).toMatchObject({ code: 10, output: { error: { code: 'LEDGER_WRONG_CHAIN' } } });
  for (const refused of [await deploy(0, governors, 4), await deploy(0, []), await deploy(0, ['0x12']), await run('--endpoint', 'nowhere')])
    expect(refused).toMatchObject({ code: 2, output: { error: { code: 'INVALID_INPUT' } } });
});
