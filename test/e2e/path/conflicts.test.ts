/**
 * What two people did without seeing each other: a record corrected in two clinics while the ledger was away, and a person registered twice. Both sides
 * are on screen, and one action settles each. Two workstations in real Chromium; the steps build on each other.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { keepPicturesOnFailure } from '../harness/artifacts.ts';
import { closeBrowser } from '../harness/browser.ts';
import { take } from '../harness/pictures.ts';
import * as chart from './pages/chart.ts';
import { nothingWaits, openScreen, statusBar } from './pages/frame.ts';
import * as desk from './pages/front-desk.ts';
import { logIn, switchTo } from './pages/lock-screen.ts';
import { people, pin, Scene } from './scene.ts';
import { eventually, stopAfterFailure } from './steps.ts';

/** Corrects the remark of the diagnosis. */
async function correct(page: Page, remark: string): Promise<void> {
  await chart.openTab(page, 'Timeline');
  await chart
    .entries(page)
    .filter({ hasText: /hypertension/i })
    .first()
    .getByRole('button')
    .first()
    .click();
  await chart.record(page).getByRole('button', { name: 'Correct', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Correct this record' });
  await dialog.getByLabel(/^Remark/).fill(remark);
  await take(page, 'correct');
  await dialog.getByRole('button', { name: 'Sign and save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await chart.record(page).getByText(remark).first().waitFor();
}

const needsAttention = (page: Page) => page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: /^Needs attention/ });

describe('what two people did without seeing each other', () => {
  const scene = new Scene();

  stopAfterFailure();
  beforeAll(() => scene.open(), 600_000);
  beforeEach(() => keepPicturesOnFailure(() => ({ hillside: scene.a.page, lakeside: scene.b.page })));
  afterAll(async () => {
    await scene.close();
    await closeBrowser();
  });

  it('keeps both corrections of a record, and counts them where they need somebody', async () => {
    await chart.openTab(scene.b.page, 'Timeline');
    await chart
      .entries(scene.b.page)
      .filter({ hasText: /hypertension/i })
      .first()
      .waitFor();
    await nothingWaits(scene.b.page);
    // The ledger goes with the first workstation; what is written at the second waits.
    await scene.a.stop();
    await statusBar(scene.b.page)
      .getByText(/^Offline/)
      .waitFor();
    await correct(scene.b.page, 'severe');
    const core = await scene.b.corePid();
    process.kill(core, 'SIGSTOP');
    await scene.start('a');
    await logIn(scene.a.page, people.doctor);
    await chart.openChart(scene.a.page, scene.patient.family);
    await correct(scene.a.page, 'mild');
    process.kill(core, 'SIGCONT');
    for (const { page } of [scene.a, scene.b]) await needsAttention(page).filter({ hasText: '1' }).waitFor();
  });

  it('shows both sides, and takes one decision for all', async () => {
    const { page } = scene.b;
    await needsAttention(page).click();
    const item = page.getByRole('article', { name: /changed in 2 places at once/ });
    await item.waitFor();
    await take(page, 'attention');
    await item.getByRole('button', { name: 'Compare and decide' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('severe', { exact: true }).waitFor();
    await dialog.getByText('mild', { exact: true }).waitFor();
    expect(await dialog.getByRole('columnheader').allInnerTexts()).toEqual(
      expect.arrayContaining([expect.stringContaining(people.doctor.name), expect.stringContaining(people.otherDoctor.name)]),
    );
    await take(page, 'versions');
    const texts = await dialog.locator('tbody tr').filter({ hasText: 'severe' }).getByRole('cell').allInnerTexts();
    await dialog.getByRole('button', { name: 'Keep this one' }).nth(texts.indexOf('severe')).click();
    await page.getByText('Nothing needs attention').waitFor();
    // The other clinic comes to the same.
    const { page: other } = scene.a;
    await needsAttention(other).filter({ hasNotText: '1' }).waitFor();
    await chart.record(other).getByText('severe').first().waitFor();
    await eventually(() => chart.record(other).getByRole('list', { name: 'Versions' }).getByRole('listitem').count()).toBe(4);
  });

  it('leads the registrar from an identifier that is taken to the patient who has it', async () => {
    const { page } = scene.a;
    await switchTo(page, people.registrar);
    await openScreen(page, 'Register');
    await page.getByLabel('Family name').fill('Someone');
    await page.getByRole('button', { name: 'Add an identifier' }).click();
    await page.getByLabel('Type of identifier 1').selectOption({ label: 'National ID' });
    await page.getByLabel('Number of identifier 1', { exact: true }).fill('4711 0815');
    await page.getByText('This National ID is registered already').waitFor();
    await take(page, 'register-claimed');
    await page.getByRole('button', { name: 'Open this patient' }).click();
    await page.getByRole('complementary', { name: 'Patient page' }).getByRole('heading', { name: scene.patient.family }).waitFor();
  });

  it('finds one person registered twice, links the two, and says so in the list of patients', async () => {
    const { page } = scene.a;
    await openScreen(page, 'Register');
    const discard = page.getByRole('button', { name: 'Discard the draft' });
    if (await discard.isVisible()) await discard.click();
    await desk.register(page, { ...scene.patient, given: 'Aasha', phone: '022 4567 8902', identifiers: [] }, pin);
    await desk.handOver(page);
    await openScreen(page, 'Duplicates');
    await page.getByRole('table', { name: 'Two records compared' }).waitFor();
    await take(page, 'duplicates');
    await page.getByRole('button', { name: 'Not the same person' }).click();
    await page.getByText('Nobody seems to be registered twice').waitFor();
    await page.getByRole('radio', { name: /^Two people 1/ }).check({ force: true });
    await page.getByRole('button', { name: 'Think again' }).click();
    await page.getByRole('radio', { name: /^To decide 1/ }).check({ force: true });
    await page.getByRole('button', { name: 'Same person: keep this as main' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'These are one person' });
    await dialog.getByRole('button', { name: 'Link the two records' }).click();
    await dialog.getByText(/^Say in a few words why/).waitFor();
    await dialog.getByLabel('Why').fill('Same passport shown');
    await take(page, 'link');
    await dialog.getByRole('button', { name: 'Link the two records' }).click();
    await page.getByRole('radio', { name: /^Linked 1/ }).check({ force: true });
    await page.getByRole('list', { name: 'Linked records' }).getByText('Same passport shown').waitFor();
    await take(page, 'linked');
    await openScreen(page, 'Patients');
    await desk.search(page, scene.patient.family);
    await desk.foundRows(page).filter({ hasText: 'One of 2 records' }).waitFor();
    await take(page, 'patient-linked');
  });

  it('keeps the row of a patient that patient’s, and chosen, when others come before it', async () => {
    const { page } = scene.a;
    await openScreen(page, 'Patients');
    const search = page.getByRole('combobox', { name: 'Find a patient' });
    await search.fill('');
    const rows = desk.foundRows(page);
    const last = rows.filter({ hasText: scene.patient.family }).last();
    await last.waitFor();
    for (let i = 1; i < (await rows.count()); i++) await search.press('ArrowDown');
    const row = (await last.elementHandle()) ?? expect.fail();
    const chosen = rows.and(page.locator('[aria-selected="true"]'));
    const before = await chosen.innerText();
    expect(await row.innerText()).toBe(before);
    const registered = await page.evaluate(async (newPin) => {
      const demographics = {
        family: 'Aabye',
        given: 'Niels',
        prefix: '',
        birthDate: '1971-02-03',
        birthDateEstimated: false,
        gender: 'male',
      };
      const input = { demographics: { ...demographics, phone: '', address: '', identifiers: [] }, pin: newPin };
      const body = JSON.stringify({ id: 1_000_000, call: 'patients.register', input });
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch('/rpc', { method: 'POST', headers, body, credentials: 'same-origin' });
      return (await answer.json()) as { ok: boolean };
    }, pin);
    expect(registered.ok).toBe(true);
    await rows.first().getByText('AABYE').waitFor();
    expect(await row.innerText()).toBe(before);
    expect(await chosen.innerText()).toBe(before);
  });
});
