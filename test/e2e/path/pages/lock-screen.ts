/** The lock screen: who is chosen, the passphrase, and the making of a key by somebody new. */
import type { Page } from 'playwright-core';
import { choosePassphraseAndConfirm, type Person } from './keys.ts';

/** Chooses a person and gives a passphrase; says nothing of what comes of it. */
export async function tryToLogIn(page: Page, person: Person): Promise<void> {
  await page.getByRole('region', { name: 'People of this workstation' }).getByRole('button', { name: person.name }).click();
  const field = page.getByLabel('Passphrase', { exact: true });
  await field.fill(person.passphrase);
  await field.press('Enter');
}

/** Logs in from the lock screen; ready when the navigation is there. */
export async function logIn(page: Page, person: Person): Promise<void> {
  await tryToLogIn(page, person);
  // The passphrase's key takes its time on a busy computer.
  await page.getByRole('navigation', { name: 'Screens' }).waitFor({ timeout: 120_000 });
}

/** Locks, and the lock screen is there. */
export async function lock(page: Page): Promise<void> {
  await page.getByRole('navigation', { name: 'Screens' }).getByRole('button', { name: 'Lock' }).click();
  await page.getByRole('region', { name: 'People of this workstation' }).waitFor();
}

/** Somebody else takes the seat. */
export async function switchTo(page: Page, person: Person): Promise<void> {
  await lock(page);
  await logIn(page, person);
}

/** “I am new here”, from the lock screen. @returns the enrolment code that the screen shows. */
export async function makeKey(page: Page, person: Person): Promise<string> {
  await page.getByRole('button', { name: 'I am new here' }).click();
  await page.getByLabel('Your name').fill(person.name);
  await page.getByRole('button', { name: 'Continue' }).click();
  await choosePassphraseAndConfirm(page, person.passphrase, 'Make my key');
  await page.getByText('Waiting for approval').first().waitFor();
  return page.getByLabel('Enrolment code', { exact: true }).inputValue();
}
