/** A patient's new key on screen: somebody may know the PIN, so the old card and words are cut off, and the new card opens everything. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keepPicturesOnFailure } from '../harness/artifacts.ts';
import { closeBrowser } from '../harness/browser.ts';
import { launchBrowserShell, type Workstation } from '../harness/browser-shell.ts';
import { temporaryFolder } from '../harness/data-folder.ts';
import { take } from '../harness/pictures.ts';
import { enrol } from './pages/administration.ts';
import { setUpClinic } from './pages/first-run.ts';
import { openScreen } from './pages/frame.ts';
import * as desk from './pages/front-desk.ts';
import { lock, logIn, makeKey, switchTo } from './pages/lock-screen.ts';
import { readQrCode } from './qr.ts';
import { people, pin } from './scene.ts';
import { stopAfterFailure } from './steps.ts';

const newPin = '730264';
const patient: desk.NewPatient = {
  ...{ family: 'Verma', given: 'Asha', birthDate: '1980-05-01', sex: 'Female', phone: '022 4567 8901', address: '12 Lake Road' },
  identifiers: [],
};

describe('a new key for a patient', () => {
  let workstation: Workstation;
  let page: Page;
  let oldCard = '';
  let oldWords = '';
  let newCard = '';

  stopAfterFailure();
  beforeAll(async () => {
    workstation = await launchBrowserShell({ dataDir: temporaryFolder('new-key') });
    page = workstation.page;
    await setUpClinic(page, 'Hillside Clinic', people.admin);
    await lock(page);
    const code = await makeKey(page, people.registrar);
    await logIn(page, people.admin);
    await enrol(page, code, people.registrar.name, ['Registrar']);
    await switchTo(page, people.registrar);
    await desk.register(page, patient, pin);
    oldCard = await readQrCode(desk.shownCard(page));
    oldWords = await desk.shownWords(page);
    await desk.handOver(page);
  });
  beforeEach(() => keepPicturesOnFailure({ page }));
  afterAll(async () => {
    await workstation?.stop();
    await closeBrowser();
  });

  const dialog = () => page.getByRole('dialog');
  const openDialog = async () => {
    await openScreen(page, 'Patients');
    await desk.search(page, patient.family);
    await desk.foundRows(page).first().click();
    await page.getByRole('complementary', { name: 'Patient page' }).getByRole('button', { name: 'New card' }).click();
    await dialog().waitFor();
  };
  const knownToOthers = () => dialog().getByRole('radio', { name: /Somebody may know/ });
  const chooseNewPin = async () => {
    await dialog().getByLabel('PIN', { exact: true }).fill(newPin);
    await dialog().getByLabel('PIN again').fill(newPin);
  };

  it('says what it does and what it cannot undo before anything is asked', async () => {
    await openDialog();
    await dialog().getByText('everything else stays').waitFor();
    expect(await dialog().getByRole('radio', { name: 'Card and PIN' }).count()).toBe(0);
    await knownToOthers().check();
    await dialog().getByText('cannot be undone').waitFor();
    await dialog().getByRole('button', { name: 'Make the new key' }).click();
    await dialog().getByText('Type the words of the patient’s recovery sheet.').waitFor();
  });

  it('makes a new card and new words, opened by the present card and PIN, and does not let the words go unseen', async () => {
    await dialog().getByText('Card and PIN', { exact: true }).click();
    await dialog().getByLabel('Present card').fill(oldCard);
    await dialog().getByLabel('Present PIN').fill(pin);
    await chooseNewPin();
    await dialog().getByRole('button', { name: 'Make the new key' }).click();
    await dialog().getByText('The old card and the old words are cut off').waitFor();
    newCard = await readQrCode(dialog().getByRole('article', { name: 'Patient’s card' }));
    expect(newCard).not.toBe(oldCard);
    await take(page, 'new-key-made');
    expect(await desk.shownWords(page)).not.toBe(oldWords);
    await page.keyboard.press('Escape');
    await dialog().getByText('The words are kept nowhere else.').waitFor();
    await dialog().getByLabel('The patient has the new card and the new recovery sheet').check();
    await dialog().getByRole('button', { name: 'Done' }).click();
    await dialog().waitFor({ state: 'detached' });
  });

  it('refuses the old card and the old words, each in a plain sentence', async () => {
    await openScreen(page, 'Patient at the desk');
    await page.getByLabel('Card', { exact: true }).fill(oldCard);
    await page.getByLabel('PIN', { exact: true }).fill(pin);
    await page.getByRole('button', { name: 'Open the card' }).click();
    await page.getByText('are of a key that was replaced by a new one').waitFor();
    await openDialog();
    await dialog().getByRole('textbox', { name: 'Recovery words' }).fill(oldWords);
    await chooseNewPin();
    await dialog().getByRole('button', { name: 'Make the card' }).click();
    await dialog().getByText('are of a key that was replaced by a new one').waitFor();
    await page.keyboard.press('Escape');
  });

  it('opens the patient’s session with the new card, which tells of the new key', async () => {
    await desk.openCard(page, newCard, newPin);
    await desk.accessHistory(page).getByText('Got a new key').waitFor();
    await desk.finishSession(page);
  });
});
