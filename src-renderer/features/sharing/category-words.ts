/** What the categories, purposes and kinds of records are called for people: patients read these words before they sign. */
import type { Category } from '../../../src-shared/categories.ts';
import type { Purpose } from '../../../src-shared/operations.ts';

export interface CategoryWords {
  readonly title: string;
  /** Plain examples: what a patient would recognise. */
  readonly examples: string;
}

export const categoryWords: Readonly<Record<Category, CategoryWords>> = {
  demographics: { title: 'Who I am', examples: 'Name, birth date, phone, address' },
  scheduling: { title: 'Appointments', examples: 'Visits booked, kept, missed' },
  'problems-and-encounters': { title: 'Problems and visits', examples: 'Diagnoses, visit notes, procedures' },
  'medications-and-allergies': { title: 'Medicines and allergies', examples: 'Prescriptions, doses, reactions' },
  'observations-and-results': { title: 'Measurements and results', examples: 'Blood pressure, laboratory results' },
  immunizations: { title: 'Vaccinations', examples: 'Vaccines given and when' },
  'documents-and-imaging': { title: 'Documents and images', examples: 'Letters, scans, X-rays' },
  sensitive: {
    title: 'Sensitive records',
    examples: 'Mental health, sexual and reproductive health, substance use, genetics',
  },
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
  return categoryWords[category].title;
}

/** 'A', 'A and B', 'A, B and C'. */
export function listInWords(items: readonly string[]): string {
  if (items.length < 2) return items[0] ?? '';
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

/** '1 record', '1,204 records'. */
export function countInWords(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-GB')} ${count === 1 ? one : many}`;
}
