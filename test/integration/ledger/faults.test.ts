/** Faults in any order: whatever happens on the way, in the end every operation is anchored, once. */
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getBytes } from 'ethers';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { appliedOnLedger, bytes32, chainId, clinic, eventually, governor, proxy, rpc, site, workstation } from './site.ts';

type Fault = 'lose answers' | 'go down' | 'come up' | 'kill the ledger' | 'restore an old ledger' | 'restart the workstation';
type Step = { readonly fault: Fault; readonly commits: number; readonly requests: number };

const step: fc.Arbitrary<Step> = fc.record({
  fault: fc.constantFrom<Fault[]>(
    'lose answers',
    'go down',
    'come up',
    'come up',
    'kill the ledger',
    'restore an old ledger',
    'restart the workstation',
  ),
  commits: fc.integer({ min: 0, max: 3 }),
  requests: fc.integer({ min: 0, max: 25 }),
});

async function run(steps: readonly Step[]): Promise<void> {
  const at = await site();
  const between = await proxy(at.url);
  const relayerKey = getBytes(bytes32());
  const ledgerDir = join(at.dir, 'ledger');
  const state = join(ledgerDir, 'ledger.json');
  const backup = join(at.dir, 'backup.json');
  const open = () => {
    const onMissingGateway = async () => void (await at.embedded.deploy(at.url, chainId, [governor.address], 1));
    const opened = workstation({ dir: join(at.dir, 'a'), url: between.url, config: at.config, relayerKey, onMissingGateway });
    opened.sync.start();
    return opened;
  };
  const { founding, commit } = clinic(at.config);
  let here = open();
  try {
    const made = [...founding];
    here.enqueue(...founding);
    for (const { fault, commits, requests } of steps) {
      const more = Array.from({ length: commits }, () => commit());
      made.push(...more);
      here.enqueue(...more);
      if (fault === 'lose answers') between.loseAnswersTo = /eth_sendRawTransaction/;
      if (fault === 'go down') between.down = true;
      if (fault === 'come up') Object.assign(between, { down: false, loseAnswersTo: null });
      if (fault === 'kill the ledger') {
        // Killed a moment ago, it may not be back yet.
        await eventually(() => {
          const { pid } = JSON.parse(readFileSync(join(ledgerDir, 'anvil.pid.json'), 'utf8')) as { pid: number };
          process.kill(pid, 'SIGKILL');
        });
        await eventually(() => rpc(at.url, 'eth_chainId'));
      }
      if (fault === 'restore an old ledger') {
        await at.embedded.stop();
        if (existsSync(backup)) copyFileSync(backup, state);
        else copyFileSync(state, backup);
        await at.embedded.start({ dir: ledgerDir, chainId, port: at.port });
      }
      if (fault === 'restart the workstation') {
        await here.close();
        here = open();
      }
      const until = between.requests + requests;
      await eventually(() => {
        here.sync.hurry();
        expect(between.requests).toBeGreaterThanOrEqual(until);
      });
    }
    Object.assign(between, { down: false, loseAnswersTo: null });
    // Together, because a ledger that was killed last may not have been missed yet.
    await eventually(async () => {
      here.sync.hurry();
      expect(made.map(({ opId }) => here.store.operation(opId)?.state)).toEqual(made.map(() => 'final'));
      expect(here.store.openTransactions()).toEqual([]);
      const counts = await appliedOnLedger(at.url, at.config);
      expect(made.map(({ opId }) => counts.get(opId))).toEqual(made.map(() => 1));
    });
    expect(here.sync.status()).toMatchObject({ pending: 0, rejected: 0, forged: 0 });
  } finally {
    await here.close();
    await between.close();
    await at.close();
  }
}

it('are got over, with every operation anchored once', { timeout: 240_000 }, async () => {
  const numRuns = Number(process.env['FAULT_RUNS'] ?? 4);
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 8 }), run), { numRuns, endOnFailure: true });
});
