/**
 * `npm test`: every stage in order, all of them even when one fails, then a summary. The last line is `N passed, N failed`, counted from
 * the runners' own reports. `--only <stage>` (also several times) runs some.
 */
import { stageGroups, type Stage, type StageOutcome } from './lib/test-stages.ts';
import { systemName } from './system-packages.ts';

const args = process.argv.slice(2);
const only = args.flatMap((arg, i) => (arg === '--only' ? [args[i + 1] ?? ''] : []));
const names = stageGroups.flat().map(({ name }) => name);
const unknown = only.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`There is no stage named ${unknown.join(', ')}: ${names.join(', ')}.\n`);
  process.exit(2);
}

// Tests run what is built: a stage run alone builds first.
const isChosen = ({ name }: Stage): boolean =>
  only.length === 0 || only.includes(name) || (name === 'build' && only.some((one) => one.startsWith('e2e')));
const rows: { readonly name: string; readonly seconds: number; readonly outcome: StageOutcome }[] = [];
process.stdout.write(`${systemName()}, Node ${process.version}\n`);

async function runStage(stage: Stage): Promise<void> {
  process.stdout.write(`\n== ${stage.name}\n`);
  const started = performance.now();
  let outcome: StageOutcome;
  try {
    outcome = await stage.run();
  } catch (error) {
    process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`);
    outcome = { passed: 0, failed: 1, note: 'could not run' };
  }
  rows.push({ name: stage.name, seconds: (performance.now() - started) / 1000, outcome });
}

for (const group of stageGroups) await Promise.all(group.filter(isChosen).map(runStage));

process.stdout.write('\n');
for (const { name, seconds, outcome } of rows) {
  const counts = `${String(outcome.passed).padStart(5)} passed ${String(outcome.failed).padStart(4)} failed`;
  process.stdout.write(`${name.padEnd(14)} ${seconds.toFixed(1).padStart(7)} s ${counts}${outcome.note ? `   ${outcome.note}` : ''}\n`);
}
const failures = rows.flatMap(({ outcome }) => outcome.failures ?? []);
if (failures.length > 0) process.stdout.write(`\nFailed:\n${failures.map((failure) => `  ${failure}\n`).join('')}`);
const sum = (pick: (outcome: StageOutcome) => number): number => rows.reduce((total, { outcome }) => total + pick(outcome), 0);
const failed = sum((outcome) => outcome.failed);
process.stdout.write(`\n${sum((outcome) => outcome.passed)} passed, ${failed} failed\n`);
process.exitCode = failed > 0 ? 1 : 0;
