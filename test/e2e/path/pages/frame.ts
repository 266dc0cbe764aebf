/** What surrounds every screen: navigation and status bar. */
import type { Page } from 'playwright-core';

/** Opens a screen by the navigation. */
export async function openScreen(page: Page, title: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: title, exact: true }).click();
}

/** The line at the foot of the window. */
export const statusBar = (page: Page) => page.getByRole('contentinfo', { name: 'State of the workstation' });

/** Waits until everything that was made here has been sent and anchored. */
export async function nothingWaits(page: Page): Promise<void> {
  await statusBar(page)
    .getByText(/^Online/)
    .waitFor();
  await statusBar(page)
    .getByText(/waiting$/)
    .waitFor({ state: 'detached' });
}
