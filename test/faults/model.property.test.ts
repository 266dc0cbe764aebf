/**
 * Workstations under random faults: two to four of them, real but for their blocks (which lie in memory) and their ledger's behaviour, with partitions,
 * lost answers, reorganizations and kills, then everything heals. All come to the same state; nothing that was acknowledged is lost or anchored twice;
 * nobody reads what they should not. MODEL_RUNS and MODEL_SEED choose how many and which (`npm run soak -- --only model`).
 */
import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, it } from 'vitest';
import { History, plan, type Counts } from './model/history.ts';
import { World } from './model/world.ts';

// The same histories each time: what new ones find is for the long run (docs/reliability.md).
const runs = Number(process.env['MODEL_RUNS'] ?? 8);
const seed = Number(process.env['MODEL_SEED'] ?? 20_261_126);
const counts: Counts = { runs: 0, steps: 0, kills: 0, acknowledged: 0, refusedByLedger: 0, anchored: 0 };

let world: World;
beforeAll(async () => {
  world = await World.start(4);
}, 240_000);
afterAll(async () => {
  const file = process.env['SOAK_COUNTS'];
  if (file !== undefined) writeFileSync(file, JSON.stringify({ soak: 'model', seed, ...counts }));
  await world.stop();
}, 60_000);

it(
  `come to one state, lose nothing, anchor nothing twice and show nothing they should not (${runs} histories, MODEL_SEED=${seed})`,
  () =>
    fc.assert(
      fc.asyncProperty(plan, (one) => new History(world, counts).live(one)),
      { numRuns: runs, seed, endOnFailure: true },
    ),
  Math.max(600_000, runs * 20_000),
);
