/**
 * `grant`: milliseconds until a patient at the desk has shared all categories with a practitioner: the keys sealed to the practitioner and for emergencies, an
 * operation signed for each category, all of it durable and queued. Limit: the same bytes sealed to as many keys, as many signatures and one durable
 * commit of SQLite. Ratio: limit/value.
 */
import { leftBy, openDesk, rawAct } from './lib/desk.ts';
import { figure, median, percentile, say } from './lib/figure.ts';
import { openRawTable } from './lib/raw-parts.ts';

const readers = 24;

await figure('grant', async () => {
  const desk = await openDesk(readers);
  const table = openRawTable();
  const values: number[] = [];
  const limits: number[] = [];
  let left = { operations: 0, bytes: 0 };
  for (const [i, reader] of desk.practitioners.entries()) {
    const act = await leftBy(desk, 'Grant', () => desk.grant(reader));
    const raw = await rawAct(table, act);
    left = { operations: act.operations.length, bytes: act.envelope.length };
    // The first ones warm up.
    if (i < 4) continue;
    values.push(act.ms);
    limits.push(raw);
  }
  table.close();
  await desk.w.stop();
  say(
    `${left.operations} operations and an envelope of ${left.bytes} bytes each; 95th percentile ${percentile(values, 0.95).toFixed(1)} ms`,
  );
  return { value: median(values), unit: 'ms', limit: median(limits) };
});
