/** A chart of 1,000 records: what opening and checking one starts from. */
import type { Workstation } from './clinic.ts';
import { registerPatient } from './patient.ts';
import { inventPatient } from './people.ts';
import { createRandom } from './random.ts';
import { inventResource } from './records.ts';

const records = 1000;
/** Imports that the history came in. */
const files = 10;

/** Imports a history in several files, as it comes when a patient has been in several hospitals. */
export async function fillChart(w: Workstation): Promise<string> {
  const random = createRandom(3);
  const row = inventPatient(random, '');
  const patient = await registerPatient(w, row);
  const self = {
    resourceType: 'Patient',
    id: 'p',
    name: [{ family: row.family, given: row.given.split(' ') }],
    gender: row.gender,
    birthDate: row.birthDate,
  };
  for (let file = 0; file < files; file++) {
    const resources = Array.from({ length: (file + 1 === files ? records - 1 : records) / files - (file === 0 ? 1 : 0) }, (_, i) =>
      inventResource(random, `${file}-${i}`, 'Patient/p'),
    );
    const entry = [self, ...resources].map((resource) => ({ fullUrl: `Patient/p/${String(resource.id)}`, resource }));
    const bundle = Buffer.from(JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry }));
    await w.core.workstation.imports.run(w.session(), bundle, patient);
  }
  return patient;
}
