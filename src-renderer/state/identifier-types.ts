/** Kinds of identifiers that a front desk meets, with their FHIR systems. */
export const identifierTypes = [
  { label: 'Hospital number (MRN)', system: 'urn:anamnesis:identifier:mrn' },
  { label: 'National ID', system: 'urn:anamnesis:identifier:national-id' },
  { label: 'Insurance', system: 'urn:anamnesis:identifier:insurance' },
  { label: 'Passport', system: 'urn:anamnesis:identifier:passport' },
  { label: 'Other', system: 'urn:anamnesis:identifier:other' },
] as const;
