/**
 * Runs bundled test files inside Electron started as Node (harness/electron-suite.ts starts it): tells the parent what it runs on, then
 * each test's outcome, then that it got to the end.
 */
import { getCiphers, getCurves, getHashes } from 'node:crypto';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runFile, type TestOutcome } from './thin-vitest.ts';

export interface CryptoRuntime {
  readonly versions: Readonly<Record<string, string | undefined>>;
  readonly ciphers: readonly string[];
  readonly hashes: readonly string[];
  readonly curves: readonly string[];
}

export type SuiteMessage =
  { readonly runtime: CryptoRuntime } | { readonly file: string } | { readonly outcome: TestOutcome } | { readonly ended: true };

/** Resolves when the message is written: the process may end right after the last. */
function tell(message: SuiteMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    if (!process.send) throw new Error('This program is started by electron-suite.ts only');
    process.send(message, undefined, undefined, (error: Error | null) => (error ? reject(error) : resolve()));
  });
}

await tell({ runtime: { versions: { ...process.versions }, ciphers: getCiphers(), hashes: getHashes(), curves: getCurves() } });
for (const path of process.argv.slice(2)) {
  const file = basename(path).replace(/\.mjs$/, '.ts');
  await tell({ file });
  await runFile(
    file,
    () => import(pathToFileURL(path).href),
    (outcome) => void tell({ outcome }),
  );
}
await tell({ ended: true });
process.disconnect();
