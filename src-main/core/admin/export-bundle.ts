/** A patient's current records as a FHIR R4 Bundle of type collection; each resource exactly as it is kept, to the last character. */
import type { RecordRow } from '../ports.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** `fullUrl` names the resource's own id where that is a UUID, so that references among the records still resolve. */
export function exportBundle(
  contents: readonly { readonly row: RecordRow; readonly json: string }[],
  at: Date,
): { json: string; records: number } {
  const entries = contents.map(({ row, json }) => {
    const { id } = JSON.parse(json) as { id?: unknown };
    const name = typeof id === 'string' && uuid.test(id) ? id : row.recordId;
    return `{"fullUrl":"urn:uuid:${name}","resource":${json}}`;
  });
  const head = `"resourceType":"Bundle","type":"collection","timestamp":${JSON.stringify(at.toISOString())}`;
  return { json: `{${head},"entry":[\n${entries.join(',\n')}\n]}\n`, records: entries.length };
}
