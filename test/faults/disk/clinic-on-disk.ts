/** A clinic of one workstation whose data folder lies on a faulty disk; its doctor has a patient who shares everything. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { categories } from '../../../src-shared/categories.ts';
import { Clinic, demographics, passphrase, pin, until } from '../process/site.ts';
import { FaultyDisk } from './faulty-disk.ts';

export class ClinicOnDisk {
  readonly disk: FaultyDisk;
  readonly clinic: Clinic;
  readonly ledgerDir: string;
  patient = '';

  constructor() {
    const dir = mkdtempSync(join(tmpdir(), 'anamnesis-on-disk-'));
    this.ledgerDir = join(dir, 'ledger');
    this.disk = new FaultyDisk(dir, this.ledgerDir);
    this.clinic = new Clinic(dir, this.disk.env);
  }

  async found(): Promise<void> {
    const { core } = this.clinic;
    this.disk.begin();
    core.start();
    const { phrase } = await core.ask('setup.createPhrase', {});
    await core.ask('setup.createClinic', { clinicName: 'Clinic', personName: 'Dr Rao', passphrase, phrase });
    const account = (await core.ask('workstation.snapshot', {})).session?.account ?? '';
    this.clinic.account = account;
    await core.ask('staff.changeRoles', { account, roles: ['admin', 'registrar', 'practitioner'] });
    const { card, patient } = await core.ask('patients.register', { demographics, pin });
    await core.ask('desk.open', { card, pin });
    const terms = { categories: [...categories], write: true, purpose: 'treatment' as const, until: 0 };
    await core.ask('desk.grant', { grantee: granteeOfAccount(account), ...terms });
    await core.ask('desk.close', {});
    this.patient = patient.patient;
  }

  /** Everything that runs on this computer ends, as without power. */
  async end(): Promise<void> {
    await this.clinic.core.end('SIGKILL');
    await until(
      'the ledger is gone',
      async () => this.killLedgers(),
      (left) => left.length === 0,
    );
  }

  /** Kills whatever runs with the ledger's folder, noted in it or not, and gives what there was. */
  private killLedgers(): readonly string[] {
    const ours = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && commandLine(name).includes(this.ledgerDir));
    for (const pid of ours) killIfThere(Number(pid));
    return ours;
  }

  async close(): Promise<void> {
    this.disk.set('none');
    await this.clinic.close();
    this.disk.close();
    rmSync(this.clinic.dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // Ended in between. One that has ended and is not waited for yet has an empty one.
    return '';
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
