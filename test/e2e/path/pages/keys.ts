/** Making a person's key on screen: passphrase, the 24 words and three of them asked back. First run and “I am new here” share these pages. */
import type { Page } from 'playwright-core';

export interface Person {
  readonly name: string;
  readonly passphrase: string;
}

async function next(page: Page, name = 'Continue'): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click();
}

/** The words as the screen shows them, in order. */
async function readWords(page: Page): Promise<string[]> {
  const items = page.getByRole('list', { name: 'Recovery words' }).getByRole('listitem');
  await items.nth(23).waitFor();
  // Each line is its number and its word.
  return (await items.allInnerTexts()).map((line) => line.replace(/[\d\s]/g, ''));
}

/** From the passphrase page to the last button. The passphrase page is on screen. @returns the 24 words. */
export async function choosePassphraseAndConfirm(page: Page, passphrase: string, last: string): Promise<string[]> {
  await page.getByLabel('Passphrase', { exact: true }).fill(passphrase);
  await page.getByLabel('Passphrase again').fill(passphrase);
  await next(page);
  const words = await readWords(page);
  await next(page, 'I have written them down');
  await answer(page, (place) => words[place - 1] ?? '');
  await next(page, last);
  return words;
}

/** Answers each “Word n” that is asked. */
export async function answer(page: Page, wordAt: (place: number) => string): Promise<void> {
  const asked = page.getByRole('textbox', { name: /^Word \d+$/ });
  await asked.nth(2).waitFor();
  const labels = await page
    .locator('label')
    .filter({ hasText: /^Word \d+$/ })
    .allInnerTexts();
  for (const label of labels) await page.getByLabel(label, { exact: true }).fill(wordAt(Number(label.replace('Word ', ''))));
}
