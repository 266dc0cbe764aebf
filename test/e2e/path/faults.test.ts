/**
 * What a working day does to workstations: restarts, a ledger that cannot be reached, a core that dies while it saves, a changed byte on
 * disk. Two workstations in real Chromium; the steps build on each other.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keepPicturesOnFailure } from '../harness/artifacts.ts';
import { closeBrowser } from '../harness/browser.ts';
import * as chart from './pages/chart.ts';
import { nothingWaits, statusBar } from './pages/frame.ts';
import * as desk from './pages/front-desk.ts';
import { logIn, switchTo } from './pages/lock-screen.ts';
import { clinics, people, pin, Scene } from './scene.ts';
import { eventually, stopAfterFailure } from './steps.ts';
import { flipByteIn, storedBlocks } from './stored-blocks.ts';

describe('a working day', () => {
  const scene = new Scene();
  const { family } = scene.patient;

  stopAfterFailure();
  beforeAll(() => scene.open());
  beforeEach(() => keepPicturesOnFailure(() => ({ hillside: scene.a.page, lakeside: scene.b.page })));
  afterAll(async () => {
    await scene.close();
    await closeBrowser();
  });

  it('finds everything again after both workstations were restarted', async () => {
    await scene.close();
    await scene.start('a');
    await scene.start('b');
    await logIn(scene.a.page, people.registrar);
    await desk.openCard(scene.a.page, scene.card, pin);
    for (const name of [people.doctor.name, people.otherDoctor.name, clinics.a]) await desk.holder(scene.a.page, name).waitFor();
    await desk.finishSession(scene.a.page);
    await switchTo(scene.a.page, people.doctor);
    await logIn(scene.b.page, people.otherDoctor);
    for (const { page } of [scene.a, scene.b]) {
      await statusBar(page)
        .getByText(/^Online/)
        .waitFor();
      await chart.openChart(page, family);
      await page.getByRole('region', { name: 'Newest encounter' }).getByText('First visit').waitFor();
      expect(await chart.checkWholeRecord(page)).toContain('No failure was found');
    }
  });

  it('works on while the ledger cannot be reached, and says so', async () => {
    await scene.a.stop();
    const { page } = scene.b;
    await statusBar(page)
      .getByText(/^Offline · last synced/)
      .waitFor();
    await chart.writeEncounter(page, { reason: 'Seen without a network', diagnosis: 'I10', note: 'Measured twice.' });
    await chart.saveEncounter(page);
    await statusBar(page)
      .getByText(/^\d+ waiting$/)
      .waitFor();
    expect(await chart.justSaved(page).getByText('Saved here', { exact: true }).count()).toBe(3);
    await chart.openTab(page, 'Timeline');
    await chart.entries(page).filter({ hasText: 'First visit' }).first().waitFor();
    await chart.entries(page).filter({ hasText: 'Seen without a network' }).first().waitFor();
  });

  it('sends by itself what waited, once the ledger is back, and the other clinic has it', async () => {
    await scene.start('a');
    await nothingWaits(scene.b.page);
    await logIn(scene.a.page, people.doctor);
    for (const { page } of [scene.b, scene.a]) {
      await chart.openChart(page, family);
      const newest = page.getByRole('region', { name: 'Newest encounter' });
      await newest.getByText('Seen without a network').waitFor();
      await newest.getByRole('button', { name: 'Verified' }).waitFor();
    }
  });

  it('keeps what was typed and what was saved when the core is killed while saving', async () => {
    const { page } = scene.b;
    await chart.writeEncounter(page, { reason: 'Saved before the crash', note: 'Reported as saved.' });
    await chart.saveEncounter(page);
    await chart.writeEncounter(page, { reason: 'In the middle of the crash', note: 'Typed with care.' });
    // Stopped before the save arrives and killed before it can be answered: the save is under way and never ends.
    const core = await scene.b.corePid();
    process.kill(core, 'SIGSTOP');
    await page.getByLabel('Note', { exact: true }).press('Control+Enter');
    await page.getByRole('button', { name: 'Save the encounter' }).and(page.locator('[aria-busy=true]')).waitFor();
    process.kill(core, 'SIGKILL');
    await page.getByText('The workstation was restarted').waitFor();
    await logIn(page, people.otherDoctor);
    // The same person is back at the same place.
    await page.getByText(/^Draft of .* restored$/).waitFor();
    await eventually(() => page.getByLabel('Reason', { exact: true }).inputValue()).toBe('In the middle of the crash');
    await eventually(() => page.getByLabel('Note', { exact: true }).inputValue()).toBe('Typed with care.');
    await chart.saveEncounter(page);
    await chart.openTab(page, 'Timeline');
    for (const reason of ['Saved before the crash', 'In the middle of the crash']) {
      await chart.entries(page).filter({ hasText: reason }).first().waitFor();
    }
    expect(await chart.checkWholeRecord(page)).toContain('No failure was found');
  });

  it('shows in words that a byte was changed in a stored block', async () => {
    const { page: first } = scene.a;
    const tamperedEntry = (page: typeof first) => chart.entries(page).filter({ hasText: 'To be tampered with' }).first();
    await scene.b.stop();
    const before = storedBlocks(scene.folders.b);
    await scene.start('b');
    await chart.writeEncounter(first, { reason: 'To be tampered with', note: 'As its author wrote it.' });
    await chart.saveEncounter(first);
    await logIn(scene.b.page, people.otherDoctor);
    await chart.openChart(scene.b.page, family);
    await chart.openTab(scene.b.page, 'Timeline');
    await tamperedEntry(scene.b.page).getByRole('button', { name: 'Verified' }).waitFor();
    await scene.close();
    flipByteIn(
      scene.folders.b,
      [...storedBlocks(scene.folders.b)].filter((block) => !before.has(block)),
    );
    await scene.start('b');
    const { page } = scene.b;
    await logIn(page, people.otherDoctor);
    await chart.openChart(page, family);
    await chart.openTab(page, 'Timeline');
    await tamperedEntry(page).getByRole('button', { name: 'Tampered', exact: true }).click();
    await chart.record(page).getByText('This record was tampered with').waitFor();
    expect((await chart.checks(page).allInnerTexts()).join('\n')).toMatch(/Content failed/);
    const report = await chart.checkWholeRecord(page);
    expect(report).toMatch(/failures? found/);
  });
});
