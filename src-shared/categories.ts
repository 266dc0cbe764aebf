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
