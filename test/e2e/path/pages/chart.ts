/** A patient's chart on screen: opening it, importing a history, writing an encounter, and a record with its checks. */
import type { Locator, Page } from 'playwright-core';
import { until } from '../../harness/processes.ts';
import { openScreen } from './frame.ts';
import { foundRows } from './front-desk.ts';

export type Tab = 'Summary' | 'Timeline' | 'Encounter' | 'Results' | 'Documents' | 'Import' | 'Access';

/** Opens the chart from the list of patients. */
export async function openChart(page: Page, family: string): Promise<void> {
  await openScreen(page, 'Patients');
  await foundRows(page).filter({ hasText: family }).first().click();
  await page.getByRole('region', { name: 'Patient', exact: true }).getByRole('heading', { name: family }).waitFor();
}

export async function openTab(page: Page, tab: Tab): Promise<void> {
  await page.getByRole('navigation', { name: 'Chart' }).getByRole('button', { name: tab, exact: true }).click();
}

/** Chooses a file to import; ready when its content is listed or the file is refused. */
export async function chooseFile(page: Page, file: string | { name: string; mimeType: string; buffer: Buffer }): Promise<void> {
  await openTab(page, 'Import');
  await page.getByLabel('File to import').setInputFiles(file);
  await page
    .getByText(/^Will be kept, exactly as it came|This file cannot be imported/)
    .first()
    // Several MB on a busy computer.
    .waitFor({ timeout: 120_000 });
}

/** Imports what is listed. */
export async function importAll(page: Page): Promise<void> {
  await page.getByRole('button', { name: /^Import [\d,]+ records?$/ }).click();
  await page.getByText(/records imported and saved here$/).waitFor({ timeout: 120_000 });
}

/** Rows of a preview's table: name without what stands below it, and count. */
export async function previewCounts(page: Page, caption: RegExp): Promise<Record<string, number>> {
  const table = page.getByRole('table', { name: caption });
  const rows = table.getByRole('row');
  const counts: Record<string, number> = {};
  for (let i = 0; i < (await rows.count()); i++) {
    const name = ((await rows.nth(i).getByRole('rowheader').innerText()).split('\n')[0] ?? '').trim();
    counts[name] = (counts[name] ?? 0) + Number((await rows.nth(i).getByRole('cell').innerText()).replaceAll(',', ''));
  }
  return counts;
}

export interface Encounter {
  readonly reason: string;
  /** What is typed to find the diagnosis; the first hit is taken. */
  readonly diagnosis?: string;
  readonly note: string;
}

/** Writes an encounter by keyboard, without saving it. */
export async function writeEncounter(page: Page, { reason, diagnosis, note }: Encounter): Promise<void> {
  await openTab(page, 'Encounter');
  await page.getByLabel('Reason', { exact: true }).fill(reason);
  if (diagnosis !== undefined) {
    const field = page.getByRole('combobox', { name: 'Add a diagnosis' });
    await field.pressSequentially(diagnosis);
    // Enter takes the option that is marked: here, one with the words that were typed.
    await page
      .getByRole('listbox', { name: 'Diagnoses found' })
      .getByRole('option', { selected: true })
      .filter({ hasText: new RegExp(diagnosis, 'i') })
      .waitFor();
    const taken = page.getByRole('list', { name: 'Diagnoses of this encounter' }).getByRole('listitem');
    // Pressed before the list for all that was typed has come, it takes nothing.
    await until('the diagnosis to be taken', async () => {
      await field.press('Enter');
      return (await taken.count()) > 0;
    });
  }
  await page.getByLabel('Note', { exact: true }).fill(note);
}

/** Ctrl+Enter; ready when the screen says that it is saved, and the form is empty: what was saved before may still be shown. */
export async function saveEncounter(page: Page): Promise<void> {
  await page.getByLabel('Note', { exact: true }).press('Control+Enter');
  await justSaved(page).waitFor();
  await until('an empty form', async () => (await page.getByLabel('Note', { exact: true }).inputValue()) === '');
}

export const justSaved = (page: Page): Locator => page.getByRole('region', { name: 'Just saved' });

/** The entries of the timeline. */
export const entries = (page: Page): Locator =>
  page
    .getByRole('list', { name: 'Entries' })
    .getByRole('listitem')
    .filter({ has: page.getByRole('button') });

/** The record beside the list. */
export const record = (page: Page): Locator => page.getByRole('complementary', { name: 'Record' });

/** The four checks of the open record, as they are said. */
export const checks = (page: Page): Locator => record(page).getByRole('list', { name: 'Checks' }).getByRole('listitem');

/** Checks everything of the patient and gives what the report says. */
export async function checkWholeRecord(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Check the whole record' }).click();
  const dialog = page.getByRole('dialog', { name: 'Check of the whole record' });
  await dialog.getByText(/^(No failure was found|There is nothing to check|[\d,]+ failures? found)$/).waitFor({ timeout: 120_000 });
  const text = await dialog.innerText();
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  await dialog.waitFor({ state: 'detached' });
  return text;
}
