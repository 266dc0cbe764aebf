/**
 * Who can decrypt what, for random histories of sharing, writing, revoking, a guardian who shares and revokes in the patient's stead, revocations made at
 * workstations that had not heard of each other, old records encrypted anew, new keys of patients and doctors, and links between records: the real cryptography,
 * consents, records, index and store, with operations applied in the follower's way and without a ledger. ACCESS_RUNS and ACCESS_SEED choose how many and
 * which (`npm run soak`).
 */
import fc from 'fast-check';
import { afterAll, beforeAll, it } from 'vitest';
import { Life, step, type Place, type Step } from './access-life.ts';
import { Ledgerless } from './ledgerless.ts';

const runs = Number(process.env['ACCESS_RUNS'] ?? 200);
const seed = Number(process.env['ACCESS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** A workstation lives for so many histories: what it replays grows with each. A doctor stays until so many keys. */
const perWorkstation = 20;
const keysOfDoctor = 3;

let place: Place;
let lived = 0;
let held = 0;
/** A long run says how far it is. */
const toldEvery = 500;
async function begin(): Promise<void> {
  const ledgerless = await Ledgerless.start(3);
  place = { ledgerless, other: (await ledgerless.patient()).patient, guardian: await ledgerless.patient() };
  lived = 0;
}
beforeAll(begin);
afterAll(() => place.ledgerless.stop());

async function live(steps: readonly Step[]): Promise<void> {
  if (lived++ === perWorkstation) {
    await place.ledgerless.stop();
    await begin();
  }
  await place.ledgerless.replaceRotated(keysOfDoctor);
  const life = new Life(place, await place.ledgerless.patient());
  for (const what of steps) await life.step(what);
  await life.check();
  if (++held % toldEvery === 0) process.stdout.write(`${held} histories held\n`);
}

/** Once failed: whoever held several keys of one envelope, of a new key of the patient, and none any more was taken for one who holds another. */
const allEndedAfterNewKey: readonly Step[] = [
  { act: 'grant', by: 'patient', person: 2, categories: ['medications-and-allergies', 'sensitive'], write: true },
  { act: 'rotate' },
  { act: 'revoke', by: 'patient', person: 2, categories: [] },
  { act: 'card' },
];

it(
  `lets each person decrypt exactly what the history allows (${runs} histories, ACCESS_SEED=${seed})`,
  () =>
    fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), live), {
      numRuns: runs,
      seed,
      endOnFailure: true,
      examples: [[[...allEndedAfterNewKey]]],
    }),
  // Bounded, so that a hang is known; how long it takes is not judged.
  Math.max(600_000, runs * 30_000),
);
