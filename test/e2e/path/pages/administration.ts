/** What an administrator does on screen: enrolling staff, inviting and admitting clinics. */
import type { Page } from 'playwright-core';
import { openScreen } from './frame.ts';

export type RoleName = 'Registrar' | 'Doctor' | 'Administrator' | 'Auditor';

/** Reads an enrolment code and approves its person. */
export async function enrol(page: Page, code: string, person: string, roles: readonly RoleName[]): Promise<void> {
  await openScreen(page, 'Staff');
  await page.getByRole('button', { name: 'Enrol somebody' }).click();
  const dialog = page.getByRole('dialog', { name: 'Enrol somebody' });
  await dialog.getByLabel('Enrolment code').fill(code);
  await dialog.getByRole('button', { name: 'Read the code' }).click();
  await dialog.getByText(person, { exact: true }).waitFor();
  for (const role of roles) await dialog.getByLabel(role, { exact: true }).check();
  await dialog.getByRole('button', { name: 'Approve' }).click();
  await dialog.waitFor({ state: 'detached' });
  // Active: the approval is on the ledger.
  await page.getByRole('row', { name: person }).getByText('Active', { exact: true }).waitFor();
}

/** @returns the invitation that the screen shows. */
export async function invite(page: Page): Promise<string> {
  await openScreen(page, 'Network');
  await page.getByRole('button', { name: 'Invite a clinic' }).click();
  const dialog = page.getByRole('dialog', { name: 'Invite a clinic' });
  await dialog.getByRole('button', { name: 'Show the invitation' }).click();
  const invitation = await dialog.getByLabel('Invitation', { exact: true }).inputValue();
  await dialog.getByRole('button', { name: 'Done' }).click();
  return invitation;
}

/** Admits the clinic whose request code this is. */
export async function admit(page: Page, code: string, clinic: string): Promise<void> {
  await openScreen(page, 'Network');
  await page.getByRole('button', { name: 'Admit a clinic' }).click();
  const dialog = page.getByRole('dialog', { name: 'Admit a clinic' });
  await dialog.getByLabel('Request code').fill(code);
  await dialog.getByRole('button', { name: 'Read the code' }).click();
  await dialog.getByText(clinic, { exact: true }).waitFor();
  await dialog.getByRole('button', { name: 'Admit', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('row', { name: clinic }).waitFor();
}
