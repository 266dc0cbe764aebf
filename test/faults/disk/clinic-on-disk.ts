/** A clinic of one workstation whose data folder lies on a faulty disk; its doctor has a patient who shares everything. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
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
    const file = join(this.ledgerDir, 'anvil.pid.json');
    if (!existsSync(file)) return;
    const { pid } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number };
    const runs = () => existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(this.ledgerDir);
    if (runs()) process.kill(pid, 'SIGKILL');
    await until(
      'the ledger is gone',
      async () => runs(),
      (still) => !still,
    );
  }

  async close(): Promise<void> {
    this.disk.set('none');
    await this.clinic.close();
    this.disk.close();
    rmSync(this.clinic.dir, { recursive: true, force: true, maxRetries: 5 });
  }
}
