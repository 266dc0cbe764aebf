/**
 * `record-save`: records saved per second, one after the other, each a FHIR resource of 2 KB: encrypted, in a commit, signed, its blocks and its
 * operation durable, in the author's index, in the outbox. Limit: the same bytes encrypted, a digest signed, and one durable commit of SQLite,
 * without anything around them. Ratio: value/limit.
 */
import { createHash, randomUUID } from 'node:crypto';
import { cheapPassphrase, foundClinic, openWorkstation, passphrase, unplugLedger } from './lib/clinic.ts';
import { figure, median, say, timed } from './lib/figure.ts';
import { temporaryFolder } from './lib/folder.ts';
import { registerPatient } from './lib/patient.ts';
import { inventPatient } from './lib/people.ts';
import { createRandom } from './lib/random.ts';
import { encryptRaw, openRawTable, signRaw } from './lib/raw-parts.ts';
import { inventResource, jsonOfSize } from './lib/records.ts';
import { saving } from './lib/saving.ts';

const recordBytes = 2048;
const savesPerRound = 150;
const rounds = 5;

function rawRound(texts: readonly string[]): Promise<number> {
  const table = openRawTable();
  return timed(() => {
    for (const text of texts) {
      const ciphertext = encryptRaw(Buffer.from(text));
      const signature = signRaw(createHash('sha256').update(ciphertext).digest());
      table.commit([ciphertext, signature]);
    }
  }).finally(() => table.close());
}

await figure('record-save', async () => {
  const dir = temporaryFolder();
  const account = await foundClinic(dir, cheapPassphrase);
  unplugLedger(dir);
  const w = await openWorkstation(dir, cheapPassphrase);
  await w.ask('session.logIn', { account, passphrase });
  const random = createRandom(1);
  const patient = await registerPatient(w, inventPatient(random, ''));
  const save = saving(w);
  const text = (): string => {
    const id = randomUUID();
    return jsonOfSize(random, inventResource(random, id, `Patient/${patient}`), recordBytes);
  };
  const values: number[] = [];
  const limits: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const texts = Array.from({ length: savesPerRound }, text);
    const before = process.cpuUsage();
    const ms = await timed(async () => {
      for (const json of texts) {
        const { id, resourceType } = JSON.parse(json) as { id: string; resourceType: string };
        const category = resourceType === 'Observation' ? 'observations-and-results' : 'problems-and-encounters';
        await save(patient, { recordId: id, versionId: randomUUID(), previous: [], resourceType, category, json });
        // Each save is a call of its own: between two the core does what else there is to do.
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    const { user, system } = process.cpuUsage(before);
    const rawMs = await rawRound(texts);
    // The first round warms up.
    if (round === 0) continue;
    values.push((savesPerRound / ms) * 1000);
    limits.push((savesPerRound / rawMs) * 1000);
    say(
      `round ${round}: ${Math.round(values.at(-1) ?? 0)} saves/s, raw ${Math.round(limits.at(-1) ?? 0)}; ${((user + system) / 1000 / savesPerRound).toFixed(2)} ms of processor a save`,
    );
  }
  await w.stop();
  return { value: median(values), unit: 'saves/s', limit: median(limits) };
});
