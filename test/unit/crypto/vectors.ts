/** Project Wycheproof's files, where they lie beside the repository; tests over them are skipped where they do not. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../../../shared/vectors/', import.meta.url));

export interface WycheproofTest {
  readonly tcId: number;
  readonly comment: string;
  readonly result: 'valid' | 'invalid' | 'acceptable';
  readonly flags: readonly string[];
  readonly [field: string]: unknown;
}

export interface WycheproofGroup {
  readonly tests: readonly WycheproofTest[];
  readonly [field: string]: unknown;
}

/** Whether the file is here. */
export function hasVectors(name: string): boolean {
  return existsSync(`${folder}${name}.json`);
}

/** All groups of a file. */
export function vectors(name: string): readonly WycheproofGroup[] {
  return (JSON.parse(readFileSync(`${folder}${name}.json`, 'utf8')) as { testGroups: WycheproofGroup[] }).testGroups;
}

/** Bytes of a hex field. */
export function hexField(value: unknown): Uint8Array {
  return new Uint8Array(Buffer.from(String(value), 'hex'));
}
