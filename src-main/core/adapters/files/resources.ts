/** What ships with the program: the starter terminology and the demo clinic. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Resources {
  terminology(): unknown;
  demo(): { clinic: unknown; bundles: Uint8Array[] };
}

export function createResources(dir: string): Resources {
  const json = (...path: string[]): unknown => JSON.parse(readFileSync(join(dir, ...path), 'utf8'));
  return {
    terminology: () => json('terminology', 'icd10-starter.json'),
    demo() {
      const patients = join(dir, 'demo', 'patients');
      const names = readdirSync(patients)
        .filter((name) => name.endsWith('.json'))
        .sort();
      return { clinic: json('demo', 'clinic.json'), bundles: names.map((name) => readFileSync(join(patients, name))) };
    },
  };
}
