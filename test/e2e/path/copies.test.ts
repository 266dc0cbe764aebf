/** Where records are, on the screen: alone on one computer, then at two; one record's copies; and the check of the disk. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keepPicturesOnFailure } from '../harness/artifacts.ts';
import { closeBrowser } from '../harness/browser.ts';
import { launchBrowserShell, type Workstation } from '../harness/browser-shell.ts';
import { temporaryFolder } from '../harness/data-folder.ts';
import { take } from '../harness/pictures.ts';
import * as chart from './pages/chart.ts';
import { openScreen } from './pages/frame.ts';
import { logIn, switchTo } from './pages/lock-screen.ts';
import { stopAfterFailure } from './steps.ts';

const person = (name: string) => ({ name, passphrase: 'demo-passphrase' });

describe('where records are', () => {
  let first: Workstation;
  let office: Workstation;
  let page: Page;
  const dialog = () => page.getByRole('dialog', { name: 'Where records are' });
  const holders = () => dialog().getByRole('list', { name: 'Who has them' }).getByRole('listitem');
  const openDialog = async () => {
    await openScreen(page, 'Sync');
    await page.getByRole('button', { name: 'Where records are' }).click();
    await holders().first().waitFor();
  };
  const close = () => dialog().getByRole('button', { name: 'Close', exact: true }).last().click();

  stopAfterFailure();
  beforeAll(async () => {
    first = await launchBrowserShell({ dataDir: temporaryFolder('copies-first') });
    page = first.page;
    await page.getByRole('button', { name: 'Try it with demo data' }).click();
    await page.getByRole('region', { name: 'People of this workstation' }).waitFor({ timeout: 480_000 });
    await logIn(page, person('Helen Marsh'));
  }, 600_000);
  beforeEach(() => keepPicturesOnFailure({ page }));
  afterAll(async () => {
    await office?.stop();
    await first?.stop();
    await closeBrowser();
  });

  it('says that they are only on this computer, and what to do', async () => {
    await openDialog();
    await dialog()
      .getByText(/records only on this computer/)
      .waitFor();
    await dialog().getByText('No other computer of the clinic has said that it has any.').waitFor();
    await take(page, 'copies-alone');
    await dialog().getByRole('button', { name: 'Choose a pinning service' }).click();
    await dialog().getByLabel('Name').fill('Lakeside Clinic');
    await dialog().getByLabel('Address').fill('http://pins.example');
    await dialog().getByLabel('Token', { exact: true }).fill('token-of-the-clinic-0123456789');
    await dialog().getByRole('button', { name: 'Use this service' }).click();
    await dialog()
      .getByText(/begins with https/)
      .scrollIntoViewIfNeeded();
    await take(page, 'copies-pinning');
    await close();
  });

  it('shows the other computer once it has them', { timeout: 300_000 }, async () => {
    await openScreen(page, 'Network');
    await page.getByRole('button', { name: 'Add a computer' }).click();
    const inviting = page.getByRole('dialog', { name: 'Add a computer' });
    await inviting.getByRole('button', { name: 'Show the invitation' }).click();
    const invitation = await inviting.getByLabel('Invitation', { exact: true }).inputValue();
    await inviting.getByRole('button', { name: 'Done' }).click();
    office = await launchBrowserShell({ dataDir: temporaryFolder('copies-office') });
    await office.page.getByRole('button', { name: 'Add this computer to a clinic' }).click();
    await office.page.getByLabel('Invitation').fill(invitation);
    await office.page.getByLabel('Name of this computer').fill('Office');
    await office.page.getByRole('button', { name: 'Add this computer' }).click();
    await openDialog();
    await dialog()
      .getByText(/each on 2 of the clinic’s computers or more/)
      .waitFor({ timeout: 240_000 });
    expect(await holders().nth(1).textContent()).toMatch(/Office.*said so \d\d:\d\d/);
    await take(page, 'copies-two');
  });

  it('checks the disk, and warns when more copies are wanted than there are', async () => {
    await dialog().getByRole('button', { name: 'Check and repair now' }).click();
    await dialog()
      .getByText(/looked at, nothing wrong is left/)
      .waitFor();
    await dialog().getByLabel('Computers of the clinic that should have each record').selectOption('3');
    await dialog()
      .getByText(/on fewer than 3 of the clinic’s computers/)
      .waitFor();
    await take(page, 'copies-three');
    await dialog().getByLabel('Computers of the clinic that should have each record').selectOption('2');
    await dialog()
      .getByText(/each on 2 of the clinic’s computers or more/)
      .waitFor();
    await close();
  });

  it('says what freeing space would do before it is turned on', async () => {
    await openDialog();
    await dialog().getByRole('button', { name: 'Free space' }).click();
    await dialog().getByLabel('Keep at most (GB)').fill('x');
    await dialog().getByText('A number, such as 20').waitFor();
    await dialog().getByLabel('Keep at most (GB)').fill('0.0001');
    await dialog().getByRole('button', { name: 'Show what would go' }).click();
    await dialog()
      .getByText(/Nothing may go, though \d+ MB are too much/)
      .scrollIntoViewIfNeeded();
    await take(page, 'copies-freeing');
    await dialog().getByRole('button', { name: 'Turn it on' }).click();
    await dialog()
      .getByText(/When they are more than 1 MB/)
      .waitFor();
    await take(page, 'copies-freeing-on');
    await dialog().getByRole('button', { name: 'Turn it off' }).click();
    await dialog().getByText('All that is the clinic’s stays here.').waitFor();
    await close();
  });

  it('shows a record’s copies beside it', async () => {
    await switchTo(page, person('Dr Priya Raman'));
    await chart.openChart(page, 'RAO');
    await chart.openTab(page, 'Timeline');
    await chart.entries(page).first().getByRole('button').first().click();
    const lines = chart.record(page).getByRole('list', { name: 'Copies' }).getByRole('listitem');
    await lines.nth(1).waitFor();
    expect(await lines.allTextContents()).toEqual(['This computer complete', expect.stringMatching(/^Office said so \d\d:\d\d$/)]);
    await lines.first().scrollIntoViewIfNeeded();
    await take(page, 'copies-record');
  });
});
