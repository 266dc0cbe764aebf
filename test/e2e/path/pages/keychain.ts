/** The keychain on screen: turning it on and off in Settings, and the screen that asks for the recovery code. */
import type { Page } from 'playwright-core';
import { take } from '../../harness/pictures.ts';
import { openScreen } from './frame.ts';

export const panel = (page: Page) => page.getByRole('region', { name: 'What is stored on this computer' });

/** From the page that asks for the passphrase to the end. @returns the recovery code. */
export async function turnOn(page: Page, passphrase: string): Promise<string> {
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Your passphrase').fill(passphrase);
  await dialog.getByRole('button', { name: 'Show the recovery code' }).click();
  const groups = dialog.getByRole('list', { name: 'Recovery code' }).locator('.group');
  await groups.nth(13).waitFor();
  await take(page, 'keychain-code');
  const code = await groups.allInnerTexts();
  await dialog.getByRole('button', { name: 'I have it on paper' }).click();
  const asked = dialog.getByRole('textbox', { name: /^Group \d+$/ });
  await asked.nth(1).waitFor();
  const labels = await dialog
    .locator('label')
    .filter({ hasText: /^Group \d+$/ })
    .allInnerTexts();
  for (const label of labels) {
    const group = code[Number(label.replace('Group ', '')) - 1] ?? '';
    await dialog.getByLabel(label, { exact: true }).fill(group.toLowerCase());
  }
  await dialog.getByRole('button', { name: 'Turn on', exact: true }).click();
  await dialog.waitFor({ state: 'hidden' });
  return code.join('-');
}

export async function turnOff(page: Page, passphrase: string): Promise<void> {
  await openScreen(page, 'Settings');
  await panel(page).getByRole('button', { name: 'Turn off' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Your passphrase').fill(passphrase);
  await dialog.getByRole('button', { name: 'Turn off' }).click();
  await dialog.waitFor({ state: 'hidden' });
}

/** On the screen that is there instead of everything else. */
export async function enterCode(page: Page, code: string): Promise<void> {
  await page.getByLabel('Recovery code').fill(code);
  await page.getByRole('button', { name: 'Open with the code' }).click();
}
