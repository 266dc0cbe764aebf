/** Versions of one record compared element by element: what they say in common is left out, what differs stands side by side. */
import type { ComparedLine } from '../../components/types.ts';
import { decodeText } from '../../../src-shared/fhir/text-content.ts';

const labels: Readonly<Record<string, string>> = {
  clinicalStatus: 'Status',
  verificationStatus: 'Certainty',
  onsetDateTime: 'Began',
  note: 'Remark',
  content: 'Text',
  code: 'What',
  status: 'Status',
  description: 'Description',
  start: 'Begins',
  end: 'Ends',
  cancelationReason: 'Why cancelled',
};

const maxShown = 4000;

function parsed(json: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // Not readable: its side is empty, and the record's own panel says why.
    return {};
  }
}

/** An element in words where it is a text, a code, a remark or a plain attachment; as it was stored otherwise. */
function words(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  const one = (Array.isArray(value) ? value[0] : value) as
    | { text?: unknown; coding?: { display?: unknown; code?: unknown }[]; attachment?: { data?: unknown; contentType?: unknown } }
    | undefined;
  if (Array.isArray(value) && value.length > 1) return JSON.stringify(value);
  if (typeof one?.text === 'string') return one.text;
  const coding = one?.coding?.[0];
  if (typeof coding?.display === 'string') return coding.display;
  if (typeof coding?.code === 'string') return coding.code;
  const { data, contentType } = one?.attachment ?? {};
  if (typeof data === 'string' && typeof contentType === 'string' && contentType.startsWith('text/plain'))
    return decodeText(data, maxShown) ?? 'Text that cannot be read';
  return JSON.stringify(value);
}

/** Only elements that are not the same in all versions. */
export function versionLines(jsons: readonly string[]): ComparedLine[] {
  const resources = jsons.map(parsed);
  const names = [...new Set(resources.flatMap((resource) => Object.keys(resource)))];
  return names
    .filter((name) => new Set(resources.map((resource) => JSON.stringify(resource[name]))).size > 1)
    .map((name) => ({ label: labels[name] ?? name, values: resources.map((resource) => words(resource[name]).slice(0, maxShown)) }));
}
