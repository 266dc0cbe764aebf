import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { roleBits } from '../../../src-shared/operations.ts';
import { describeResource, patientRowOf, similarity } from '../../../src-shared/fhir/index.ts';
import { parseBundle } from '../../../src-main/core/services/import/bundle.ts';
import { terminologyEntries } from '../../../src-main/core/services/terminology.ts';

const demo = resolve(import.meta.dirname, '../../../resources/demo');
const icd10 = JSON.parse(readFileSync(join(demo, '../terminology/icd10-starter.json'), 'utf8')) as unknown;
const displays = new Map(terminologyEntries(icd10).map(({ code, display }) => [code, display]));
const names = readdirSync(join(demo, 'patients'));
const bundles = names.map((name) => ({ name, ...parseBundle(readFileSync(join(demo, 'patients', name))) }));
const rows = bundles.map((bundle) => patientRowOf(bundle.patient.resource, bundle.name));

describe('the demo clinic', () => {
  it('has a dozen patients, none like another', () => {
    expect(rows).toHaveLength(12);
    const pairs = rows.flatMap((a, index) => rows.slice(index + 1).map((b) => similarity(a, b)));
    expect(Math.max(...pairs)).toBeLessThan(0.6);
    expect(rows.every((row) => row.identifiers.length > 0)).toBe(true);
  });

  it('has people of all ages, one of an estimated birth date, one who died, one with a single name', () => {
    expect(rows.some((row) => row.birthDate.startsWith('2026-'))).toBe(true);
    expect(rows.filter((row) => row.birthDateEstimated).map((row) => row.birthDate)).toEqual(['1948']);
    expect(rows.filter((row) => row.deceased !== '')).toHaveLength(1);
    expect(rows.filter((row) => row.family === '')).toHaveLength(1);
  });

  it('has an admin first, a registrar and two doctors', () => {
    const clinic = JSON.parse(readFileSync(join(demo, 'clinic.json'), 'utf8')) as { people: { name: string; roles: string[] }[] };
    expect(clinic.people[0]?.roles).toEqual(['admin']);
    expect(clinic.people.flatMap((person) => person.roles).every((role) => Object.hasOwn(roleBits, role))).toBe(true);
    expect(clinic.people.filter((person) => person.roles.includes('practitioner'))).toHaveLength(2);
    expect(clinic.people.some((person) => person.roles.includes('registrar'))).toBe(true);
  });
});

describe.each(bundles)('$name', ({ entries, unsupported }) => {
  it('is a history of a sensible size, all of it kept', () => {
    expect(entries.length).toBeGreaterThanOrEqual(15);
    expect(entries.length).toBeLessThanOrEqual(60);
    expect(unsupported).toEqual([]);
  });

  it('is described throughout, with codes of the starter list', () => {
    for (const entry of entries) {
      const described = describeResource(entry.resource);
      expect([entry.resourceType, described.title === entry.resourceType]).toEqual([entry.resourceType, false]);
      if (entry.resourceType !== 'Appointment') expect(described.date < '2026-11-15').toBe(true);
      if (entry.resourceType === 'Condition') expect(described.title).toBe(displays.get(described.code));
    }
  });

  it('refers only to what it holds', () => {
    const known = new Set(entries.map((entry) => entry.fullUrl));
    const referred = entries.flatMap((entry) => [...entry.json.matchAll(/"reference":"([^"]+)"/g)].map((match) => match[1] ?? ''));
    expect(referred.filter((reference) => !known.has(reference))).toEqual([]);
  });
});
