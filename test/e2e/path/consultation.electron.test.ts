/**
 * The first five steps of the path in a real Electron window: set-up, enrolment, registration with a card printed to PDF, sharing at the
 * desk, import and encounter.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keepPicturesOnFailure } from '../harness/artifacts.ts';
import { temporaryFolder } from '../harness/data-folder.ts';
import { closeScreen, launchElectron, type ElectronWorkstation } from '../harness/electron.ts';
import { until } from '../harness/processes.ts';
import { countTypes, packagedBundles, patientOf } from './bundles.ts';
import { enrol } from './pages/administration.ts';
import * as chart from './pages/chart.ts';
import { setUpClinic } from './pages/first-run.ts';
import { nothingWaits } from './pages/frame.ts';
import * as desk from './pages/front-desk.ts';
import { lock, logIn, makeKey, switchTo } from './pages/lock-screen.ts';
import { readQrCode } from './qr.ts';
import { people, pin } from './scene.ts';
import { eventually, stopAfterFailure } from './steps.ts';

const { admin, registrar, doctor } = people;
const bundle = packagedBundles.find((file) => file.includes('Johnnie679')) ?? '';
const patient = patientOf(bundle);

describe('a first consultation in a window', () => {
  const dataDir = temporaryFolder('window');
  let workstation: ElectronWorkstation;
  let card = '';
  const page = () => workstation.page;

  stopAfterFailure();
  beforeAll(async () => {
    workstation = await launchElectron({ dataDir });
  });
  beforeEach(() => keepPicturesOnFailure(() => ({ window: page() })));
  afterAll(async () => {
    await workstation?.stop();
    await closeScreen();
  });

  it('sets up a clinic', async () => {
    const words = await setUpClinic(page(), 'Window Clinic', admin);
    expect(words).toHaveLength(24);
  });

  it('enrols a registrar and a doctor', async () => {
    await lock(page());
    const codes = [await makeKey(page(), registrar), await makeKey(page(), doctor)] as const;
    await logIn(page(), admin);
    await enrol(page(), codes[0], registrar.name, ['Registrar']);
    await enrol(page(), codes[1], doctor.name, ['Doctor']);
  });

  it('registers a patient and prints the card, alone on one page, to a PDF file', async () => {
    await switchTo(page(), registrar);
    await desk.register(page(), patient, pin);
    card = await readQrCode(desk.shownCard(page()));
    const file = join(dataDir, 'card.pdf');
    // The person's answer to the system's dialog, which no test can give.
    await workstation.app.evaluate(({ dialog }, path) => {
      dialog.showSaveDialog = (async () => ({ canceled: false, filePath: path })) as unknown as typeof dialog.showSaveDialog;
    }, file);
    await page().getByRole('button', { name: 'Print the card' }).click();
    const pdf = await until('the PDF', () => {
      try {
        const bytes = readFileSync(file, 'latin1');
        return bytes.trimEnd().endsWith('%%EOF') ? bytes : null;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    });
    expect(pdf.startsWith('%PDF-')).toBe(true);
    expect(pdf.match(/\/Type \/Page\b(?!s)/g)).toHaveLength(1);
    await desk.handOver(page());
  });

  it('lets the patient share with the doctor at the desk', async () => {
    await desk.openCard(page(), card, pin);
    await desk.share(page(), doctor.name, 'Read and write');
    await eventually(() => desk.holder(page(), doctor.name).innerText()).toMatch(/Read and write/);
    await desk.finishSession(page());
  });

  it("imports the patient's history and writes an encounter that is anchored and verified", async () => {
    await switchTo(page(), doctor);
    await chart.openChart(page(), patient.family);
    await chart.chooseFile(page(), bundle);
    const { Claim, ExplanationOfBenefit } = countTypes(bundle);
    expect(await chart.previewCounts(page(), /^Will not be imported/)).toEqual({ Claim, ExplanationOfBenefit });
    await chart.importAll(page());
    await chart.writeEncounter(page(), { reason: 'Cough', diagnosis: 'acute bronchitis', note: 'Chest clear.' });
    await chart.saveEncounter(page());
    await nothingWaits(page());
    await eventually(() => chart.justSaved(page()).getByText('Verified', { exact: true }).count()).toBe(3);
    expect(await chart.checkWholeRecord(page())).toContain('No failure was found');
  });
});
