import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { categories } from '../../../src-shared/categories.ts';
import { AppError } from '../../../src-shared/errors.ts';
import { granteeOfAccount } from '../../../src-main/core/services/bytes.ts';
import { CoreProcess } from './core-process.ts';

const passphrase = 'correct horse battery';
const pin = '246810';
const kills = 4;

describe('a core that is killed while it saves', () => {
  const dir = mkdtempSync(join(tmpdir(), 'anamnesis-kill-'));
  // What guessing a passphrase costs is not tested here, and each start logs in.
  const core = new CoreProcess(dir, { memoryKiB: 8192, passes: 1 });
  afterAll(async () => {
    await core.end('SIGTERM');
    rmSync(dir, { recursive: true, force: true });
  });

  it('has everything that it said was saved, and every bit of it verifies', async () => {
    core.start();
    const { phrase } = await core.ask('setup.createPhrase', {});
    await core.ask('setup.createClinic', { clinicName: 'Clinic', personName: 'Dr Rao', passphrase, phrase });
    const account = (await core.ask('workstation.snapshot', {})).session?.account ?? '';
    await core.ask('staff.changeRoles', { account, roles: ['admin', 'registrar', 'practitioner'] });
    const { card, patient } = await core.ask('patients.register', {
      demographics: {
        family: 'Rao',
        given: 'Asha',
        prefix: '',
        birthDate: '1980',
        birthDateEstimated: true,
        gender: 'female',
        phone: '',
        address: '',
        identifiers: [],
      },
      pin,
    });
    await core.ask('desk.open', { card, pin });
    await core.ask('desk.grant', {
      grantee: granteeOfAccount(account),
      categories: [...categories],
      write: true,
      purpose: 'treatment',
      until: 0,
    });

    const saved = new Set<string>();
    for (let round = 0; round < kills; round++) {
      const writing = write(patient.patient, saved);
      const target = saved.size + 3 + round * 2;
      while (saved.size < target) await new Promise((resolve) => setImmediate(resolve));
      await core.end('SIGKILL');
      await writing;
      core.start();
      await core.ask('session.logIn', { account, passphrase });
      const { entries } = await core.ask('chart.entries', { patient: patient.patient, resourceTypes: ['Encounter'], limit: 500 });
      const here = new Set(entries.map((entry) => entry.recordId));
      expect([...saved].filter((recordId) => !here.has(recordId))).toEqual([]);
    }
    await settled();
    const report = await core.ask('chart.verify', { patient: patient.patient });
    expect(report).toMatchObject({ failures: [], waiting: 0 });
    expect(report.verified).toBeGreaterThanOrEqual(saved.size);
  }, 120_000);

  /** Writes encounters until the process is gone; notes only those that were answered. */
  async function write(patient: string, saved: Set<string>): Promise<void> {
    for (;;) {
      try {
        const input = { patient, class: 'AMB' as const, start: '2026-11-23T10:00:00Z', reason: 'Visit', diagnoses: [], note: 'Seen.' };
        const { records } = await core.ask('chart.saveEncounter', input);
        for (const record of records) if (record.resourceType === 'Encounter') saved.add(record.recordId);
      } catch (error) {
        if (error instanceof AppError && (error.code === 'CONSENT_MISSING' || error.code === 'KEY_MISSING')) continue;
        return;
      }
    }
  }

  async function settled(): Promise<void> {
    const end = Date.now() + 60_000;
    for (;;) {
      const { sync } = await core.ask('workstation.snapshot', {});
      if (sync.waiting === 0 && sync.state === 'online') return;
      if (Date.now() > end) throw new Error(`Not anchored: ${JSON.stringify(sync)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
});
