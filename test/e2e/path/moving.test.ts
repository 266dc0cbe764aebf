/** A clinic moves from the ledger of its own computer to one that another clinic runs, on the screen. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { decodeCode, encodeCode } from '../../../src-main/core/adapters/crypto/code.ts';
import { keepPicturesOnFailure } from '../harness/artifacts.ts';
import { closeBrowser } from '../harness/browser.ts';
import { launchBrowserShell, type Workstation } from '../harness/browser-shell.ts';
import { temporaryFolder } from '../harness/data-folder.ts';
import { admit, invite } from './pages/administration.ts';
import { setUpClinic } from './pages/first-run.ts';
import { nothingWaits, openScreen, statusBar } from './pages/frame.ts';
import { logIn } from './pages/lock-screen.ts';
import { clinics, people } from './scene.ts';
import { stopAfterFailure } from './steps.ts';

describe('moving to a shared network', () => {
  let a: Workstation;
  let b: Workstation;
  let invitation = '';

  const panel = () => a.page.getByRole('region', { name: /Move to a shared network|Moved from a ledger/ });
  const enter = async (code: string) => {
    await panel().getByRole('button', { name: 'Enter an invitation…' }).click();
    const dialog = a.page.getByRole('dialog', { name: 'Move to a shared network' });
    await dialog.getByLabel('Invitation to the shared network').fill(code);
    await dialog.getByRole('button', { name: 'Get the code' }).click();
    return dialog;
  };

  stopAfterFailure();
  beforeAll(async () => {
    a = await launchBrowserShell({ dataDir: temporaryFolder('moving-a') });
    b = await launchBrowserShell({ dataDir: temporaryFolder('moving-b') });
    await setUpClinic(a.page, clinics.a, people.admin);
    await setUpClinic(b.page, clinics.b, people.otherAdmin);
    const own = await invite(b.page);
    // The ledger at its address, as one has it that clinics run together.
    await b.page.getByText('Details', { exact: true }).click();
    const endpoint = await b.page.getByText(/^http:\/\/127\.0\.0\.1:\d+/).textContent();
    invitation = encodeCode('ANAM-INVITE', { ...(decodeCode('ANAM-INVITE', own) as object), endpoint: endpoint?.trim() });
  });
  beforeEach(() => keepPicturesOnFailure(() => ({ a: a.page, b: b.page })));
  afterAll(async () => {
    await a?.stop();
    await b?.stop();
    await closeBrowser();
  });

  it('says what is wrong with an invitation, and changes nothing', async () => {
    await openScreen(a.page, 'Network');
    const dialog = await enter('not an invitation');
    await dialog.getByText(/nothing was changed/i).waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    expect(await panel().getByRole('button', { name: 'Enter an invitation…' }).isEnabled()).toBe(true);
  });

  it('gives a code for those who govern the other network, and waits for them', async () => {
    await enter(invitation);
    const code = await panel().getByLabel('Request code').inputValue();
    await panel().getByRole('button', { name: 'Move now…' }).click();
    await a.page.getByRole('dialog', { name: 'Move the clinic now?' }).getByRole('button', { name: 'Move', exact: true }).click();
    await panel()
      .getByText(/have not admitted this clinic yet/)
      .waitFor();
    await admit(b.page, code, clinics.a);
    await nothingWaits(b.page);
  });

  it('moves, and says that all of it is on the shared ledger', async () => {
    await panel().getByRole('button', { name: 'Move now…' }).click();
    await a.page.getByRole('dialog', { name: 'Move the clinic now?' }).getByRole('button', { name: 'Move', exact: true }).click();
    await logIn(a.page, people.admin);
    await openScreen(a.page, 'Network');
    await panel()
      .getByText(/All that was signed before has been sent/)
      .waitFor({ timeout: 60_000 });
    await panel().getByText('Not taken: 1').click();
    await panel().getByRole('list', { name: 'Operations that were not taken' }).waitFor();
    await a.page.getByRole('row', { name: clinics.b }).waitFor();
    expect(
      await statusBar(a.page)
        .getByText(/refused/)
        .count(),
    ).toBe(0);
  });
});
