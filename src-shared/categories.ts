/** Categories of records: what a patient shares or keeps to herself. A compartment on the ledger is an HMAC of patient and category. */
export const categories = [
  'demographics',
  'scheduling',
  'problems-and-encounters',
  'medications-and-allergies',
  'observations-and-results',
  'immunizations',
  'documents-and-imaging',
  'sensitive',
] as const;

export type Category = (typeof categories)[number];

/** What the categories are called for people: patients read these words before they sign. */
export const categoryTitles: Readonly<Record<Category, string>> = {
  demographics: 'Who I am',
  scheduling: 'Appointments',
  'problems-and-encounters': 'Problems and visits',
  'medications-and-allergies': 'Medicines and allergies',
  'observations-and-results': 'Measurements and results',
  immunizations: 'Vaccinations',
  'documents-and-imaging': 'Documents and images',
  sensitive: 'Sensitive records',
};

/** What a whole clinic may be given. Everybody who works there holds the clinic's key, so clinical categories go to persons (ADR 3). */
export const clinicCategories: readonly Category[] = ['demographics', 'scheduling'];
