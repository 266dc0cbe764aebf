/** Bytes of a file to text: strict UTF-8 (RFC 3629), a byte order mark tolerated. */
import { AppError } from '../../../../src-shared/errors.ts';

/** Position of the first byte that does not continue valid UTF-8; -1 if none. */
function firstBadByte(bytes: Uint8Array): number {
  // Decoded in pieces, so that only the piece with the fault is looked at byte by byte.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const step = 1 << 16;
  for (let at = 0; at < bytes.length; at += step) {
    try {
      decoder.decode(bytes.subarray(at, at + step), { stream: true });
    } catch {
      return refine(bytes, Math.max(0, at - 3), Math.min(bytes.length, at + step));
    }
  }
  return bytes.length;
}

/** Shortest part that cannot be decoded, from a character's beginning at or after `from`. */
function refine(bytes: Uint8Array, from: number, to: number): number {
  let start = from;
  while (start < to && ((bytes[start] ?? 0) & 0xc0) === 0x80 && start < from + 3) start++;
  let [good, bad] = [start, to];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    try {
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(start, middle), { stream: true });
      good = middle;
    } catch {
      bad = middle;
    }
  }
  return bad - 1;
}

/** Throws FILE_NOT_JSON with line and column where the bytes are not UTF-8 (UTF-16, Latin-1, a picture …). */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const offset = firstBadByte(bytes);
    const before = bytes.subarray(0, offset);
    const line = before.reduce((count, byte) => (byte === 0x0a ? count + 1 : count), 1);
    const column = offset - before.lastIndexOf(0x0a);
    const ends = offset >= bytes.length;
    throw new AppError(
      'FILE_NOT_JSON',
      `The file is not UTF-8 text: ${ends ? 'it ends within a character' : 'a byte does not belong'} (line ${line}, byte ${column} of it). ` +
        'Nothing was imported. Ask whoever sent it to export it again as a FHIR JSON file.',
      { line, column, entry: null, path: 'Bundle' },
    );
  }
}
