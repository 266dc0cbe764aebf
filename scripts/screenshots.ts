/**
 * The pictures in docs/images/, taken anew from a demo clinic: `npm run screenshots`. In Chromium, 1366x768, light; the data folder is
 * a temporary one.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { closeBrowser } from '../test/e2e/harness/browser.ts';
import { launchBrowserShell } from '../test/e2e/harness/browser-shell.ts';
import * as chart from '../test/e2e/path/pages/chart.ts';
import { openScreen } from '../test/e2e/path/pages/frame.ts';
import * as desk from '../test/e2e/path/pages/front-desk.ts';
import { logIn, switchTo } from '../test/e2e/path/pages/lock-screen.ts';
import { build } from './build.ts';
import { root } from './lib/project.ts';

const images = join(root, 'docs', 'images');
const passphrase = 'demo-passphrase';
const registrar = { name: 'Tomás Aguilar', passphrase };
const doctor = { name: 'Dr Priya Raman', passphrase };
const patient = 'RAO';

async function take(page: Page, name: string): Promise<void> {
  // Nothing is highlighted because the mouse happens to be there.
  await page.mouse.move(0, 767);
  await page.screenshot({ path: join(images, `${name}.png`), animations: 'disabled', caret: 'hide' });
  process.stdout.write(`docs/images/${name}.png\n`);
}

async function sharing(page: Page): Promise<void> {
  await openScreen(page, 'Patient at the desk');
  await page.getByLabel('Demo clinic: take a patient’s card').selectOption({ label: 'Meera Devi Rao' });
  await page.getByLabel('PIN', { exact: true }).fill('123456');
  await page.getByRole('button', { name: 'Open the card' }).click();
  await desk.holder(page, doctor.name).waitFor();
  await take(page, 'sharing');
  await desk.finishSession(page);
}

/** The registration form as a registrar sees it half-way: typed, with somebody who looks alike beside it. */
async function registering(page: Page): Promise<void> {
  await openScreen(page, 'Register');
  await page.getByLabel('Family name').fill('Rao');
  await page.getByLabel('Given names').fill('Meera');
  await page.getByLabel('Year').fill('1958');
  await page.getByRole('radio', { name: 'Female' }).check();
  await page.getByLabel(/^Phone/).fill('+91 98450 11822');
  await page.getByRole('heading', { name: 'Is it one of these?' }).waitFor();
  await page.getByLabel('Family name').scrollIntoViewIfNeeded();
  await take(page, 'register');
}

async function workstationPicture(page: Page): Promise<void> {
  await chart.openChart(page, patient);
  await page.getByRole('region', { name: 'Newest encounter' }).getByText('Verified').waitFor();
  await page.getByRole('region', { name: 'Newest encounter' }).getByText(doctor.name).waitFor();
  await take(page, 'workstation');
  await chart.openTab(page, 'Timeline');
  await chart.entries(page).nth(3).getByRole('button').first().click();
  await chart.checks(page).nth(3).waitFor();
  await take(page, 'record');
}

await build();
mkdirSync(images, { recursive: true });
const dataDir = mkdtempSync(join(tmpdir(), 'anamnesis-pictures-'));
const { page, stop } = await launchBrowserShell({ dataDir });
try {
  await page.getByRole('button', { name: 'Try it with demo data' }).click();
  await page.getByRole('region', { name: 'People of this workstation' }).waitFor({ timeout: 180_000 });
  await logIn(page, registrar);
  await registering(page);
  await sharing(page);
  await switchTo(page, doctor);
  await workstationPicture(page);
} finally {
  await stop();
  await closeBrowser();
  rmSync(dataDir, { recursive: true, force: true });
}
