/** What the categories, purposes and kinds of records are called for people: patients read these words before they sign. */
import { categories, categoryTitles, type Category } from '../../../src-shared/categories.ts';
import type { Purpose } from '../../../src-shared/operations.ts';

/** Plain examples: what a patient would recognise. */
export const categoryExamples: Readonly<Record<Category, string>> = {
  demographics: 'Name, birth date, phone, address',
  scheduling: 'Visits booked, kept, missed',
  'problems-and-encounters': 'Diagnoses, visit notes, procedures',
  'medications-and-allergies': 'Prescriptions, doses, reactions',
  'observations-and-results': 'Blood pressure, laboratory results',
  immunizations: 'Vaccines given and when',
  'documents-and-imaging': 'Letters, scans, X-rays',
  sensitive: 'Mental health, sexual and reproductive health, substance use, genetics',
};

export const purposeWords: Readonly<Record<Purpose, string>> = {
  treatment: 'Treatment',
  payment: 'Payment and insurance',
  operations: 'Running the clinic',
  research: 'Research',
  publicHealth: 'Public health',
  emergency: 'Emergency',
};

export function titleOf(category: Category): string {
  return categoryTitles[category];
}

/** 'A', 'A and B', 'A, B and C'. */
export function listInWords(items: readonly string[]): string {
  if (items.length < 2) return items[0] ?? '';
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

/** What a decision is about: 'everything', 'everything but “Sensitive records”', '“Who I am” and “Vaccinations”'. */
export function partsInWords(parts: readonly Category[]): string {
  const missing = categories.filter((category) => !parts.includes(category));
  if (missing.length === 0) return 'everything';
  const [only] = missing;
  if (missing.length === 1 && only === 'sensitive') return `everything but “${titleOf(only)}”`;
  return listInWords(parts.map((category) => `“${titleOf(category)}”`));
}

/** '1 record', '1,204 records'. */
export function countInWords(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-GB')} ${count === 1 ? one : many}`;
}

/** 'None of 603 records is locked yet', '500 of 603 records are locked'. */
export function lockedInWords({ done, total }: { readonly done: number; readonly total: number }): string {
  const of = `of ${countInWords(total, 'record')}`;
  if (done === 0) return `None ${of} is locked yet`;
  return `${done.toLocaleString('en-GB')} ${of} ${done === 1 ? 'is' : 'are'} locked`;
}
