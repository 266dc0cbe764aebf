/** The test of the model in parts that run beside each other, each with its own world: part k lives through each of `parts` histories of the seed, from the k-th on. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { keepCounts } from '../counts.ts';
import { History, plan, type Counts } from './history.ts';
import { World } from './world.ts';

const parts = 2;
/** A long run says how far it is. */
const toldEvery = 25;
/** What the workstations keep of earlier histories makes later ones slower: after so many, new ones take their place. */
const historiesPerWorld = 50;
const mostUnlessTold = 200;

// In `npm test` the same histories each time: what new ones find is for the long run (docs/reliability.md).
const { MODEL_RUNS: runsTold, MODEL_SECONDS: secondsTold } = process.env;
const runs = Number(runsTold ?? (secondsTold === undefined ? mostUnlessTold : 10_000_000));
const seconds = Number(secondsTold ?? Infinity);
const seed = Number(process.env['MODEL_SEED'] ?? 20_261_126);
/** Of one history alone, as a failure names it. */
const path = process.env['MODEL_PATH'];

export function histories(part: number): void {
  const counts: Counts = { runs: 0, steps: 0, kills: 0, acknowledged: 0, refusedByLedger: 0, anchored: 0 };
  let world: World;
  beforeAll(async () => {
    world = await World.start(4);
  }, 240_000);
  afterAll(async () => {
    keepCounts('model', { seed, ...counts });
    await world.stop();
  }, 60_000);

  const many = [...(runs < 10_000_000 ? [`${runs} histories`] : []), ...(seconds < Infinity ? [`${seconds} s`] : [])].join(', at most ');
  it.skipIf(path !== undefined && part > 0)(
    `come to one state, lose nothing, anchor nothing twice and show nothing they should not (part ${part + 1} of ${many}, MODEL_SEED=${seed})`,
    async () => {
      const end = Date.now() + seconds * 1000;
      let index = 0;
      const live = async (one: Parameters<History['live']>[0]) => {
        // Ends all of it: to pass over millions of histories would take minutes too.
        if (Date.now() > end) throw new fc.PreconditionFailure(true);
        if (path === undefined && index++ % parts !== part) return;
        if (counts.runs > 0 && counts.runs % historiesPerWorld === 0) {
          await world.stop();
          world = await World.start(4);
        }
        await new History(world, counts).live(one);
        if (counts.runs % toldEvery === 0) process.stdout.write(`${counts.runs} histories of part ${part + 1} held\n`);
      };
      const one = path === undefined ? {} : { path };
      await fc.assert(fc.asyncProperty(plan, live), { numRuns: runs, seed, endOnFailure: true, ...one });
      expect(counts.runs).toBeGreaterThan(0);
    },
    seconds < Infinity ? seconds * 1000 + 300_000 : runs * 60_000,
  );
}
