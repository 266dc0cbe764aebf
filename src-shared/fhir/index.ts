/** FHIR R4 as this product reads and writes it. */
export { isNoKnownAllergy } from './describe-medications.ts';
export * from './describe.ts';
export * from './encounter.ts';
export * from './patient.ts';
export * from './resource-types.ts';
export { decodeText } from './text-content.ts';
