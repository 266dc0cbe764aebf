/** The main screens of the demo clinic checked with axe (WCAG 2.2 AA), and the ways that have to work without a mouse. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keepPicturesOnFailure } from '../harness/artifacts.ts';
import { closeBrowser } from '../harness/browser.ts';
import { launchBrowserShell, type Workstation } from '../harness/browser-shell.ts';
import { temporaryFolder } from '../harness/data-folder.ts';
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

  const fine = async () => expect(await graveViolations(page)).toEqual([]);

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
    await page.getByRole('region', { name: 'People of this workstation' }).waitFor({ timeout: 120_000 });
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
    await fine();
    await desk.finishSession(page);
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
