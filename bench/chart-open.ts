/**
 * `chart-open`: milliseconds in the core from the call `chart.open` to its answer, for a patient with 1,000 records in the index, all anchored and
 * checked (the median of many; what a doctor waits for on going back to a chart). Limit: the same rows selected by SQLite alone. Ratio: limit/value.
 */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { cheapPassphrase, foundClinic, openWorkstation, passphrase, unplugLedger, until } from './lib/clinic.ts';
import { figure, median, percentile, say, timed } from './lib/figure.ts';
import { temporaryFolder } from './lib/folder.ts';
import { anchorAll } from './lib/anchors.ts';
import { fillChart } from './lib/chart.ts';

const openings = 100;

/** The lists of a chart, and the counts, by SQLite alone on the decrypting file. */
function rawOpenings(dir: string, account: string, key: Uint8Array, patient: string): number[] {
  const db = new Database(join(dir, 'accounts', `${account.toLowerCase()}.db`), { readonly: true });
  db.pragma(`cipher = 'chacha20'`);
  db.pragma(`key = "raw:${Buffer.from(key).toString('hex')}"`);
  const list = db.prepare(`SELECT * FROM records WHERE patient = ? AND resource_type = ? ORDER BY date DESC, record_id DESC LIMIT ?`);
  const counts = db.prepare('SELECT resource_type, category, count(*) FROM records WHERE patient = ? GROUP BY resource_type, category');
  const lists = [
    ['AllergyIntolerance', 100],
    ['Condition', 100],
    ['MedicationRequest', 100],
    ['Observation', 30],
    ['Encounter', 5],
  ] as const;
  const times = Array.from({ length: openings }, () => {
    const started = performance.now();
    for (const [type, limit] of lists) list.all(patient, type, limit);
    counts.all(patient);
    return performance.now() - started;
  });
  db.close();
  return times;
}

await figure('chart-open', async () => {
  const dir = temporaryFolder();
  const account = await foundClinic(dir, cheapPassphrase);
  unplugLedger(dir);
  const w = await openWorkstation(dir, cheapPassphrase);
  await w.ask('session.logIn', { account, passphrase });
  const patient = await fillChart(w);
  anchorAll(w.core.workstation.store.workstation);
  const key = w.session().keys.derive('index');
  const count = w
    .session()
    .index.countRecords(patient)
    .reduce((sum, c) => sum + c.count, 0);
  const first = await timed(() => w.ask('chart.open', { patient }));
  await until(async () => (await w.ask('chart.open', { patient })).problems.every((entry) => entry.state.chip !== 'anchored'));
  const times: number[] = [];
  for (let i = 0; i < openings; i++) {
    times.push(await timed(() => w.ask('chart.open', { patient })));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await w.stop();
  say(`${count} records; first opening ${first.toFixed(1)} ms, 95th percentile ${percentile(times, 0.95).toFixed(1)} ms`);
  return { value: median(times), unit: 'ms', limit: median(rawOpenings(dir, account, key, patient)) };
});
