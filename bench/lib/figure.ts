/**
 * How a figure is told: one JSON line on stdout; everything else goes to stderr. `limit` is the raw part (SQLite, cipher, signature, a bare process)
 * doing the same bytes in the same run, so a figure says how near the product comes to what this machine can do, whatever else runs on it.
 */
export interface Figure {
  readonly value: number;
  readonly unit: 'saves/s' | 'resources/s' | 'records/s' | 'operations/s' | 'commits/s' | 'MB/s' | 'ms' | 'MB' | 's' | 'lost' | '%';
  /** In the same unit. */
  readonly limit: number;
}

const rounded = (value: number): number => Number(value.toPrecision(4));

/** Whether a figure was asked for: `--only <name>`, or none for all. `patient-search` asks for all sizes of it. */
export function wanted(name: string): boolean {
  const at = process.argv.indexOf('--only');
  const only = at === -1 ? undefined : process.argv[at + 1];
  return only === undefined || only === name || name.startsWith(`${only}@`);
}

/**
 * Measures and prints a figure, if it was asked for. `ratio` is at best 1 and tells how much of the raw part's speed is left: value/limit for
 * rates, limit/value for times and memory.
 */
export async function figure(name: string, measure: () => Promise<Figure>): Promise<void> {
  if (!wanted(name)) return;
  const started = performance.now();
  tell(name, await measure());
  say(`${name}: took ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

/** Prints a figure: also one that was measured on the way to another. */
export function tell(name: string, { value, unit, limit }: Figure): void {
  // Counts of what should not be, and growth, have no ratio: 0 is the best, and nothing may be divided by it.
  const ratio = unit === 'lost' || unit === '%' ? undefined : rounded(unit.endsWith('/s') ? value / limit : limit / value);
  process.stdout.write(`${JSON.stringify({ name, value: rounded(value), unit, limit: rounded(limit), ratio })}\n`);
}

/** Progress, for whoever watches. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** The value below which this share (0 to 1) of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const found = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  if (found === undefined) throw new RangeError('There is nothing to take a percentile of');
  return found;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** Milliseconds that a step took. */
export async function timed(step: () => unknown): Promise<number> {
  const started = performance.now();
  await step();
  return performance.now() - started;
}
