/** What is kept of a failed end-to-end test: a picture of each page, in test-results/, and its words in the log, which outlives the folder. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { onTestFailed } from 'vitest';
import { root } from '../../../scripts/lib/project.ts';

type Pages = Readonly<Record<string, Page>>;

/** Inside a test: takes pictures of these pages and logs what they say if it fails; given a function, of the pages that are open then. */
export function keepPicturesOnFailure(pages: Pages | (() => Pages)): void {
  onTestFailed(async ({ task }) => {
    const folder = join(root, 'test-results');
    mkdirSync(folder, { recursive: true });
    for (const [name, page] of Object.entries(typeof pages === 'function' ? pages() : pages)) {
      if (page.isClosed()) continue;
      const file = `${task.name.replace(/[^\w-]+/g, '-').slice(0, 80)}-${name}.png`;
      await page.screenshot({ path: join(folder, file), fullPage: true });
      const words = await page.locator('body').innerText();
      process.stderr.write(`\nThe page ${name} at ${page.url()} when “${task.name}” failed:\n${words.slice(0, 4000)}\n`);
    }
  });
}
