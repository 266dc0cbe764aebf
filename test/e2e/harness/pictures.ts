/** Pictures of screens for whoever wants to look at them: with ANAMNESIS_PICTURES=<folder>, small and light, and large and dark. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

const folder = process.env['ANAMNESIS_PICTURES'];
const looks = [
  { colorScheme: 'dark', viewport: { width: 1920, height: 1080 } },
  { colorScheme: 'light', viewport: { width: 1366, height: 768 } },
] as const;

/** Takes pictures of what is on screen, where they are asked for; afterwards the page is as the tests have it, 1366x768. */
export async function take(page: Page, name: string): Promise<void> {
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  for (const { colorScheme, viewport } of looks) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(viewport);
    await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`), animations: 'disabled' });
  }
  await page.emulateMedia({ colorScheme: null });
}
