/**
 * `bundle-import`: resources imported per second, from the file's bytes to all of it parsed, encrypted, signed, durable and indexed. The files are real
 * histories: the two Synthea patients that cql-exec-fhir ships and, where they are there, those of ../shared/data/fhir. Limit: each resource's bytes
 * encrypted, and all of a file written in one durable commit, without anything around it. Ratio: value/limit.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseBundle } from '../src-main/core/services/import/bundle.ts';
import { cheapPassphrase, foundClinic, openWorkstation, passphrase, unplugLedger } from './lib/clinic.ts';
import { figure, median, say, timed } from './lib/figure.ts';
import { temporaryFolder } from './lib/folder.ts';
import { registerPatient } from './lib/patient.ts';
import { encryptRaw, openRawTable } from './lib/raw-parts.ts';

const rounds = 5;

function bundleFiles(): Buffer[] {
  const shipped = join(dirname(createRequire(import.meta.url).resolve('cql-exec-fhir/package.json')), 'test/fixtures/r4');
  const more = join(import.meta.dirname, '../../shared/data/fhir');
  return [shipped, more]
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((file) => file.endsWith('.json') && statSync(file).size > 20_000)
    .map((file) => readFileSync(file));
}

await figure('bundle-import', async () => {
  const files = bundleFiles();
  const dir = temporaryFolder();
  const account = await foundClinic(dir, cheapPassphrase);
  unplugLedger(dir);
  const w = await openWorkstation(dir, cheapPassphrase);
  await w.ask('session.logIn', { account, passphrase });
  const { imports } = w.core.workstation;
  const values: number[] = [];
  const limits: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    let resources = 0;
    let ms = 0;
    let rawMs = 0;
    const raw = openRawTable();
    for (const bytes of files) {
      // The same history again, of a newly registered patient: what was imported before has no part in it.
      const patient = await registerPatient(w, imports.patientOf(bytes));
      ms += await timed(async () => {
        const { imported } = await imports.run(w.session(), bytes, patient);
        resources += imported.reduce((sum, { count }) => sum + count, 0);
      });
      const texts = parseBundle(bytes).entries.map(({ json }) => json);
      rawMs += await timed(() => raw.commit(texts.map((text) => encryptRaw(Buffer.from(text)))));
      await w.core.workstation.indexer.settled();
    }
    raw.close();
    // The first round warms up.
    if (round === 0) continue;
    values.push((resources / ms) * 1000);
    limits.push((resources / rawMs) * 1000);
    say(
      `round ${round}: ${resources} resources of ${files.length} files, ${Math.round(values.at(-1) ?? 0)}/s, raw ${Math.round(limits.at(-1) ?? 0)}/s`,
    );
  }
  await w.stop();
  return { value: median(values), unit: 'resources/s', limit: median(limits) };
});
