/** Two computers of a clinic that never run at the same time: a patient registered at one appears at the other, by a file that was carried there. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keepPicturesOnFailure } from '../harness/artifacts.ts';
import { closeBrowser } from '../harness/browser.ts';
import { launchBrowserShell, type Workstation } from '../harness/browser-shell.ts';
import { temporaryFolder } from '../harness/data-folder.ts';
import { enrol } from './pages/administration.ts';
import { setUpClinic } from './pages/first-run.ts';
import { nothingWaits, openScreen } from './pages/frame.ts';
import * as desk from './pages/front-desk.ts';
import { lock, logIn, makeKey, switchTo } from './pages/lock-screen.ts';
import { people, pin } from './scene.ts';
import { stopAfterFailure } from './steps.ts';

const patient: desk.NewPatient = {
  ...{ family: 'Verma', given: 'Asha', birthDate: '1980-05-01', sex: 'Female', phone: '022 4567 8901', address: '12 Lake Road' },
  identifiers: [],
};

describe('carrying by USB stick', () => {
  const folders = { desk: temporaryFolder('carry-desk'), office: temporaryFolder('carry-office') };
  const stick = join(temporaryFolder('carry-stick'), 'waiting.car');
  let running: Workstation;
  let page: Page;

  /** Only one of the two runs at a time. */
  const use = async (which: keyof typeof folders) => {
    await running?.stop();
    running = await launchBrowserShell({ dataDir: folders[which] });
    page = running.page;
  };
  const dialog = () => page.getByRole('dialog', { name: 'Carry by USB stick' });
  const openDialog = async () => {
    await openScreen(page, 'Sync');
    await page.getByRole('button', { name: 'Carry by USB stick' }).click();
    await dialog().waitFor();
  };

  stopAfterFailure();
  beforeAll(async () => {
    await use('desk');
    await setUpClinic(page, 'Hillside Clinic', people.admin);
    await lock(page);
    const code = await makeKey(page, people.registrar);
    await logIn(page, people.admin);
    await enrol(page, code, people.registrar.name, ['Registrar']);
    await openScreen(page, 'Network');
    await page.getByRole('button', { name: 'Add a computer' }).click();
    const inviting = page.getByRole('dialog', { name: 'Add a computer' });
    await inviting.getByRole('button', { name: 'Show the invitation' }).click();
    const invitation = await inviting.getByLabel('Invitation', { exact: true }).inputValue();
    await inviting.getByRole('button', { name: 'Done' }).click();

    const office = await launchBrowserShell({ dataDir: folders.office });
    await office.page.getByRole('button', { name: 'Add this computer to a clinic' }).click();
    await office.page.getByLabel('Invitation').fill(invitation);
    await office.page.getByLabel('Name of this computer').fill('Office');
    await office.page.getByRole('button', { name: 'Add this computer' }).click();
    const officeCode = await makeKey(office.page, people.doctor);
    await enrol(page, officeCode, people.doctor.name, ['Doctor']);
    await nothingWaits(page);
    await logIn(office.page, people.doctor);
    await nothingWaits(office.page);
    await office.stop();
    await switchTo(page, people.registrar);
    // Two workstations one after the other, and a clinic.
  }, 400_000);
  beforeEach(() => keepPicturesOnFailure({ page }));
  afterAll(async () => {
    await running?.stop();
    await closeBrowser();
  });

  it('writes nothing where nothing waits, and says so', async () => {
    await openDialog();
    await dialog().getByRole('button', { name: 'Write the file' }).click();
    await dialog().getByText('everything that is known here is on the network already').waitFor();
    await dialog().getByRole('button', { name: 'Close', exact: true }).last().click();
  });

  it('writes what waits into a file while the ledger is away', async () => {
    const { pid } = JSON.parse(readFileSync(join(folders.desk, 'ledger', 'anvil.pid.json'), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGSTOP');
    try {
      await desk.register(page, patient, pin);
      await desk.handOver(page);
      await openDialog();
      const download = page.waitForEvent('download');
      await dialog().getByRole('button', { name: 'Write the file' }).click();
      await (await download).saveAs(stick);
      await dialog()
        .getByText(/entries written/)
        .waitFor();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  it('keeps what came whole of a file that was cut off, and goes on with the whole one', async () => {
    await use('office');
    await logIn(page, people.doctor);
    await openDialog();
    const whole = readFileSync(stick);
    const cut = `${stick}.cut`;
    writeFileSync(cut, whole.subarray(0, whole.length - 200));
    const file = dialog().getByLabel('File to take in');
    await file.setInputFiles(cut);
    await dialog().getByText('The file ended too early').waitFor();
    await file.setInputFiles(stick);
    await dialog()
      .getByText(/were here already/)
      .waitFor();
    expect(await dialog().getByText('The file ended too early').count()).toBe(0);
    await dialog().getByRole('button', { name: 'Close', exact: true }).last().click();
  });

  it('shows the patient at the other computer, which has no network', async () => {
    await openScreen(page, 'Patients');
    await desk.search(page, patient.family);
    await desk.foundRows(page).first().getByText('VERMA').waitFor();
  });
});
