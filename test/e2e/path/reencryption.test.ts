/**
 * A patient takes a doctor's access back and has what was written before encrypted anew: stopped, cut off by a lock, cut off by a kill, and brought to
 * its end each time by the same card. Whoever stays reads everything; whoever was left out opens nothing. Two clinics in real Chromium; the steps build
 * on each other.
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { root } from '../../../scripts/lib/project.ts';
import { admin } from '../admin/command-line.ts';
import { keepPicturesOnFailure } from '../harness/artifacts.ts';
import { closeBrowser } from '../harness/browser.ts';
import { temporaryFolder } from '../harness/data-folder.ts';
import { take } from '../harness/pictures.ts';
import { until } from '../harness/processes.ts';
import * as chart from './pages/chart.ts';
import { nothingWaits, openScreen } from './pages/frame.ts';
import * as desk from './pages/front-desk.ts';
import { lock, logIn, switchTo } from './pages/lock-screen.ts';
import { people, pin, Scene } from './scene.ts';
import { eventually, stopAfterFailure } from './steps.ts';

const results = 600;
const letters = 2;
const letterBytes = 3_500_000;

/** Results, and letters of several MB. */
function history({ family, given, birthDate }: desk.NewPatient): string {
  const self = { resourceType: 'Patient', id: 'p', name: [{ family, given: [given] }], gender: 'female', birthDate };
  const subject = { reference: 'Patient/p' };
  const observations = Array.from({ length: results }, (_, i) => ({
    ...{ resourceType: 'Observation', id: `o-${i}`, status: 'final', subject, code: { text: `Glucose ${i + 1}` } },
    ...{ effectiveDateTime: '2020-01-01', valueQuantity: { value: 5, unit: 'mmol/L' } },
  }));
  const text = 'The discharge letter, at length. ';
  const documents = Array.from({ length: letters }, (_, i) => ({
    ...{ resourceType: 'DocumentReference', id: `d-${i}`, status: 'current', subject, description: `Discharge letter ${i + 1}` },
    ...{ date: '2020-02-01T10:00:00Z' },
    content: [{ attachment: { contentType: 'text/plain', data: Buffer.alloc(letterBytes, text).toString('base64') } }],
  }));
  const entry = [self, ...observations, ...documents].map((resource) => ({ fullUrl: `Patient/p/${resource.id}`, resource }));
  return JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry });
}

