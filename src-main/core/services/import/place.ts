/** Where in a file something is wrong, in words and as details, and the errors an import refuses a file with. */
import { AppError, type ErrorCode } from '../../../../src-shared/errors.ts';
import type { JsonPath } from './json-scanner.ts';

export interface Place {
  /** In UTF-16 units from the start of the text. */
  readonly offset: number;
  readonly path: JsonPath;
}

/** 1-based line and column. */
function lineAndColumn(text: string, offset: number): { line: number; column: number } {
  let [line, start] = [1, 0];
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    line++;
    start = at + 1;
  }
  return { line, column: offset - start + 1 };
}

/** `Bundle.entry[12].resource.code`, at most 200 characters. */
function pathText(path: JsonPath): string {
  const text = path.reduce<string>((before, step) => before + (typeof step === 'number' ? `[${step}]` : `.${step}`), 'Bundle');
  // Member names come from the file: nothing of them but plain letters and digits gets into a message.
  const safe = text.replace(/[^\w.[\]-]/g, '?');
  return safe.length > 200 ? `${safe.slice(0, 199)}…` : safe;
}

const advice: Readonly<Partial<Record<ErrorCode, string>>> = {
  FILE_NOT_JSON: 'Ask whoever sent it to export it again.',
  FILE_NOT_FHIR: 'It has to be a FHIR R4 Bundle with one patient’s history. Ask whoever sent it to correct it.',
  FILE_OTHER_PATIENT: 'Ask whoever sent it for a file with this patient’s records only.',
  FILE_UNSAFE: 'Do not use this file; ask whoever sent it what it is.',
};

/**
 * The error that refuses a file: what is wrong in a sentence without end, where (line and column, entry counted from 1, path), what is
 * safe and what to do. details: {line, column, entry, path}; entry is null outside the entries.
 */
export function fileError(code: ErrorCode, what: string, text: string, place: Place, todo = advice[code] ?? ''): AppError {
  const { line, column } = lineAndColumn(text, place.offset);
  const [first, second] = place.path;
  const entry = first === 'entry' && typeof second === 'number' ? second + 1 : null;
  const path = pathText(place.path);
  const where = `line ${line}, column ${column}${entry === null ? '' : `, entry ${entry}`}, ${path}`;
  return new AppError(code, `${what} (${where}). Nothing was imported. ${todo}`.trim(), { line, column, entry, path });
}
