/** A mother decides for her child at the desk, with her own card: registered so, shared, taken back; then the child's own card ends it. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keepPicturesOnFailure } from '../harness/artifacts.ts';
import { closeBrowser } from '../harness/browser.ts';
import { launchBrowserShell, type Workstation } from '../harness/browser-shell.ts';
import { temporaryFolder } from '../harness/data-folder.ts';
import { enrol } from './pages/administration.ts';
import * as chart from './pages/chart.ts';
import { setUpClinic } from './pages/first-run.ts';
import { nothingWaits, openScreen } from './pages/frame.ts';
import * as desk from './pages/front-desk.ts';
import { lock, logIn, makeKey, switchTo } from './pages/lock-screen.ts';
import { readQrCode } from './qr.ts';
import { eventually, stopAfterFailure } from './steps.ts';

const passphrase = 'seven quiet herons wade';
const admin = { name: 'Meera Rao', passphrase };
const registrar = { name: 'Tom Okafor', passphrase };
const doctor = { name: 'Dr Anil Kumar', passphrase };
const pin = '480915';
const reach = { phone: '022 4567 8901', address: '12 Lake Road', sex: 'Female' as const };
const mother = {
  ...reach,
  family: 'Verma',
  given: 'Asha',
  birthDate: '1990-05-01',
  identifiers: [{ type: 'National ID', value: '4711-0815' }],
};
const child = { ...reach, family: 'Verma', given: 'Mira', birthDate: '2026-08-01', identifiers: [] };

describe('a mother and her child', () => {
  let workstation: Workstation;
  let page: Page;
  const cards = { mother: '', child: '' };

  stopAfterFailure();
  beforeAll(async () => {
    workstation = await launchBrowserShell({ dataDir: temporaryFolder('guardian') });
    page = workstation.page;
    await setUpClinic(page, 'Hillside Clinic', admin);
    await lock(page);
    const codes = [await makeKey(page, registrar), await makeKey(page, doctor)] as const;
    await logIn(page, admin);
    await enrol(page, codes[0], registrar.name, ['Registrar']);
    await enrol(page, codes[1], doctor.name, ['Doctor']);
    await switchTo(page, registrar);
    await desk.register(page, mother, pin);
    cards.mother = await readQrCode(desk.shownCard(page));
    await desk.handOver(page);
  });
  beforeEach(() => keepPicturesOnFailure({ guardian: page }));
  afterAll(async () => {
    await workstation?.stop();
    await closeBrowser();
  });

  const bar = () => page.getByRole('region', { name: 'Patient session' });
  const people = () => page.getByRole('list', { name: 'Guardians and delegates' }).getByRole('listitem');
  const forChild = async () => {
    await desk.openCard(page, cards.mother, pin);
    await page.getByRole('button', { name: /mira/i }).click();
    await bar()
      .getByText(/decided by/i)
      .waitFor();
  };

  it('are registered so that she decides from the beginning', async () => {
    await openScreen(page, 'Register');
    await page.getByLabel('Somebody else decides for this patient').check();
    const field = page.getByRole('textbox', { name: 'Guardian' });
    await field.fill(cards.mother);
    // A scanner ends with Enter.
    await field.press('Enter');
    await page.getByRole('group', { name: 'Guardian' }).getByText(/asha/i).waitFor();
    await desk.register(page, child, pin);
    cards.child = await readQrCode(desk.shownCard(page));
    await desk.handOver(page);
  });

  it('her card is asked for whom she decides, and the screen says it throughout', async () => {
    await desk.openCard(page, cards.mother, pin);
    await page.getByRole('heading', { name: 'For whom do you decide?' }).waitFor();
    expect(await page.getByRole('button', { name: 'Sign and share' }).count()).toBe(0);
    await page.getByRole('button', { name: /mira/i }).click();
    await bar()
      .getByText(/decided by/i)
      .waitFor();
    expect(await bar().innerText()).toMatch(/mira.*decided by.*asha.*guardian/is);
    await page.getByRole('region', { name: 'Patient', exact: true }).getByRole('heading', { name: /mira/i }).waitFor();
    expect(await people().first().innerText()).toMatch(/asha.*guardian/is);
    // What only the patient decides is not offered.
    expect(await page.getByRole('button', { name: 'Appoint…' }).count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Recovery shares' }).count()).toBe(0);
    await desk.finishSession(page);
  });

  it('she shares the record, and the doctor reads it', async () => {
    await forChild();
    await desk.share(page, doctor.name, 'Read and write');
    await eventually(() => desk.accessHistory(page).first().innerText()).toMatch(/Shared .* with Dr Anil Kumar · by .*asha.*, guardian/i);
    await desk.finishSession(page);
    await switchTo(page, doctor);
    await chart.openChart(page, child.given);
    await chart.writeEncounter(page, { reason: 'First visit', note: 'Thrives.' });
    await chart.saveEncounter(page);
    await switchTo(page, registrar);
  });

  it('she takes it back', async () => {
    await forChild();
    await desk.revoke(page, doctor.name);
    await eventually(() => desk.accessHistory(page).first().innerText()).toMatch(/Revoked .* from Dr Anil Kumar · by .*asha/i);
    await desk.finishSession(page);
    await nothingWaits(page);
  });

  it('the child’s own card dismisses her, and she is asked no more', async () => {
    await desk.openCard(page, cards.child, pin);
    await people()
      .first()
      .getByRole('button', { name: /^Dismiss/ })
      .click();
    await page.getByRole('dialog').getByRole('button', { name: 'Sign and dismiss' }).click();
    await people()
      .first()
      .getByText(/^Dismissed/)
      .waitFor();
    await desk.finishSession(page);
    await desk.openCard(page, cards.mother, pin);
    await page.getByRole('button', { name: 'Sign and share' }).waitFor();
    expect(await page.getByRole('heading', { name: 'For whom do you decide?' }).count()).toBe(0);
    await desk.finishSession(page);
  });

  it('a patient appoints somebody within limits, after a sentence that says them', async () => {
    await desk.openCard(page, cards.child, pin);
    await page.getByRole('button', { name: 'Appoint…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Appoint a guardian or delegate' });
    await dialog.getByLabel('By', { exact: true }).selectOption({ label: 'National ID' });
    await dialog.getByRole('textbox', { name: 'Who decides' }).fill('47110815');
    await dialog.getByRole('button', { name: 'Find' }).click();
    await dialog.getByText(/asha/i).first().waitFor();
    await dialog.getByLabel('Delegate (helps to decide)').check();
    await dialog.getByLabel('Only some parts').check();
    await dialog.getByLabel('Vaccinations').check();
    await dialog.getByLabel('Take access back').uncheck();
    await dialog.getByText(/may read .*Vaccinations.* share it with others and answer requests: until/).waitFor();
    await dialog.getByRole('button', { name: 'Sign and appoint' }).click();
    await dialog.waitFor({ state: 'detached' });
    await eventually(() => people().first().innerText()).toMatch(/asha.*delegate.*Vaccinations/is);
    await desk.finishSession(page);
    await forChild();
    expect(await page.getByLabel('Vaccinations').isEnabled()).toBe(true);
    expect(await page.getByLabel(/^Problems/).isEnabled()).toBe(false);
    await page.getByText(/ends no later than your appointment/).waitFor();
    await desk.finishSession(page);
    await nothingWaits(page);
  });
});
