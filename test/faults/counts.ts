/** What a run counted, for `scripts/soak.ts`: one file a test file in the folder SOAK_COUNTS; what is of one name is added up there. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

type Counted = Readonly<Record<string, number | string | Readonly<Record<string, number>>>>;

export function keepCounts(soak: string, counts: Counted): void {
  const folder = process.env['SOAK_COUNTS'];
  if (folder !== undefined) writeFileSync(join(folder, `${soak}-${process.pid}-${threadId}.json`), JSON.stringify({ soak, ...counts }));
}
