/** Data folders for tests: fresh ones in the system's temporary folder, removed afterwards. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished } from 'vitest';

/** A new empty folder, removed when the test (inside one) or the test file (outside) is done. */
export function temporaryFolder(name = 'data'): string {
  const folder = mkdtempSync(join(tmpdir(), `anamnesis-${name}-`));
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  if (expect.getState().currentTestName === undefined) afterAll(remove);
  else onTestFinished(remove);
  return folder;
}
