/** FHIR resources in any number, the same in every run. */
import type { Random } from './random.ts';

const findings = [
  'Blood pressure',
  'Body weight',
  'Haemoglobin',
  'Glucose',
  'Creatinine',
  'Body temperature',
  'Heart rate',
  'Oxygen saturation',
];
const problems = [
  'Essential hypertension',
  'Type 2 diabetes mellitus',
  'Asthma',
  'Acute bronchitis',
  'Iron deficiency anaemia',
  'Migraine',
];
const drugs = ['Metformin 500 mg', 'Amlodipine 5 mg', 'Salbutamol 100 micrograms', 'Ibuprofen 400 mg', 'Ferrous sulfate 200 mg'];

const coding = (random: Random, system: string, display: string) => ({
  coding: [{ system, code: random.digits(7), display }],
  text: display,
});
const instant = (random: Random): string => new Date(Date.UTC(2015, 0, 1) + random.below(11 * 365 * 24 * 60) * 60_000).toISOString();

/** An Observation, Condition, MedicationRequest or Encounter, about as often as each is in a chart. */
export function inventResource(random: Random, id: string, patient: string): Record<string, unknown> {
  const subject = { reference: patient };
  const kind = random.below(20);
  if (kind < 12) {
    return {
      resourceType: 'Observation',
      id,
      status: 'final',
      category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
      code: coding(random, 'http://loinc.org', random.pick(findings)),
      subject,
      effectiveDateTime: instant(random),
      valueQuantity: { value: random.below(2000) / 10, unit: 'mmol/L', system: 'http://unitsofmeasure.org', code: 'mmol/L' },
    };
  }
  if (kind < 14) {
    return {
      resourceType: 'Condition',
      id,
      clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
      code: coding(random, 'http://snomed.info/sct', random.pick(problems)),
      subject,
      onsetDateTime: instant(random),
    };
  }
  if (kind < 16) {
    return {
      resourceType: 'MedicationRequest',
      id,
      status: 'active',
      intent: 'order',
      medicationCodeableConcept: coding(random, 'http://www.nlm.nih.gov/research/umls/rxnorm', random.pick(drugs)),
      subject,
      authoredOn: instant(random),
      dosageInstruction: [{ text: 'One twice a day' }],
    };
  }
  const start = instant(random);
  return {
    resourceType: 'Encounter',
    id,
    status: 'finished',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
    type: [coding(random, 'http://snomed.info/sct', 'Consultation')],
    subject,
    period: { start, end: start },
  };
}

/** The resource as JSON of exactly so many bytes, filled up by a note of words. */
export function jsonOfSize(random: Random, resource: Record<string, unknown>, bytes: number): string {
  const without = JSON.stringify({ ...resource, note: [{ text: '' }] });
  const missing = bytes - Buffer.byteLength(without);
  if (missing < 0) throw new RangeError(`The resource is larger than ${bytes} bytes`);
  let text = '';
  while (text.length < missing) text += `${random.pick(problems)} ${random.pick(findings)} ${random.digits(3)}. `;
  return JSON.stringify({ ...resource, note: [{ text: text.slice(0, missing) }] });
}
