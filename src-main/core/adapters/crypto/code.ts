/**
 * Codes that a person carries from one workstation to another, by paper, chat or QR: `PREFIX-` and base64url of canonical DAG-CBOR
 * followed by the first 4 bytes of its SHA-256. The checksum is against slips, not against forgery: what a code claims is checked by
 * whoever uses it.
 */
import { AppError } from '../../../../src-shared/errors.ts';
import { concat, equalBytes, fromBase64url, toBase64url } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { invalid } from './failures.ts';
import { sha256 } from './hashing.ts';

const maxCodeLength = 16 * 1024;
const checksumBytes = 4;

/** Writes a code. Throws INVALID_INPUT for a prefix other than 1 to 16 capitals, digits and hyphens, and for a value that is too large or not DAG-CBOR's. */
export function encodeCode(prefix: string, value: unknown): string {
  checkPrefix(prefix);
  const bytes = encodeCbor(value);
  const code = `${prefix}-${toBase64url(concat(bytes, checksum(bytes)))}`;
  if (code.length > maxCodeLength) throw invalid('This is too much for one code.');
  return code;
}

/** Reads a code; white space and line breaks, as mail programs and paper add them, do not matter. Throws CODE_INVALID. */
export function decodeCode(prefix: string, code: string): unknown {
  checkPrefix(prefix);
  if (code.length > maxCodeLength) throw codeInvalid();
  const text = code.replace(/[\s\u200b\u2060\ufeff]+/gu, '');
  if (!text.startsWith(`${prefix}-`)) throw codeInvalid();
  const bytes = fromBase64url(text.slice(prefix.length + 1));
  if (bytes === null || bytes.length <= checksumBytes) throw codeInvalid();
  const body = bytes.subarray(0, bytes.length - checksumBytes);
  if (!equalBytes(checksum(body), bytes.subarray(body.length))) throw codeInvalid();
  return decodeCbor(body, maxCodeLength, (_what, cause) => codeInvalid(cause));
}

function checkPrefix(prefix: string): void {
  if (!/^[A-Z0-9][A-Z0-9-]{0,15}$/.test(prefix)) throw invalid("A code's prefix has 1 to 16 capital letters, digits and hyphens.");
}

function checksum(bytes: Uint8Array): Uint8Array {
  return sha256(bytes).subarray(0, checksumBytes);
}

function codeInvalid(cause?: unknown): AppError {
  return new AppError(
    'CODE_INVALID',
    'This code is not complete, or not of the kind that is needed here. Nothing was changed; copy all of it again.',
    {},
    { cause },
  );
}
