/**
 * The first consultation, end to end, with the user interface alone: two workstations, each a browser shell with its own core and data
 * folder, in real Chromium. The steps build on each other.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keepPicturesOnFailure } from '../harness/artifacts.ts';
import { closeBrowser } from '../harness/browser.ts';
import { launchBrowserShell, type Workstation } from '../harness/browser-shell.ts';
import { temporaryFolder } from '../harness/data-folder.ts';
import { countTypes, packagedBundles, patientOf } from './bundles.ts';
import { admit, enrol, invite } from './pages/administration.ts';
import * as chart from './pages/chart.ts';
import { askToJoin } from './pages/first-run.ts';
import { nothingWaits, openScreen, statusBar } from './pages/frame.ts';
import * as desk from './pages/front-desk.ts';
import { answer } from './pages/keys.ts';
import { lock, logIn, makeKey, switchTo, tryToLogIn } from './pages/lock-screen.ts';
import { readQrCode } from './qr.ts';
import { eventually, stopAfterFailure } from './steps.ts';

const passphrase = 'seven quiet herons wade';
const admin = { name: 'Meera Rao', passphrase };
const registrar = { name: 'Tom Okafor', passphrase };
const doctor = { name: 'Dr Anil Kumar', passphrase };
const otherAdmin = { name: 'Ines Castro', passphrase };
const otherDoctor = { name: 'Dr Sara Lindqvist', passphrase };
const pin = '480915';
const bundle = packagedBundles.find((file) => file.includes('Luna60')) ?? '';
const otherBundle = packagedBundles.find((file) => file.includes('Johnnie679')) ?? '';
const patient = patientOf(bundle);

describe('a first consultation', () => {
  const folders = { a: temporaryFolder('hillside'), b: temporaryFolder('lakeside') };
  let a: Workstation;
  let b: Workstation;
  let card = '';

  stopAfterFailure();
  beforeAll(async () => {
    a = await launchBrowserShell({ dataDir: folders.a });
    b = await launchBrowserShell({ dataDir: folders.b });
  });
  beforeEach(() => keepPicturesOnFailure({ hillside: a.page, lakeside: b.page }));
  afterAll(async () => {
    await Promise.all([a?.stop(), b?.stop()]);
    await closeBrowser();
  });

  it('sets up a clinic, asking three of the words back', async () => {
    const { page } = a;
    await page.getByRole('button', { name: 'Set up a new clinic here' }).click();
    await page.getByLabel('Clinic name').fill('Hillside Clinic');
    await page.getByLabel('Your name').fill(admin.name);
    await page.keyboard.press('Enter');
    // A passphrase that is too short, and one repeated wrongly, do not pass.
    await page.getByLabel('Passphrase', { exact: true }).fill('short');
    await page.keyboard.press('Enter');
    await page.getByText('Enter a passphrase of at least 10 characters.').waitFor();
    await page.getByLabel('Passphrase', { exact: true }).fill(passphrase);
    await page.getByLabel('Passphrase again').fill(`${passphrase}!`);
    await page.keyboard.press('Enter');
    await page.getByText('The two passphrases are not the same.').waitFor();
    await page.getByLabel('Passphrase again').fill(passphrase);
    await page.keyboard.press('Enter');
    const lines = page.getByRole('list', { name: 'Recovery words' }).getByRole('listitem');
    await lines.nth(23).waitFor();
    const words = (await lines.allInnerTexts()).map((line) => line.replace(/[\d\s]/g, ''));
    expect(new Set(words).size).toBeGreaterThan(15);
    await page.getByRole('button', { name: 'I have written them down' }).click();
    await answer(page, () => 'wrong');
    await page.getByRole('button', { name: 'Set up the clinic' }).click();
    await page
      .getByText(/^This is not word \d+/)
      .first()
      .waitFor();
    await answer(page, (place) => words[place - 1] ?? '');
    await page.getByRole('button', { name: 'Set up the clinic' }).click();
    await page.getByRole('heading', { name: 'Hillside Clinic is ready' }).waitFor();
    await page.getByRole('button', { name: 'Open the workstation' }).click();
    await statusBar(page).getByText('Ledger: single-site').waitFor();
  });

  it('enrols a registrar and a doctor by the codes that they show', async () => {
    const { page } = a;
    await lock(page);
    const registrarCode = await makeKey(page, registrar);
    const doctorCode = await makeKey(page, doctor);
    expect(doctorCode).not.toBe(registrarCode);
    await logIn(page, admin);
    await enrol(page, registrarCode, registrar.name, ['Registrar']);
    await enrol(page, doctorCode, doctor.name, ['Doctor']);
  });

  it('lets nobody in with a wrong passphrase, says nothing of what was wrong, and makes them wait', async () => {
    const { page } = a;
    await lock(page);
    await tryToLogIn(page, { ...registrar, passphrase: 'not this one' });
    await page.getByText(/Try again in \d+ s/).waitFor();
    const message = await page.getByLabel('Passphrase', { exact: true }).evaluate((field) => {
      const id = field.getAttribute('aria-describedby') ?? '';
      return document.getElementById(id)?.textContent ?? '';
    });
    expect(message).not.toBe('');
    expect(message).not.toMatch(/account|passphrase is wrong/i);
    await page.getByText(/Try again in \d+ s/).waitFor({ state: 'detached' });
    await logIn(page, registrar);
  });

  it('registers the patient and reads the card off the screen', async () => {
    const { page } = a;
    await desk.register(page, patient, pin);
    card = await readQrCode(desk.shownCard(page));
    expect(card).not.toContain(patient.family);
    const words = page.getByRole('article', { name: 'Recovery sheet' }).getByRole('listitem');
    expect(await words.count()).toBe(24);
    await desk.handOver(page);
  });

  it.each([
    ['the beginning of the name', patient.family.slice(0, 4)],
    ['the phone number without its signs', patient.phone.replaceAll('-', '')],
    ['the last digits of the phone number', patient.phone.slice(-4)],
    ['the identifier', patient.identifiers[0]?.value ?? ''],
    ['given and family name in small letters', `${patient.given} ${patient.family}`.toLowerCase()],
  ])('finds the patient while typing %s', async (_what, text) => {
    const { page } = a;
    await openScreen(page, 'Patients');
    await desk.search(page, text);
    await desk.foundRows(page).filter({ hasText: patient.family }).waitFor();
  });

  it('finds nobody of another name', async () => {
    await desk.search(a.page, 'Zuckmayer');
    await a.page.getByText('Nobody found').waitFor();
  });

  it('lets the patient share with the doctor at the desk, and shows who has access', async () => {
    const { page } = a;
    await desk.openCard(page, card, pin);
    // The clinic that registered the patient may read who the patient is and book visits, and nothing else.
    await eventually(() => desk.holder(page, 'Hillside Clinic').innerText()).toMatch(/Who I am\s+Appointments\s/);
    await desk.share(page, doctor.name, 'Read and write');
    await eventually(() => desk.holder(page, doctor.name).innerText()).toMatch(/Read and write/);
    await eventually(() => desk.accessHistory(page).first().innerText()).toMatch(/Shared.*Dr Anil Kumar[^]*Anchored/);
    await desk.finishSession(page);
  });

  it("imports the patient's history, listing what is not supported", async () => {
    const { page } = a;
    await switchTo(page, doctor);
    await chart.openChart(page, patient.family);
    await chart.chooseFile(page, bundle);
    await page.getByText('The same person as in this chart.').waitFor();
    const { Claim, ExplanationOfBenefit, ...supported } = countTypes(bundle);
    expect(await chart.previewCounts(page, /^Will not be imported/)).toEqual({ Claim, ExplanationOfBenefit });
    const kept = await chart.previewCounts(page, /^Will be kept/);
    expect(sum(kept)).toBe(sum(supported));
    await chart.importAll(page);
    await page
      .getByText(
        `Not imported, because this workstation does not keep them: ${Claim} Claim and ${ExplanationOfBenefit} ExplanationOfBenefit.`,
      )
      .waitFor();
    await nothingWaits(page);
    const report = await chart.checkWholeRecord(page);
    expect(report).toContain('No failure was found');
  });

  it("reads the history: timeline, one record with its four checks, the patient's summary", async () => {
    const { page } = a;
    await chart.openTab(page, 'Timeline');
    await page.getByLabel('Show', { exact: true }).selectOption({ label: `Vaccinations (${countTypes(bundle)['Immunization']})` });
    await chart.entries(page).first().getByRole('button').first().click();
    await chart.record(page).getByText('Verified', { exact: true }).first().waitFor();
    const said = await chart.checks(page).allInnerTexts();
    expect(said.map((line) => line.split(/\s/)[0])).toEqual(['Content', 'Anchor', 'Signature', 'Consent']);
    expect(said.join('\n')).not.toMatch(/failed|not checked/);
    await chart.openTab(page, 'Summary');
    await page.getByRole('heading', { name: 'Recent results' }).waitFor();
  });

  it('refuses the history of another patient, and a file that is none, in words', async () => {
    const { page } = a;
    await chart.chooseFile(page, otherBundle);
    await page.getByText('This file belongs to another patient').waitFor();
    expect(await page.getByRole('button', { name: /^Import [\d,]+ records?$/ }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Choose another file' }).click();
    await chart.chooseFile(page, {
      name: 'notes.json',
      mimeType: 'application/json',
      buffer: Buffer.from('{"resourceType":"Bundle",\n"entry":[}'),
    });
    await page.getByText(/^First fault: .*line 2, column \d+/).waitFor();
  });

  it('writes an encounter with a coded diagnosis and a note: saved here, anchored, verified', async () => {
    const { page } = a;
    await chart.writeEncounter(page, {
      reason: 'Cough for three days',
      diagnosis: 'acute bronchitis',
      note: 'Chest clear. Fluids and rest.',
    });
    const seen = await watchChips(page);
    await chart.saveEncounter(page);
    const saved = chart.justSaved(page);
    await eventually(() => saved.getByText('Verified', { exact: true }).count()).toBe(3);
    expect(await saved.getByText(/^Block [\d,]+$/).count()).toBe(3);
    // “Anchored” may pass between two looks; the order never changes.
    const words = await seen();
    expect(words).toEqual(['Saved here', 'Anchored', 'Verified'].filter((word) => word !== 'Anchored' || words.includes(word)));
    await chart.openTab(page, 'Summary');
    const newest = page.getByRole('region', { name: 'Newest encounter' });
    await newest.getByText('Chest clear. Fluids and rest.').waitFor();
    await newest.getByText('J20', { exact: false }).first().waitFor();
  });

  it('lets a second clinic join by invitation and request code', async () => {
    await switchTo(a.page, admin);
    const invitation = await invite(a.page);
    const request = await askToJoin(b.page, invitation, 'Lakeside Clinic', otherAdmin);
    await admit(a.page, request, 'Lakeside Clinic');
    await b.page.getByRole('region', { name: 'People of this workstation' }).waitFor();
    const code = await makeKey(b.page, otherDoctor);
    await logIn(b.page, otherAdmin);
    await enrol(b.page, code, otherDoctor.name, ['Doctor']);
    await statusBar(b.page).getByText('Ledger: shared').waitFor();
    await switchTo(b.page, otherDoctor);
    await b.page.getByText('No patients yet').waitFor();
  });

  it('shows the chart to the second doctor, fetched and verified, within seconds of the patient sharing it', async () => {
    await switchTo(a.page, registrar);
    await desk.openCard(a.page, card, pin);
    await desk.share(a.page, otherDoctor.name, 'Read');
    const { page } = b;
    await desk.foundRows(page).filter({ hasText: patient.family }).waitFor();
    await chart.openChart(page, patient.family);
    await page.getByRole('region', { name: 'Newest encounter' }).getByText('Cough for three days').waitFor();
    await page.getByRole('region', { name: 'Newest encounter' }).getByRole('button', { name: 'Verified' }).click();
    await eventually(async () => (await chart.checks(page).allInnerTexts()).length).toBe(4);
    expect((await chart.checks(page).allInnerTexts()).join('\n')).not.toMatch(/failed|not checked/);
    await chart.record(page).getByText(doctor.name).first().waitFor();
    const report = await chart.checkWholeRecord(page);
    expect(report).toContain('No failure was found');
  });

  it('keeps new records from the second doctor once the patient has revoked the access', async () => {
    await desk.revoke(a.page, otherDoctor.name);
    await eventually(async () => (await desk.accessHistory(a.page).allInnerTexts()).slice(0, 2).join('\n')).toMatch(
      /Revoked[^]*Dr Sara Lindqvist[^]*Anchored[^]*Shared[^]*Dr Sara Lindqvist[^]*Anchored/,
    );
    await desk.finishSession(a.page);
    await switchTo(a.page, doctor);
    await chart.openChart(a.page, patient.family);
    await chart.writeEncounter(a.page, { reason: 'Cough is gone', note: 'Lungs clear.' });
    await chart.saveEncounter(a.page);
    await eventually(() => chart.justSaved(a.page).getByText('Verified', { exact: true }).count()).toBe(2);
    // The second workstation has followed the ledger up to the block of the new record, and shows nothing of it.
    const block = Number(
      (
        await chart
          .justSaved(a.page)
          .getByText(/^Block/)
          .first()
          .innerText()
      ).replace(/\D/g, ''),
    );
    await eventually(() => followedBlock(b.page)).toBeGreaterThanOrEqual(block);
    await b.page.reload();
    await chart.openTab(b.page, 'Timeline');
    // What was read before cannot be un-read; what came after is not there, by any way.
    await chart.entries(b.page).filter({ hasText: 'Cough for three days' }).first().waitFor();
    expect(await chart.entries(b.page).filter({ hasText: 'Cough is gone' }).count()).toBe(0);
    await chart.openTab(b.page, 'Access');
    await eventually(() => b.page.getByRole('row', { name: /^Problems and visits/ }).innerText()).toMatch(/Not shared/);
  });
});

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, count) => total + count, 0);

/** The block up to which this workstation has read the ledger, as the status bar tells whoever points at it. */
async function followedBlock(page: Workstation['page']): Promise<number> {
  const hint =
    (await statusBar(page)
      .getByText(/^Ledger:/)
      .getAttribute('title')) ?? '';
  return Number((/read up to ([\d,]+)/.exec(hint)?.[1] ?? '0').replaceAll(',', ''));
}

/** Notes each word that a state chip shows from now on; the returned function gives them in the order of their first appearance. */
async function watchChips(page: Workstation['page']): Promise<() => Promise<string[]>> {
  const words = await page.evaluateHandle(() => {
    const seen: string[] = [];
    const look = () => {
      for (const chip of document.querySelectorAll('section[aria-label="Just saved"] .chip')) {
        const word = chip.textContent?.trim() ?? '';
        if (word !== '' && !seen.includes(word)) seen.push(word);
      }
    };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
    return seen;
  });
  return () => words.jsonValue();
}
