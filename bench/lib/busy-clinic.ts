/** A core in a process of its own with a patient whose record is written in, one encounter after the other, until somebody ends it. */
import { granteeOfAccount } from '../../src-main/core/services/bytes.ts';
import { categories } from '../../src-shared/categories.ts';
import { AppError } from '../../src-shared/errors.ts';
import { passphrase, pin, until } from './clinic.ts';
import { startCore, type CoreProcess } from './core-process.ts';

const demographics = {
  ...{ family: 'Rao', given: 'Asha', prefix: '', birthDate: '1980', birthDateEstimated: true, gender: 'female' as const },
  ...{ phone: '', address: '', identifiers: [] },
};
/** What is answered while keys are on their way. */
const passing = new Set(['CONSENT_MISSING', 'KEY_MISSING']);

export async function logIn(dir: string, account: string): Promise<CoreProcess> {
  const core = startCore(dir);
  await core.ask('session.logIn', { account, passphrase });
  return core;
}

/** A patient who shares everything with this account; waits until it may write. */
export async function sharedPatient(core: CoreProcess, account: string): Promise<string> {
  const { card, patient } = await core.ask('patients.register', { demographics, pin });
  await core.ask('desk.open', { card, pin });
  const terms = { write: true, purpose: 'treatment' as const, until: 0 };
  await core.ask('desk.grant', { grantee: granteeOfAccount(account), categories: [...categories], ...terms });
  await core.ask('desk.close', {});
  await until(async () => (await save(core, patient.patient)) !== null);
  return patient.patient;
}

/** The id of an encounter that was saved; null where it could not be yet. Throws where the core ended. */
export async function save(core: CoreProcess, patient: string): Promise<string | null> {
  const input = { patient, class: 'AMB' as const, start: '2026-11-23T10:00:00Z', reason: 'Visit', diagnoses: [], note: 'Seen.' };
  try {
    const { records } = await core.ask('chart.saveEncounter', input);
    return records.find(({ resourceType }) => resourceType === 'Encounter')?.recordId ?? null;
  } catch (error) {
    if (error instanceof AppError && passing.has(error.code)) return null;
    throw error;
  }
}
