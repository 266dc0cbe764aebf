/**
 * `revoke`: milliseconds until a patient at the desk has ended a practitioner's access to all categories, with ten others who remain: a new key for each
 * category sealed to each of them and for emergencies, an operation signed for each category, all of it durable and queued. Limit: the same bytes sealed
 * to as many keys, as many signatures and one durable commit of SQLite. Ratio: limit/value.
 */
import { leftBy, openDesk, rawAct } from './lib/desk.ts';
import { figure, median, percentile, say } from './lib/figure.ts';
import { openRawTable } from './lib/raw-parts.ts';

const staying = 10;
const leaving = 12;

await figure('revoke', async () => {
  const desk = await openDesk(staying + 1);
  const table = openRawTable();
  const [last = '', ...others] = desk.practitioners;
  for (const reader of others) await desk.grant(reader);
  const values: number[] = [];
  const limits: number[] = [];
  let left = { readers: 0, bytes: 0 };
  for (let i = 0; i < leaving; i++) {
    await desk.grant(last);
    const act = await leftBy(desk, 'Revoke', () => desk.revoke(last));
    const raw = await rawAct(table, act);
    left = { readers: act.sealed.length, bytes: act.envelope.length };
    // The first ones warm up.
    if (i < 2) continue;
    values.push(act.ms);
    limits.push(raw);
  }
  table.close();
  await desk.w.stop();
  say(`sealed to ${left.readers}, ${left.bytes} bytes; 95th percentile ${percentile(values, 0.95).toFixed(1)} ms`);
  return { value: median(values), unit: 'ms', limit: median(limits) };
});
