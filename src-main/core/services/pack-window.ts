/**
 * Pieces of a pack, read in the order in which they lie: a window of it is fetched and hashed once and serves what lies in it, so that memory stays
 * bounded whatever the pack's size.
 */
import { AppError } from '../../../src-shared/errors.ts';

export interface Span {
  readonly offset: number;
  readonly length: number;
}

const windowBytes = 1024 * 1024;

/** `spans`: all that will be asked for. `read` gives bytes of the pack. */
export function createPackWindow(spans: readonly Span[], read: (offset: number, length: number) => Promise<Uint8Array>) {
  const sorted = [...spans].sort((a, b) => a.offset - b.offset);
  let window: { readonly offset: number; readonly bytes: Uint8Array } | null = null;
  let bad = false;

  /** To the end of the last span that the window still holds whole. */
  const endFrom = ({ offset, length }: Span): number => {
    let end = offset + length;
    for (const span of sorted)
      if (span.offset >= offset && span.offset + span.length <= offset + windowBytes) end = Math.max(end, span.offset + span.length);
    return end;
  };

  return async (span: Span): Promise<Uint8Array> => {
    const { offset, length } = span;
    if (!window || offset < window.offset || offset + length > window.offset + window.bytes.length) {
      if (bad) return read(offset, length);
      try {
        window = { offset, bytes: await read(offset, endFrom(span) - offset) };
      } catch (error) {
        // One block of it is bad, or a span lies outside: from here on each piece is read alone, so that only those in that block are refused.
        if (!(error instanceof AppError) || (error.code !== 'TAMPERED' && error.code !== 'INVALID_INPUT')) throw error;
        bad = true;
        return read(offset, length);
      }
    }
    return window.bytes.subarray(offset - window.offset, offset - window.offset + length);
  };
}
