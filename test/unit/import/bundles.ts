/** Builds Bundles for tests: small, sound ones to be broken in one place. */
import { AppError } from '../../../src-shared/errors.ts';
import { parseBundle } from '../../../src-main/core/services/import/bundle.ts';

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

export const patient = {
  resourceType: 'Patient',
  id: 'p1',
  name: [{ family: 'Rao', given: ['Meera'] }],
  gender: 'female',
  birthDate: '1985-07-14',
};
export const patientEntry = { fullUrl: 'urn:uuid:p1', resource: patient };

export const observation = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  resourceType: 'Observation',
  id: 'o1',
  status: 'final',
  code: { text: 'Weight' },
  subject: { reference: 'urn:uuid:p1' },
  ...more,
});

export const bundle = (entries: readonly unknown[], more: Record<string, unknown> = {}): string =>
  JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry: entries, ...more });

export const withResource = (resource: unknown): string => bundle([patientEntry, { fullUrl: 'urn:uuid:o1', resource }]);

/** The AppError a text is refused with; throws if it is accepted. */
export function refusal(input: string | Uint8Array): AppError {
  try {
    parseBundle(typeof input === 'string' ? bytesOf(input) : input);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('accepted');
}

export const code = (input: string | Uint8Array): string => refusal(input).code;
