/** Two registrations line by line: what is the same, what differs, what only one has. */
import { formatBirth, formatGender, formatIdentifier } from '../../../src-shared/format/index.ts';
import { foldText } from '../../../src-shared/fhir/patient-match.ts';
import type { ComparedLine } from '../../components/types.ts';
import type { PatientSummary } from '../../../src-shared/view-types.ts';

const compact = (text: string) => foldText(text).replace(/[\s./()+-]+/g, '');

function lineOf(label: string, a: string, b: string, mono = false): ComparedLine[] {
  if (a === '' && b === '') return [];
  const verdict = a === '' || b === '' ? 'missing' : compact(a) === compact(b) ? 'same' : 'differs';
  return [{ label, values: [a, b], verdict, mono }];
}

/** Lines that neither side has are left out. */
export function differencesOf(a: PatientSummary, b: PatientSummary, now: number): ComparedLine[] {
  const systems = new Map([...a.identifiers, ...b.identifiers].map((one) => [one.system || one.label, one.label || 'Identifier']));
  const valuesOf = (patient: PatientSummary, system: string) =>
    patient.identifiers
      .filter((one) => (one.system || one.label) === system)
      .map((one) => formatIdentifier(one.value))
      .join(', ');
  const born = (patient: PatientSummary) => (patient.birthDate === '' ? '' : formatBirth(patient, now));
  return [
    ...lineOf('Family name', a.family, b.family),
    ...lineOf('Given names', a.given, b.given),
    ...lineOf('Born', born(a), born(b)),
    ...lineOf('Sex', a.gender === '' ? '' : formatGender(a.gender), b.gender === '' ? '' : formatGender(b.gender)),
    ...lineOf('Phone', a.phone, b.phone),
    ...lineOf('Address', a.address, b.address),
    ...[...systems].flatMap(([system, label]) => lineOf(label, valuesOf(a, system), valuesOf(b, system), true)),
  ];
}
