/**
 * The part of vitest's interface that test/unit/crypto uses, in place of `vitest` where vitest itself cannot run: its workers refuse the
 * Node 18 of the older Electron. `expect` is vitest's own; only collecting, naming and running are done here, one test after the other.
 * What a test asks of `vitest` that is not here fails the bundling or the collecting, never silently. That names and outcomes are those
 * of vitest is compared by the test that uses this (shell/crypto.electron.test.ts).
 */
import { format } from 'node:util';

export { expect } from 'vitest';

/** Unlike vitest's it gets no context. */
type Body = (...args: never[]) => unknown;

interface Test {
  readonly title: readonly string[];
  readonly body: (() => unknown) | null;
  readonly timeoutMs: number;
}

export interface TestOutcome {
  /** The file's name without its folder. */
  readonly file: string;
  /** Titles of the suites around it and its own, as vitest joins them. */
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  readonly milliseconds: number;
  /** Message and stack of what it threw. */
  readonly error?: string;
}

/** As the unit project of vitest.config.ts. */
const defaultTimeoutMs = 30_000;

let collected: Test[] = [];
let around: readonly string[] = [];

/** Titles of `each`: `$name` is a property of an object, the rest is printf's, whose values beyond the template vitest leaves out. */
function titleOf(template: string, args: readonly unknown[]): string {
  const [only] = args;
  if (typeof only !== 'object' || only === null) return format(template, ...args.slice(0, template.match(/%[sdifjoO]/g)?.length ?? 0));
  return template.replaceAll(/\$([\w.]+)/g, (_, key: string) => {
    if (!(key in only)) throw new Error(`'${template}': there is no ${key} in its case`);
    return String((only as Record<string, unknown>)[key]);
  });
}

function eachOf(define: (title: string, body: () => unknown, timeoutMs?: number) => void) {
  return (cases: readonly unknown[]) =>
    (template: string, body: Body, timeoutMs?: number): void => {
      for (const one of cases) {
        const args = Array.isArray(one) ? (one as unknown[]) : [one];
        define(titleOf(template, args), () => body(...(args as never[])), timeoutMs);
      }
    };
}

function suite(title: string, body: () => unknown): void {
  const outer = around;
  around = [...outer, title];
  const result = body();
  around = outer;
  // Its tests would be taken for its neighbours'.
  if (result instanceof Promise) throw new Error(`The suite '${title}' is asynchronous`);
}

function define(title: string, body: () => unknown, timeoutMs: number = defaultTimeoutMs): void {
  collected.push({ title: [...around, title], body, timeoutMs });
}

function skip(title: string): void {
  collected.push({ title: [...around, title], body: null, timeoutMs: 0 });
}

export const describe = Object.assign(suite, { each: eachOf(suite) });
export const it = Object.assign(define, {
  each: eachOf(define),
  skip,
  runIf: (condition: unknown) => (condition ? define : skip),
  skipIf: (condition: unknown) => (condition ? skip : define),
});
export const test = it;

async function withinTime(body: () => unknown, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Test timed out in ${timeoutMs}ms.`)), timeoutMs);
  });
  try {
    await Promise.race([(async () => await body())(), late]);
  } finally {
    clearTimeout(timer);
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : format('%o', error));

/** Loads one file and runs its tests in order, telling each as it ends. A file that does not load, or has no test, is one failed test. */
export async function runFile(file: string, load: () => Promise<unknown>, tell: (outcome: TestOutcome) => void): Promise<void> {
  [collected, around] = [[], []];
  try {
    await load();
    if (collected.length === 0) throw new Error('It has no test');
  } catch (error) {
    tell({ file, name: '(loading the file)', state: 'failed', milliseconds: 0, error: textOf(error) });
    return;
  }
  for (const { title, body, timeoutMs } of collected) {
    const name = title.join(' ');
    if (body === null) {
      tell({ file, name, state: 'skipped', milliseconds: 0 });
      continue;
    }
    const started = performance.now();
    const since = (): number => Math.round(performance.now() - started);
    try {
      await withinTime(body, timeoutMs);
      tell({ file, name, state: 'passed', milliseconds: since() });
    } catch (error) {
      tell({ file, name, state: 'failed', milliseconds: since(), error: textOf(error) });
    }
  }
}
