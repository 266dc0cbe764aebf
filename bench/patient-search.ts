/**
 * `patient-search@1000`, `@50000`, `@200000`: milliseconds (95th percentile) from a keystroke to the list of patients, over every beginning that
 * is typed of many names, phones and identifiers, in the encrypted index of an account. Limit: the same patients' rows read by one prefix range
 * query, by SQLite alone. Ratio: limit/value.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createStore } from '../src-main/core/adapters/sqlite/store.ts';
import type { AccountIndexPort, PatientRow } from '../src-main/core/ports.ts';
import { figure, percentile, say, type Figure } from './lib/figure.ts';
import { seededFolder } from './lib/folder.ts';
import { inventedAccount, inventPatient } from './lib/people.ts';
import { createRandom } from './lib/random.ts';

/** As many as the screens ask for. */
const shown = 50;
const peopleTyped = 120;
const account = inventedAccount(0);
const machineKey = new Uint8Array(32).fill(1);
const accountKey = new Uint8Array(32).fill(2);

const openIndex = (dir: string) => {
  const store = createStore({ dir, machineKey });
  return { index: store.openAccount(account, accountKey).index, close: () => store.close() };
};

async function fill(dir: string, count: number): Promise<void> {
  say(`making an index of ${count} patients`);
  const random = createRandom(count);
  const { index, close } = openIndex(dir);
  // As the indexer of a large clinic would at a first log-in: in batches.
  for (let start = 0; start < count; start += 10_000) {
    const batch = Array.from({ length: Math.min(10_000, count - start) }, (_, i) => inventPatient(random, inventedAccount(start + i + 1)));
    index.upsertPatients(batch);
    await new Promise((resolve) => setImmediate(resolve));
  }
  close();
}

/** What a registrar types until the patient is found: by family name, by both names in either order, by phone, its end, or an identifier. */
function textsFor(row: PatientRow, i: number): string {
  const [given = ''] = row.given.split(' ');
  const digits = row.phone.replace(/\D/g, '');
  const ways = [
    row.family,
    `${row.family} ${given}`,
    `${given} ${row.family}`,
    `${row.family.slice(0, 2)} ${given}`,
    digits.slice(-7),
    row.phone,
  ];
  const identifiers = row.identifiers.map(({ value }) => value);
  return [...ways, ...identifiers][i % (ways.length + identifiers.length)] ?? row.family;
}

function keystrokes(index: AccountIndexPort, count: number): string[] {
  const random = createRandom(7);
  const typed: string[] = [];
  for (let i = 0; i < peopleTyped; i++) {
    const row = index.patient(inventedAccount(1 + random.below(count)));
    if (!row) throw new Error('A patient who was put into the index is not in it');
    const text = textsFor(row, i);
    for (let length = 1; length <= text.length; length++) typed.push(text.slice(0, length));
  }
  return typed;
}

async function search(count: number): Promise<Figure> {
  const dir = await seededFolder(`patients-${count}`, (folder) => fill(folder, count));
  const { index, close } = openIndex(dir);
  const typed = keystrokes(index, count);
  const times: number[] = [];
  let slowest = { text: '', ms: 0 };
  let found = 0;
  for (const text of typed) {
    const started = performance.now();
    const rows = index.searchPatients(text, shown);
    const ms = performance.now() - started;
    times.push(ms);
    found += rows.length;
    if (ms > slowest.ms) slowest = { text, ms };
  }
  close();
  if (found === 0) throw new Error('Nothing was found');
  const raw = rawRanges(dir, typed);
  say(
    `${typed.length} keystrokes, median ${percentile(times, 0.5).toFixed(2)} ms, slowest ${slowest.ms.toFixed(1)} ms for "${slowest.text}"`,
  );
  return { value: percentile(times, 0.95), unit: 'ms', limit: percentile(raw, 0.95) };
}

/** The first word of each text as a range of the token table, with the patients' rows, without anything around it. */
function rawRanges(dir: string, typed: readonly string[]): number[] {
  const accounts = join(dir, 'accounts');
  const file = readdirSync(accounts).find((name) => name.endsWith('.db') && !name.endsWith('.drafts.db')) ?? '';
  const db = new Database(join(accounts, file), { readonly: true });
  db.pragma(`cipher = 'chacha20'`);
  db.pragma(`key = "raw:${Buffer.from(accountKey).toString('hex')}"`);
  db.pragma('cache_size = -49152');
  const range = db.prepare(`
    SELECT patients.* FROM (SELECT id FROM patient_tokens WHERE field = ? AND token >= ? AND token < ? ORDER BY token, id LIMIT ${shown})
    JOIN patients USING (id)`);
  const times = typed.map((text) => {
    const [word = ''] = text.toLowerCase().split(' ');
    const field = /^[+\d]/.test(word) ? 2 : 0;
    const beginning = word.replace(/^\+/, '');
    const started = performance.now();
    range.all(field, beginning, `${beginning}\u{10ffff}`);
    return performance.now() - started;
  });
  db.close();
  return times;
}

for (const count of [1000, 50_000, 200_000]) await figure(`patient-search@${count}`, () => search(count));
