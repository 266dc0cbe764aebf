/** The front desk on screen: registering, finding, and the patient's session with card and PIN. */
import type { Locator, Page } from 'playwright-core';
import { openScreen } from './frame.ts';

export interface NewPatient {
  readonly family: string;
  readonly given: string;
  /** FHIR date of full precision. */
  readonly birthDate: string;
  readonly sex: 'Female' | 'Male';
  readonly phone: string;
  readonly address: string;
  readonly identifiers: readonly { readonly type: string; readonly value: string }[];
}

/** Fills the form, with the PIN chosen by the patient, and registers; ready when card and recovery sheet are on screen. */
export async function register(page: Page, patient: NewPatient, pin: string): Promise<void> {
  await openScreen(page, 'Register');
  await page.getByLabel('Family name').fill(patient.family);
  await page.getByLabel('Given names').fill(patient.given);
  const [year = '', month = '', day = ''] = patient.birthDate.split('-');
  const birth = page.getByRole('group', { name: /^Birth date/ });
  await birth.getByLabel('Day').fill(day);
  await birth.getByLabel('Month').fill(month);
  await birth.getByLabel('Year').fill(year);
  await page.getByRole('radio', { name: patient.sex, exact: true }).check();
  await page.getByLabel(/^Phone/).fill(patient.phone);
  await page.getByLabel(/^Address/).fill(patient.address);
  for (const [index, { type, value }] of patient.identifiers.entries()) {
    await page.getByRole('button', { name: 'Add an identifier' }).click();
    await page.getByLabel(`Type of identifier ${index + 1}`).selectOption({ label: type });
    await page.getByLabel(`Number of identifier ${index + 1}`, { exact: true }).fill(value);
  }
  await page.getByLabel('PIN', { exact: true }).fill(pin);
  await page.getByLabel('PIN again').fill(pin);
  await page.getByRole('button', { name: 'Register the patient' }).click();
  await page.getByRole('heading', { name: 'Card and recovery sheet' }).waitFor();
}

/** The card as it is shown, and printed. */
export const shownCard = (page: Page): Locator => page.getByRole('article', { name: 'Patient’s card' });

/** The recovery words as they are shown, in order. */
export async function shownWords(page: Page): Promise<string> {
  const items = page.getByRole('list', { name: 'Recovery words' }).getByRole('listitem');
  await items.nth(23).waitFor();
  // Each line is its number and its word.
  return (await items.allInnerTexts()).map((line) => line.replace(/[\d\s]/g, '')).join(' ');
}

/** The patient has both papers. */
export async function handOver(page: Page): Promise<void> {
  await page.getByLabel('The patient has the card and the recovery sheet').check();
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('complementary', { name: 'Patient page' }).waitFor();
}

/** Types into the search field of the screen Patients, key by key. */
export async function search(page: Page, text: string): Promise<void> {
  const field = page.getByRole('combobox', { name: 'Find a patient' });
  await field.fill('');
  await field.pressSequentially(text);
}

/** The rows found, without the heading. */
export const foundRows = (page: Page): Locator => page.getByRole('grid', { name: 'Patients' }).getByRole('rowgroup').getByRole('row');

/** Opens the patient's card by its text, as a scanner types it. */
export async function openCard(page: Page, card: string, pin: string): Promise<void> {
  await openScreen(page, 'Patient at the desk');
  const field = page.getByLabel('Card', { exact: true });
  await field.fill(card);
  // The scanner's Enter ends the card and leads to the PIN.
  await field.press('Enter');
  await page.getByLabel('PIN', { exact: true }).fill(pin);
  await page.getByRole('button', { name: 'Open the card' }).click();
  await page.getByRole('region', { name: 'Patient session' }).waitFor();
}

export async function finishSession(page: Page): Promise<void> {
  await page.getByRole('region', { name: 'Patient session' }).getByRole('button', { name: 'Finish' }).click();
  await page.getByLabel('Card', { exact: true }).waitFor();
}

/** The patient shares everything but what is sensitive. The session is open. */
export async function share(page: Page, doctor: string, may: 'Read' | 'Read and write'): Promise<void> {
  const who = page.getByRole('combobox', { name: 'Who' });
  await who.pressSequentially(doctor);
  await page.getByRole('option', { name: doctor }).waitFor();
  await who.press('Enter');
  await page.getByRole('group', { name: 'Chosen recipient' }).getByText(doctor).waitFor();
  await page.getByRole('button', { name: 'Everything but sensitive' }).click();
  await page.getByRole('radio', { name: may, exact: true }).check();
  await page.getByRole('button', { name: 'Sign and share' }).click();
  await holder(page, doctor).waitFor();
}

/** The row of somebody who has access now. */
export const holder = (page: Page, name: string): Locator =>
  page
    .getByRole('list', { name: 'Current access holders' })
    .getByRole('listitem')
    .filter({ has: page.getByRole('button', { name: `Revoke access of ${name}` }) });

/** The lines of what happened to access, newest first. */
export const accessHistory = (page: Page): Locator => page.getByRole('list', { name: 'What happened to access' }).getByRole('listitem');

export async function revoke(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: `Revoke access of ${name}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Sign and revoke' }).click();
  await holder(page, name).waitFor({ state: 'detached' });
}
