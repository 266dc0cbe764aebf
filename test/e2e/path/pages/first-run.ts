/** First run on screen: setting up a clinic, and joining a network by invitation and request code. */
import type { Page } from 'playwright-core';
import { choosePassphraseAndConfirm, type Person } from './keys.ts';

async function names(page: Page, clinic: string, person: string): Promise<void> {
  await page.getByLabel('Clinic name').fill(clinic);
  await page.getByLabel('Your name').fill(person);
  // Enter goes on, as on every page of first run.
  await page.keyboard.press('Enter');
}

/** Sets up a clinic; the admin is logged in afterwards. @returns the admin's 24 words. */
export async function setUpClinic(page: Page, clinic: string, admin: Person): Promise<string[]> {
  await page.getByRole('button', { name: 'Set up a new clinic here' }).click();
  await names(page, clinic, admin.name);
  const words = await choosePassphraseAndConfirm(page, admin.passphrase, 'Set up the clinic');
  await page.getByRole('heading', { name: `${clinic} is ready` }).waitFor();
  await page.getByRole('button', { name: 'Open the workstation' }).click();
  return words;
}

/** Asks to join. @returns the request code that the screen shows. */
export async function askToJoin(page: Page, invitation: string, clinic: string, admin: Person): Promise<string> {
  await page.getByRole('button', { name: 'Join an existing network with a new clinic' }).click();
  await page.getByLabel('Invitation').fill(invitation);
  await page.getByRole('button', { name: 'Continue' }).click();
  await names(page, clinic, admin.name);
  await choosePassphraseAndConfirm(page, admin.passphrase, 'Ask to join');
  await page.getByRole('heading', { name: 'Waiting to be admitted' }).waitFor();
  return page.getByLabel('Request code', { exact: true }).inputValue();
}
