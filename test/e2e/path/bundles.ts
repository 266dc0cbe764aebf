/** FHIR Bundles to import: those that a package ships, and more where they lie beside the repository. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { NewPatient } from './pages/front-desk.ts';

interface Resource {
  readonly resourceType: string;
  readonly birthDate: string;
  readonly gender: string;
  readonly name: readonly { readonly family: string; readonly given: readonly string[] }[];
  readonly telecom?: readonly { readonly value: string }[];
  readonly identifier?: readonly { readonly value: string; readonly type?: { readonly text?: string } }[];
}

const packageFolder = join(dirname(createRequire(import.meta.url).resolve('cql-exec-fhir/package.json')), 'test/fixtures/r4');

const bundlesOf = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => /^[A-Z][a-z]+\d*_[A-Z][A-Za-z]+\d*_[0-9a-f-]{36}\.json$/.test(name))
        .sort()
        .map((name) => join(folder, name))
    : [];

/** The two Bundles that are always there. */
export const packagedBundles = bundlesOf(packageFolder);

/** How many resources of each type a Bundle has. */
export function countTypes(file: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { resourceType } of resourcesOf(file)) counts[resourceType] = (counts[resourceType] ?? 0) + 1;
  return counts;
}

/** What a registrar would type for the patient of a Bundle. */
export function patientOf(file: string): NewPatient {
  const patient = resourcesOf(file).find((one) => one.resourceType === 'Patient');
  const name = patient?.name[0];
  if (!patient || !name) throw new Error(`${file} has no patient with a name.`);
  const social = patient.identifier?.find((one) => one.type?.text === 'Social Security Number');
  return {
    family: name.family,
    given: name.given.join(' '),
    birthDate: patient.birthDate,
    sex: patient.gender === 'female' ? 'Female' : 'Male',
    phone: patient.telecom?.[0]?.value ?? '',
    address: '12 Lake Road, Hillside',
    identifiers: [{ type: 'National ID', value: social?.value ?? '' }],
  };
}

function resourcesOf(file: string): Resource[] {
  const bundle = JSON.parse(readFileSync(file, 'utf8')) as { entry: { resource: Resource }[] };
  return bundle.entry.map((entry) => entry.resource);
}
