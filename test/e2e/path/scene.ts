/**
 * Two clinics at work, made by the user interface: the first with a registrar and a doctor, the second, joined to it, with a doctor; one
 * patient who shares with both doctors, and one encounter.
 */
import { launchBrowserShell, type Workstation } from '../harness/browser-shell.ts';
import { temporaryFolder } from '../harness/data-folder.ts';
import { admit, enrol, invite } from './pages/administration.ts';
import * as chart from './pages/chart.ts';
import { askToJoin, setUpClinic } from './pages/first-run.ts';
import { nothingWaits } from './pages/frame.ts';
import * as desk from './pages/front-desk.ts';
import type { Person } from './pages/keys.ts';
import { lock, logIn, makeKey, switchTo } from './pages/lock-screen.ts';
import { readQrCode } from './qr.ts';

const passphrase = 'seven quiet herons wade';
const person = (name: string): Person => ({ name, passphrase });

export const people = {
  admin: person('Meera Rao'),
  registrar: person('Tom Okafor'),
  doctor: person('Dr Anil Kumar'),
  otherAdmin: person('Ines Castro'),
  otherDoctor: person('Dr Sara Lindqvist'),
} as const;
export const clinics = { a: 'Hillside Clinic', b: 'Lakeside Clinic' } as const;
export const pin = '480915';

const asha: desk.NewPatient = {
  family: 'Verma',
  given: 'Asha',
  birthDate: '1980-05-01',
  sex: 'Female',
  phone: '022 4567 8901',
  address: '12 Lake Road, Hillside',
  identifiers: [{ type: 'National ID', value: '4711-0815' }],
};

export class Scene {
  readonly folders = { a: temporaryFolder('hillside'), b: temporaryFolder('lakeside') };
  readonly patient = asha;
  a!: Workstation;
  b!: Workstation;
  card = '';

  async start(which: 'a' | 'b'): Promise<void> {
    this[which] = await launchBrowserShell({ dataDir: this.folders[which] });
  }

  /** Both clinics, their people, the patient and what is shared. Afterwards both doctors are logged in, with the chart open. */
  async open(): Promise<void> {
    await this.start('a');
    await this.start('b');
    const [a, b] = [this.a.page, this.b.page];
    await setUpClinic(a, clinics.a, people.admin);
    const invitation = await invite(a);
    const request = await askToJoin(b, invitation, clinics.b, people.otherAdmin);
    await admit(a, request, clinics.b);
    await lock(a);
    const codes = [await makeKey(a, people.registrar), await makeKey(a, people.doctor)] as const;
    await logIn(a, people.admin);
    await enrol(a, codes[0], people.registrar.name, ['Registrar']);
    await enrol(a, codes[1], people.doctor.name, ['Doctor']);
    const code = await makeKey(b, people.otherDoctor);
    await logIn(b, people.otherAdmin);
    await enrol(b, code, people.otherDoctor.name, ['Doctor']);
    await switchTo(b, people.otherDoctor);

    await switchTo(a, people.registrar);
    await desk.register(a, this.patient, pin);
    this.card = await readQrCode(desk.shownCard(a));
    await desk.handOver(a);
    await desk.openCard(a, this.card, pin);
    await desk.share(a, people.doctor.name, 'Read and write');
    await desk.share(a, people.otherDoctor.name, 'Read and write');
    await desk.finishSession(a);

    await switchTo(a, people.doctor);
    await chart.openChart(a, this.patient.family);
    await chart.openChart(b, this.patient.family);
    await chart.writeEncounter(a, { reason: 'First visit', diagnosis: 'hypertension', note: 'Blood pressure too high.' });
    await chart.saveEncounter(a);
    await nothingWaits(a);
  }

  /** Ends both, in the order that the second misses the first. */
  async close(): Promise<void> {
    await this.a?.stop();
    await this.b?.stop();
  }
}
