/** Versions of a patient's details side by side: only what differs. */
import { formatDate, formatGender, formatIdentifier } from '../../../src-shared/format/index.ts';
import type { Demographics } from '../../../src-shared/ipc-schema.ts';
import type { ComparedLine } from '../../components/types.ts';

const wordsOf: readonly (readonly [string, (details: Demographics) => string])[] = [
  ['Family name', (d) => d.family],
  ['Given names', (d) => d.given],
  ['Title', (d) => d.prefix],
  ['Born', (d) => (d.birthDate === '' ? '' : formatDate(d.birthDate) + (d.birthDateEstimated ? ', estimated' : ''))],
  ['Sex', (d) => formatGender(d.gender)],
  ['Phone', (d) => d.phone],
  ['Address', (d) => d.address],
  ['Identifiers', (d) => d.identifiers.map((one) => `${one.label || 'Identifier'} ${formatIdentifier(one.value)}`).join('\n')],
];

export function detailsLines(versions: readonly Demographics[]): ComparedLine[] {
  return wordsOf.map(([label, words]) => ({ label, values: versions.map(words) })).filter(({ values }) => new Set(values).size > 1);
}
