/** The main screens of the demo clinic checked with axe (WCAG 2.2 AA), and the ways that have to work without a mouse. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keepPicturesOnFailure } from '../harness/artifacts.ts';
import { closeBrowser } from '../harness/browser.ts';
import { launchBrowserShell, type Workstation } from '../harness/browser-shell.ts';
import { temporaryFolder } from '../harness/data-folder.ts';
import { take } from '../harness/pictures.ts';
import * as chart from './pages/chart.ts';
import { openScreen } from './pages/frame.ts';
import * as desk from './pages/front-desk.ts';
import { lock, logIn, switchTo } from './pages/lock-screen.ts';
import { eventually, stopAfterFailure } from './steps.ts';

interface Violation {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const passphrase = 'demo-passphrase';
const doctor = { name: 'Dr Priya Raman', passphrase };
const registrar = { name: 'Tomás Aguilar', passphrase };
const admin = { name: 'Helen Marsh', passphrase };
const both = { name: 'Dr Samuel Achebe', passphrase };

/** Serious and critical violations of what is on screen now, one line each. */
async function graveViolations(page: Page): Promise<string[]> {
  const loaded = await page.evaluate(() => 'axe' in window);
  // Into the page's world through the debugger: the page's own policy would refuse a script element.
  if (!loaded) await page.evaluate(axeSource);
  const { violations, passes } = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(options: object): Promise<{ violations: Violation[]; passes: unknown[] }> } };
    const report = await axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
    return { violations: report.violations, passes: report.passes.length };
  });
  // A checker that looked at nothing would find nothing.
  expect(passes).toBeGreaterThan(10);
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes.map((node) => `${node.html.slice(0, 160)} (${node.failureSummary?.split('\n')[1]?.trim()})`).join(' | ')}`,
    );
}

describe('for everybody', () => {
  let workstation: Workstation;
  let page: Page;

  stopAfterFailure();
  beforeAll(async () => {
    workstation = await launchBrowserShell({ dataDir: temporaryFolder('demo') });
    page = workstation.page;
  });
  beforeEach(() => keepPicturesOnFailure({ demo: page }));
  afterAll(async () => {
    await workstation?.stop();
    await closeBrowser();
  });

  /** With a name, also taken as a picture. */
  const fine = async (picture?: string) => {
    if (picture !== undefined) await take(page, picture);
    expect(await graveViolations(page)).toEqual([]);
  };

  it('first run', async () => {
    await fine();
    await page.getByRole('button', { name: 'Set up a new clinic here' }).click();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByText("Enter the clinic's name.").waitFor();
    await fine();
    await page.getByRole('button', { name: 'Back' }).click();
  });

  it('the demo clinic, made at one click', async () => {
    await page.getByRole('button', { name: 'Try it with demo data' }).click();
    await page.getByRole('region', { name: 'People of this workstation' }).waitFor({ timeout: 170_000 });
    await fine();
  });

  it('patients, registration and the card, for the front desk', async () => {
    await logIn(page, registrar);
    await desk.foundRows(page).first().waitFor();
    await fine();
    await openScreen(page, 'Register');
    await page.getByRole('button', { name: 'Register the patient' }).click();
    await page.getByText('The patient is not registered yet').waitFor();
    await fine();
  });

  it('sharing, with a patient at the desk', async () => {
    await openScreen(page, 'Patient at the desk');
    await fine();
    await page.getByLabel('Demo clinic: take a patient’s card').selectOption({ index: 1 });
    await page.getByLabel('PIN', { exact: true }).fill('123456');
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'Patient session' }).waitFor();
    await desk.accessHistory(page).first().waitFor();
    await fine('patient-session');
    await desk.finishSession(page);
  });

  it('appointing, dismissing, taking access back, recovery shares, and what was written before', async () => {
    await openScreen(page, 'Patient at the desk');
    await page.getByLabel('Demo clinic: take a patient’s card').selectOption({ label: 'Meera Devi Rao' });
    await page.getByLabel('PIN', { exact: true }).fill('123456');
    await page.keyboard.press('Enter');
    await desk.holder(page, doctor.name).waitFor();
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'Appoint…' }).click();
    await dialog.getByRole('button', { name: 'Sign and appoint' }).click();
    await dialog.getByText('Nobody is appointed yet').waitFor();
    await fine('appoint-empty');
    await dialog.getByLabel('By', { exact: true }).selectOption({ label: 'Name' });
    await dialog.getByRole('textbox', { name: 'Who decides' }).fill('Okafor');
    await dialog.getByRole('button', { name: 'Find' }).click();
    await dialog.getByRole('list', { name: 'People of this name' }).getByRole('button').first().click();
    await dialog.getByLabel('Only some parts').check();
    await dialog.getByLabel('Vaccinations').check();
    await fine('appoint');
    await dialog.getByRole('button', { name: 'Sign and appoint' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: /^Dismiss/ }).click();
    await fine('dismiss');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Recovery shares' }).click();
    await fine('recovery-shares');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: `Revoke access of ${both.name}` }).click();
    await dialog.getByLabel('Also lock what was written before').check();
    await fine('revoke');
    await dialog.getByRole('button', { name: 'Sign and revoke' }).click();
    await page.getByRole('region', { name: 'Earlier records' }).getByText('Earlier records are locked').waitFor();
    await fine('locked');
    await desk.finishSession(page);
  });

  it('for whom somebody decides, a new card, edited details, duplicates and what needs attention', async () => {
    await openScreen(page, 'Patient at the desk');
    await page.getByLabel('Demo clinic: take a patient’s card').selectOption({ label: 'Amara Ifeoma Okafor' });
    await page.getByLabel('PIN', { exact: true }).fill('123456');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'For whom do you decide?' }).waitFor();
    await fine('for-whom');
    await page.getByRole('button', { name: /RAO/ }).click();
    await desk.accessHistory(page).first().waitFor();
    await fine('acting-for');
    await desk.finishSession(page);
    await openScreen(page, 'Patients');
    await desk.search(page, 'Kumar');
    await desk.foundRows(page).filter({ hasText: 'KUMAR' }).first().click();
    const side = page.getByRole('complementary', { name: 'Patient page' });
    await side.getByRole('button', { name: 'New card' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('radio', { name: /Somebody may know/ }).check();
    await dialog.getByRole('button', { name: 'Make the new key' }).click();
    await dialog.getByText('Type the words of the patient’s recovery sheet.').waitFor();
    await fine('new-card');
    await page.keyboard.press('Escape');
    await side.getByRole('button', { name: 'Edit details' }).click();
    await dialog.getByLabel('Family name').waitFor();
    await fine('edit-details');
    await page.keyboard.press('Escape');
    for (const screen of ['Duplicates', 'Needs attention']) {
      await openScreen(page, screen);
      await page.getByRole('heading', { name: screen, level: 1 }).waitFor();
      expect(await graveViolations(page), screen).toEqual([]);
    }
  });

  it('the chart, tab by tab, with a record open', async () => {
    await switchTo(page, doctor);
    await chart.openChart(page, 'RAO');
    await page.getByRole('region', { name: 'Newest encounter' }).waitFor();
    await fine();
    await chart.openTab(page, 'Timeline');
    await chart.entries(page).first().getByRole('button').first().click();
    await chart.checks(page).first().waitFor();
    await fine();
    for (const tab of ['Encounter', 'Results', 'Documents', 'Import', 'Access'] as const) {
      await chart.openTab(page, tab);
      await page.getByRole('navigation', { name: 'Chart' }).getByRole('button', { name: tab }).waitFor();
      expect(await graveViolations(page), tab).toEqual([]);
    }
  });

  it('staff, network, sync and settings, in light and dark', async () => {
    await switchTo(page, admin);
    for (const screen of ['Staff', 'Network', 'Sync', 'Settings']) {
      await openScreen(page, screen);
      await page.getByRole('heading', { name: screen, level: 1 }).waitFor();
      expect(await graveViolations(page), screen).toEqual([]);
    }
    await page.getByRole('radio', { name: 'Dark' }).check();
    await eventually(() => page.evaluate(() => document.documentElement.dataset['theme'])).toBe('dark');
    await fine();
    await switchTo(page, doctor);
    await chart.openChart(page, 'RAO');
    await page.getByRole('region', { name: 'Newest encounter' }).waitFor();
    await fine();
  });

  it('asking for access, breaking the glass, carrying by stick and a further computer', async () => {
    await switchTo(page, both);
    await openScreen(page, 'Patients');
    await page.getByRole('button', { name: 'Ask for access' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Find' }).waitFor();
    await fine('ask');
    await page.keyboard.press('Escape');
    // This doctor's access was taken back above.
    await chart.openChart(page, 'RAO');
    await page.getByText('Your access has ended').first().waitFor();
    await fine('access-ended');
    await page.getByRole('button', { name: 'Break the glass' }).click();
    await dialog.waitFor();
    await fine('break-the-glass');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Ask for access' }).click();
    await dialog.getByLabel('Vaccinations').check();
    await dialog.getByLabel('Problems and visits').check();
    await dialog.getByLabel('Why').fill('To plan the vaccination before the journey.');
    await fine('ask-patient');
    await dialog.getByRole('button', { name: 'Sign and ask' }).click();
    await dialog.waitFor({ state: 'detached' });
    await openScreen(page, 'Sync');
    await page.getByRole('button', { name: 'Carry by USB stick' }).click();
    await dialog.waitFor();
    await fine('carry');
    await page.keyboard.press('Escape');
    await switchTo(page, admin);
    await openScreen(page, 'Network');
    await page.getByRole('button', { name: 'Add a computer' }).click();
    await dialog.waitFor();
    await fine('add-computer');
    await page.keyboard.press('Escape');
  });

  it('answering what a doctor asks for, in part, and what was accessed', async () => {
    await switchTo(page, registrar);
    await openScreen(page, 'Patient at the desk');
    await page.getByLabel('Demo clinic: take a patient’s card').selectOption({ label: 'Meera Devi Rao' });
    await page.getByLabel('PIN', { exact: true }).fill('123456');
    await page.keyboard.press('Enter');
    const asked = page.getByRole('region', { name: 'Somebody asks for access' });
    await asked.getByText('To plan the vaccination before the journey.').waitFor();
    await fine('request');
    await asked.getByRole('button', { name: `Approve request of ${both.name}` }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Problems and visits').uncheck();
    await fine('approve');
    await dialog.getByRole('button', { name: 'Sign and share' }).click();
    await asked.waitFor({ state: 'detached' });
    await desk.holder(page, both.name).getByText('Vaccinations').waitFor();
    await desk.accessHistory(page).first().scrollIntoViewIfNeeded();
    await fine('access-history');
    await desk.finishSession(page);
  });

  it('lets one log in, find a patient and open the chart by keyboard alone', async () => {
    await lock(page);
    await page.keyboard.press('Tab');
    await reach(page, 'button', both.name);
    await page.keyboard.press('Enter');
    await reach(page, 'textbox', 'Passphrase');
    await page.keyboard.type(passphrase);
    await page.keyboard.press('Enter');
    await page.getByRole('navigation', { name: 'Screens' }).waitFor();
    await page.keyboard.press('Control+K');
    await page.keyboard.type('Okafor');
    await page
      .getByRole('listbox', { name: 'Found' })
      .getByRole('option', { name: /OKAFOR/ })
      .waitFor();
    await page.keyboard.press('Enter');
    await page
      .getByRole('region', { name: 'Patient', exact: true })
      .getByRole('heading', { name: /OKAFOR/ })
      .waitFor();
    await page.keyboard.press('Control+Shift+L');
    await page.getByRole('region', { name: 'People of this workstation' }).waitFor();
  });
});

/** Tabs on until the control of this role and name has the focus. */
async function reach(page: Page, role: 'button' | 'textbox', name: string): Promise<void> {
  const wanted = role === 'textbox' ? page.getByLabel(name, { exact: true }) : page.getByRole(role, { name });
  for (let tabs = 0; tabs < 40; tabs++) {
    if (await wanted.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`The focus never came to ${name}.`);
}