describe('earlier records, locked after a revocation', () => {
  const scene = new Scene();

  stopAfterFailure();
  beforeAll(async () => {
    await scene.open();
    const { page } = scene.a;
    const file = join(temporaryFolder('history'), 'history.json');
    writeFileSync(file, history(scene.patient));
    await chart.chooseFile(page, file);
    await chart.importAll(page);
    await nothingWaits(page);
  }, 600_000);
  beforeEach(() => keepPicturesOnFailure(() => ({ hillside: scene.a.page, lakeside: scene.b.page })));
  afterAll(async () => {
    await scene.close();
    await closeBrowser();
  });

  const panel = () => scene.a.page.getByRole('region', { name: 'Earlier records' });
  /** Waits until some records are done and others not, and holds the core there while the test looks and acts. */
  const inTheMiddle = async (act: (core: number) => Promise<unknown>) => {
    await panel()
      .getByText(/^Locking earlier records: [1-9][\d,]* of/)
      .waitFor();
    const core = await scene.a.corePid();
    process.kill(core, 'SIGSTOP');
    try {
      await act(core);
    } finally {
      process.kill(core, 'SIGCONT');
    }
  };
  const atDesk = (page: Page) => desk.openCard(page, scene.card, pin);
  const letterOf = (page: Page) =>
    chart
      .entries(page)
      .filter({ hasText: /Discharge letter/ })
      .first();

  it('reads a letter of several MB at both clinics before', async () => {
    for (const { page } of [scene.a, scene.b]) {
      await chart.openTab(page, 'Documents');
      await letterOf(page).waitFor({ timeout: 120_000 });
      await letterOf(page).getByRole('button').first().click();
      await chart.record(page).getByText('The discharge letter, at length.').first().waitFor({ timeout: 120_000 });
      await eventually(() => chart.checks(page).count()).toBe(4);
    }
  });

  it('is offered in the dialog of the revocation, with what it cannot take back', async () => {
    const { page } = scene.a;
    await switchTo(page, people.registrar);
    await atDesk(page);
    expect(await panel().count()).toBe(0);
    await page.getByRole('button', { name: `Revoke access of ${people.otherDoctor.name}` }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Also lock what was written before').check();
    await dialog.getByText('It cannot take back what was already read').waitFor();
    await take(page, 'reencrypt-dialog');
    await dialog.getByRole('button', { name: 'Sign and revoke' }).click();
  });

  it('is stopped in the middle, and says what is locked and what is as it was', async () => {
    const { page } = scene.a;
    await inTheMiddle(async () => {
      await take(page, 'reencrypt-progress');
      await panel().getByRole('button', { name: 'Stop' }).click();
    });
    await panel().getByText('The others are as they were.').waitFor();
    await take(page, 'reencrypt-stopped');
  });

  it('is cut off by the lock, says so before the card is opened, and after', async () => {
    const { page } = scene.a;
    await panel().getByRole('button', { name: 'Sign and lock earlier records' }).click();
    await inTheMiddle(() => page.getByRole('navigation', { name: 'Screens' }).getByRole('button', { name: 'Lock' }).click());
    await page.getByRole('region', { name: 'People of this workstation' }).waitFor();
    await logIn(page, people.registrar);
    await openScreen(page, 'Patient at the desk');
    await page.getByText('Locking earlier records was interrupted').waitFor();
    await take(page, 'reencrypt-interrupted-desk');
    await atDesk(page);
    await panel().getByText('Locking earlier records was interrupted').waitFor();
    await take(page, 'reencrypt-interrupted');
  });

  it('is cut off by a kill, and comes to its end afterwards', async () => {
    const { page } = scene.a;
    await panel().getByRole('button', { name: 'Go on' }).click();
    await inTheMiddle(async (core) => {
      process.kill(core, 'SIGKILL');
      await until('another core', async () => (await scene.a.corePid()) !== core);
    }).catch((error: NodeJS.ErrnoException) => {
      // The one that was stopped is gone.
      if (error.code !== 'ESRCH') throw error;
    });
    await page.getByRole('region', { name: 'People of this workstation' }).waitFor();
    await take(page, 'reencrypt-killed');
    await logIn(page, people.registrar);
    await openScreen(page, 'Patient at the desk');
    await page.getByText('Locking earlier records was interrupted').waitFor();
    await atDesk(page);
    await panel().getByRole('button', { name: 'Go on' }).click();
    await panel().getByText('Earlier records are locked').waitFor();
    await take(page, 'reencrypt-done');
    await desk.finishSession(page);
    await openScreen(page, 'Patient at the desk');
    await page.getByLabel('Card', { exact: true }).waitFor();
    expect(await page.getByText('Locking earlier records was interrupted').count()).toBe(0);
    await atDesk(page);
    await desk.holder(page, people.doctor.name).waitFor();
    expect(await panel().count()).toBe(0);
    await desk.finishSession(page);
    await nothingWaits(page);
  });

  it('leaves everything readable to whoever stays, says when, and passes every check', async () => {
    const { page } = scene.a;
    await switchTo(page, people.doctor);
    await chart.openChart(page, scene.patient.family);
    expect(await chart.checkWholeRecord(page)).toContain('No failure was found');
    await chart.openTab(page, 'Documents');
    await letterOf(page).getByText('encrypted anew').waitFor({ state: 'attached' });
    await letterOf(page).getByRole('button').first().click();
    await chart.record(page).getByText('The discharge letter, at length.').first().waitFor();
    await chart
      .record(page)
      .getByText(/, by the patient$/)
      .first()
      .waitFor();
    await take(page, 'reencrypt-record');
    await chart.openTab(page, 'Timeline');
    await take(page, 'reencrypt-timeline');
    await chart.writeEncounter(page, { reason: 'Second visit', note: 'After the revocation.' });
    await chart.saveEncounter(page);
    await nothingWaits(page);
  });

  it('opens nothing to whoever was left out', async () => {
    const { page } = scene.b;
    await nothingWaits(page);
    await chart.openTab(page, 'Timeline');
    await page.getByText('Your access has ended').waitFor();
    expect(await chart.entries(page).filter({ hasText: 'Second visit' }).count()).toBe(0);
    await mine(scene.folders.a);
    await eventually(async () => {
      await lock(page);
      await logIn(page, people.otherDoctor);
      await chart.openChart(page, scene.patient.family);
      await chart.openTab(page, 'Documents');
      await letterOf(page).getByRole('button').first().click();
      await chart.record(page).getByRole('list', { name: 'Checks' }).waitFor();
      return chart.record(page).getByText('The discharge letter, at length.').count();
    }).toBe(0);
    await take(page, 'reencrypt-left-out-letter');
    await chart.openTab(page, 'Timeline');
    await take(page, 'reencrypt-left-out-timeline');
    const report = await chart.checkWholeRecord(page);
    expect(report).toContain('Nothing of this patient’s record is shared with you now.');
    expect(report).not.toContain('failure');
  });

  it('verifies on the command line, and in a copy that the stand-alone program checks', async () => {
    await scene.a.stop();
    const folder = temporaryFolder('verify');
    const passphraseFile = join(folder, 'passphrase.txt');
    const copy = join(folder, 'records.json');
    writeFileSync(passphraseFile, people.doctor.passphrase);
    const asDoctor = ['--as', people.doctor.name, '--passphrase-file', passphraseFile, '--data', scene.folders.a];
    const verified = await admin<{ records: number; verified: number; waiting: number; failures: unknown[] }>(
      'verify',
      ...asDoctor,
      '--json',
    );
    expect(verified.exitCode, verified.stdout).toBe(0);
    const report = verified.json();
    expect(report).toMatchObject({ failures: [], waiting: 0, verified: report.records });
    expect(report.records).toBeGreaterThan(results + letters);
    const exported = await admin('export', scene.patient.family, '--verifiable', '--out', copy, ...asDoctor);
    expect(exported.exitCode, exported.stdout).toBe(0);
    const { exitCode, stdout } = await standAlone(copy);
    expect(exitCode, stdout).toBe(0);
  });
});

/** What the program without dependencies says of a verifiable export. */
function standAlone(file: string): Promise<{ exitCode: number; stdout: string }> {
  return new Promise((resolve) => {
    const program = join(root, 'dist', 'verify-export.mjs');
    execFile(process.execPath, [program, file], { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) =>
      resolve({ exitCode: error ? Number(error.code) : 0, stdout: `${stdout}${stderr}` }),
    );
  });
}

/** Blocks of the embedded ledger, until what was anchored is final: then the old form goes everywhere. */
async function mine(folder: string): Promise<void> {
  const { port } = JSON.parse(readFileSync(join(folder, 'ledger', 'anvil.pid.json'), 'utf8')) as { port: number };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'anvil_mine', params: ['0x4'] });
  await fetch(`http://127.0.0.1:${port}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
}
