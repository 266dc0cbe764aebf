/**
 * `duplicate-candidates@50000`: milliseconds to find the pairs that may be one person among all patients of a desk, in the encrypted index of an
 * account; one in a hundred is there twice, with a slip in the name or the date of birth. Limit: the same rows read in the order of names, by SQLite
 * alone. Ratio: limit/value. What the event loop waits at most is told beside it.
 */
import { createStore } from '../src-main/core/adapters/sqlite/store.ts';
import type { PatientRow } from '../src-main/core/ports.ts';
import { findCandidates } from '../src-main/core/services/duplicate-candidates.ts';
import { figure, say, timed, type Figure } from './lib/figure.ts';
import { seededFolder } from './lib/folder.ts';
import { inventedAccount, inventPatient } from './lib/people.ts';
import { createRandom } from './lib/random.ts';

const account = inventedAccount(0);
const openIndex = (dir: string) => {
  const store = createStore({ dir, machineKey: new Uint8Array(32).fill(1) });
  return { index: store.openAccount(account, new Uint8Array(32).fill(2)).index, close: () => store.close() };
};

/** The same person as somebody else would have typed it. */
function again(row: PatientRow, n: number): PatientRow {
  const [year = '', month = '', day = ''] = row.birthDate.split('-');
  const slips = [
    { given: row.given.split(' ')[0] ?? '' },
    { birthDate: `${year}-${day}-${month}` },
    { family: row.given, given: row.family },
    { phone: '' },
  ];
  return { ...row, identifiers: [], ...slips[n % slips.length], patient: inventedAccount(1_000_000 + n) };
}

async function fill(dir: string, count: number): Promise<void> {
  const random = createRandom(count);
  const { index, close } = openIndex(dir);
  for (let start = 0; start < count; start += 10_000) {
    const batch = Array.from({ length: Math.min(10_000, count - start) }, (_, i) => {
      const row = inventPatient(random, inventedAccount(start + i + 1));
      // Estimated dates of birth fall on the first of January.
      return row.birthDateEstimated ? { ...row, birthDate: `${row.birthDate.slice(0, 4)}-01-01` } : row;
    });
    index.upsertPatients([...batch, ...batch.filter((_, i) => i % 100 === 0).map((row, i) => again(row, start + i))]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  close();
}

async function find(count: number): Promise<Figure> {
  const dir = await seededFolder(`duplicates-${count}`, (folder) => fill(folder, count));
  const { index, close } = openIndex(dir);
  const read = await timed(() => {
    for (let offset = 0; ; offset += 1000) if (index.patients({ limit: 1000, offset }).length < 1000) return;
  });
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  let found = { pairs: 0, compared: 0, more: false };
  const value = await timed(async () => {
    const result = await findCandidates(index, () => true);
    found = { ...result, pairs: result.pairs.length };
  });
  clearInterval(timer);
  close();
  if (!found.more) throw new Error('Fewer pairs were found than are there');
  say(`${found.compared} patients compared; the event loop waited at most ${longest.toFixed(0)} ms`);
  return { value, unit: 'ms', limit: read };
}

await figure('duplicate-candidates@50000', () => find(50_000));
