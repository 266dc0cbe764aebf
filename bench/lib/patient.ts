/** A registered patient who shares everything with whoever is logged in: what saving, importing and charts start from. */
import { categories } from '../../src-shared/categories.ts';
import type { Demographics } from '../../src-shared/ipc-schema.ts';
import type { PatientRow } from '../../src-main/core/ports.ts';
import { pin, type Workstation } from './clinic.ts';

/** Returns the patient's account. Session, keys and grants are real; only the PIN's cost may have been lowered. */
export async function registerPatient(w: Workstation, row: Omit<PatientRow, 'patient' | 'updatedAt'>): Promise<string> {
  const session = w.session();
  const demographics: Demographics = {
    family: row.family.slice(0, 120),
    given: row.given.slice(0, 120),
    prefix: row.prefix.slice(0, 20),
    birthDate: row.birthDate,
    birthDateEstimated: row.birthDateEstimated,
    gender: row.gender === 'male' || row.gender === 'female' || row.gender === 'other' ? row.gender : 'unknown',
    phone: row.phone.slice(0, 40),
    address: row.address.slice(0, 300),
    identifiers: [],
  };
  const self = { account: session.account, encryptionKey: session.keys.encryptionKey, categories };
  const { patient } = await w.core.workstation.patients.register(session, demographics, pin, { grants: [self] });
  return patient.patient;
}
