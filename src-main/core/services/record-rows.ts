/** A record version's line in the index: what is decrypted once, so that lists and search need not decrypt again. */
import type { Category } from '../../../src-shared/categories.ts';
import { describeResource } from '../../../src-shared/fhir/describe.ts';
import type { RecordRow, RecordVersion } from '../ports.ts';

export interface RowContext {
  readonly patient: string;
  readonly author: string;
  readonly commit: string;
  readonly opId: string;
  readonly position: number;
}

/** `json` that does not parse is a record all the same: it is kept and shown as what it is. */
export function recordRow(version: RecordVersion, json: string, category: Category, context: RowContext): RecordRow {
  const { recordId, versionId, previous, resourceType } = version;
  const { extract, ...described } = describeResource(parsed(json));
  return { recordId, versionId, previous, resourceType, category, ...context, ...described, extract: JSON.stringify(extract) };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
