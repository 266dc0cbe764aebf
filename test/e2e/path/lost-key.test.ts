/**
 * A patient loses card, PIN and words: two of those whom the patient chose give a new key at the desk; after the waiting time it is put in force, and the doctor
 * brings the record back to it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keepPicturesOnFailure } from '../harness/artifacts.ts';
import { closeBrowser } from '../harness/browser.ts';
import { launchBrowserShell, type Workstation } from '../harness/browser-shell.ts';
import { temporaryFolder } from '../harness/data-folder.ts';
import { take } from '../harness/pictures.ts';
import { rpc } from '../../integration/ledger/site.ts';
import { enrol } from './pages/administration.ts';
import * as chart from './pages/chart.ts';
import { setUpClinic } from './pages/first-run.ts';
import { nothingWaits, openScreen } from './pages/frame.ts';
import * as desk from './pages/front-desk.ts';
import { lock, logIn, makeKey, switchTo } from './pages/lock-screen.ts';
import { readQrCode } from './qr.ts';
import { people, pin } from './scene.ts';
import { stopAfterFailure } from './steps.ts';

const newPin = '730264';
const reach = { birthDate: '1980-05-01', phone: '022 4567 8901', address: '12 Lake Road', sex: 'Female' as const, identifiers: [] };
const patient: desk.NewPatient = { ...reach, family: 'Verma', given: 'Asha' };
const helpers: readonly desk.NewPatient[] = [
  { ...reach, family: 'Okoro', given: 'Grace' },
  { ...reach, family: 'Lindqvist', given: 'Sara' },
];

describe('a new key for a patient who has lost everything', () => {
  const dataDir = temporaryFolder('lost-key');
  let workstation: Workstation;
  let page: Page;
  let oldCard = '';
  let newCard = '';
  let code = '';
  const cards: string[] = [];

  stopAfterFailure();
  beforeAll(async () => {
    workstation = await launchBrowserShell({ dataDir });
    page = workstation.page;
    await setUpClinic(page, 'Hillside Clinic', people.admin);
    await lock(page);
    const codes = [await makeKey(page, people.registrar), await makeKey(page, people.doctor)] as const;
    await logIn(page, people.admin);
    await enrol(page, codes[0], people.registrar.name, ['Registrar']);
    await enrol(page, codes[1], people.doctor.name, ['Doctor']);
    await switchTo(page, people.registrar);
    for (const one of [...helpers, patient]) {
      await desk.register(page, one, pin);
      cards.push(await readQrCode(desk.shownCard(page)));
      await desk.handOver(page);
    }
    oldCard = cards.pop() ?? '';
  }, 400_000);
  beforeEach(() => keepPicturesOnFailure({ page }));
  afterAll(async () => {
    await workstation?.stop();
    await closeBrowser();
  });

  const dialog = () => page.getByRole('dialog');
  const openNewCard = async () => {
    await openScreen(page, 'Patients');
    await desk.search(page, patient.family);
    await desk.foundRows(page).first().click();
    await page.getByRole('complementary', { name: 'Patient page' }).getByRole('button', { name: 'New card' }).click();
    await dialog()
      .getByRole('radio', { name: /all lost/ })
      .check();
  };

  it('chooses, while the card is there, who can help, after a sentence of what it means', async () => {
    await desk.openCard(page, oldCard, pin);
    await desk.share(page, people.doctor.name, 'Read and write');
    await page.getByRole('region', { name: 'Help to a new key' }).getByRole('button', { name: 'Choose…' }).click();
    await dialog().getByText('Help to a new key is not deciding').waitFor();
    for (const card of cards) {
      const field = dialog().getByRole('textbox', { name: 'Who can help' });
      await field.fill(card);
      await field.press('Enter');
      await dialog().getByRole('button', { name: 'Add this person' }).click();
    }
    await dialog().getByLabel('Days to wait (1 to 90)').fill('2');
    await dialog()
      .getByText(/2 of these 2 can give you a new key together with you, 2 days after they agreed/)
      .waitFor();
    await take(page, 'help-choose');
    await dialog().getByRole('button', { name: 'Sign', exact: true }).click();
    await dialog().waitFor({ state: 'detached' });
    const list = page.getByRole('list', { name: 'Help to a new key' }).getByRole('listitem');
    await list.nth(1).waitFor();
    expect(await list.allInnerTexts()).toEqual([expect.stringMatching(/OKORO/), expect.stringMatching(/LINDQVIST/)]);
    await desk.finishSession(page);
    await switchTo(page, people.doctor);
    await chart.openChart(page, patient.family);
    await chart.writeEncounter(page, { reason: 'Before', note: 'Written under the old key.' });
    await chart.saveEncounter(page);
    await nothingWaits(page);
    await switchTo(page, people.registrar);
  });

  it('is asked for at the desk by the first who helps, with a new card and new words that open nothing yet', async () => {
    await openNewCard();
    await dialog()
      .getByLabel('Card of somebody who helps')
      .fill(cards[0] ?? '');
    await dialog().getByLabel('Their PIN').fill(pin);
    await dialog().getByLabel('PIN', { exact: true }).fill(newPin);
    await dialog().getByLabel('PIN again').fill(newPin);
    await take(page, 'help-ask');
    await dialog().getByRole('button', { name: 'Ask for the new key' }).click();
    await dialog().getByText('The new key is not in force yet').waitFor();
    await take(page, 'help-asked');
    code = (await dialog().locator('.code').innerText()).trim();
    newCard = await readQrCode(dialog().getByRole('article', { name: 'Patient’s card' }));
    expect((await desk.shownWords(page)).split(' ')).toHaveLength(24);
    await dialog().getByLabel('The patient has the new card and the new recovery sheet').check();
    await dialog().getByRole('button', { name: 'Done' }).click();
    await dialog().waitFor({ state: 'detached' });
    await nothingWaits(page);
    await openScreen(page, 'Patient at the desk');
    await page.getByLabel('Card', { exact: true }).fill(newCard);
    await page.getByLabel('PIN', { exact: true }).fill(newPin);
    await page.getByRole('button', { name: 'Open the card' }).click();
    await page.getByText('holds a new key that is not in force yet').waitFor();
  });

  it('warns whoever has the old card, and is agreed to by the second with their own', async () => {
    await desk.openCard(page, oldCard, pin);
    await page.getByText('Somebody asked for a new key in this patient’s name').waitFor();
    await page.getByRole('button', { name: 'Sign and stop it' }).waitFor();
    await take(page, 'help-warning');
    await desk.finishSession(page);

    await desk.openCard(page, cards[1] ?? '', pin);
    await page.getByText(/needs a new key/).waitFor();
    await page.getByText(code).waitFor();
    expect(await page.getByRole('button', { name: 'Sign and agree' }).isDisabled()).toBe(true);
    await page.getByLabel(/has spoken with them/).check();
    await take(page, 'help-agree');
    await page.getByRole('button', { name: 'Sign and agree' }).click();
    await page.getByText('This card’s owner has agreed. Nothing more needs to be done.').waitFor();
    await desk.finishSession(page);
    await nothingWaits(page);
  });

  it('is put in force when the waiting time is over; the old card is refused in words', async () => {
    await openNewCard();
    await dialog()
      .getByText(/can be put in force from/)
      .waitFor();
    expect(await dialog().getByRole('button', { name: 'Put in force' }).count()).toBe(0);
    await take(page, 'help-waiting');
    const { port } = JSON.parse(readFileSync(join(dataDir, 'ledger', 'anvil.pid.json'), 'utf8')) as { port: number };
    await rpc(`http://127.0.0.1:${port}`, 'evm_increaseTime', 2 * 86_400 + 60);
    await rpc(`http://127.0.0.1:${port}`, 'evm_mine');
    await page.keyboard.press('Escape');
    await openNewCard();
    await dialog().getByRole('textbox', { name: 'New card', exact: true }).fill(newCard);
    await dialog().getByLabel('PIN of the new card').fill(newPin);
    await take(page, 'help-put-in-force');
    await dialog().getByRole('button', { name: 'Put in force' }).click();
    await dialog().waitFor({ state: 'detached' });
    await nothingWaits(page);
    await openScreen(page, 'Patient at the desk');
    await page.getByLabel('Card', { exact: true }).fill(oldCard);
    await page.getByLabel('PIN', { exact: true }).fill(pin);
    await page.getByRole('button', { name: 'Open the card' }).click();
    await page.getByText('are of a key that was replaced by a new one').waitFor();
  });

  it('gets the record back: by the front desk what the clinic reads, by the doctor the rest', async () => {
    await desk.openCard(page, newCard, newPin);
    const panel = page.getByRole('region', { name: 'The record from before the new key' });
    await panel.getByText(/does not open what was written before/).waitFor();
    await take(page, 'help-bring-back');
    await panel.getByRole('button', { name: 'Sign and bring back' }).click();
    await panel.getByText(/Can read what is closed: .*Dr Anil Kumar/).waitFor();
    await desk.finishSession(page);
    await switchTo(page, people.doctor);
    await desk.openCard(page, newCard, newPin);
    await panel.getByRole('button', { name: 'Sign and bring back' }).click();
    await panel.getByText('All of it is back').waitFor();
    await desk.accessHistory(page).getByText('Got a new key by helpers').waitFor();
    await take(page, 'help-history');
    await desk.holder(page, people.doctor.name).waitFor();
    await desk.finishSession(page);
    await nothingWaits(page);
    await chart.openChart(page, patient.family);
    await page.getByText('Before').first().waitFor();
  });
});
