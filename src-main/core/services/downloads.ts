/** Files on their way from the core to a screen, in slices; held in memory, one at a time, and gone with the session. */
import { AppError } from '../../../src-shared/errors.ts';
import type { RecordCryptoPort } from '../ports.ts';
import { randomId } from './record-ids.ts';

/** Bytes of one slice. */
const sliceBytes = 1024 * 1024;

export interface Downloads {
  /** Holds a file for the screen; the one before it is let go. */
  offer(bytes: Uint8Array): { readonly file: string; readonly size: number };
  /** Up to 1 MiB from `offset`. Throws NOT_FOUND. */
  read(file: string, offset: number): { readonly base64: string };
  discard(file: string): void;
  clear(): void;
}

export function createDownloads(crypto: RecordCryptoPort): Downloads {
  let current: { readonly file: string; readonly bytes: Uint8Array } | null = null;
  return {
    offer(bytes) {
      current = { file: randomId(crypto), bytes };
      return { file: current.file, size: bytes.length };
    },
    read(file, offset) {
      if (current?.file !== file) throw new AppError('NOT_FOUND', 'This file is no longer held. Make it again; nothing was lost.');
      const slice = current.bytes.subarray(offset, offset + sliceBytes);
      return { base64: Buffer.from(slice.buffer, slice.byteOffset, slice.length).toString('base64') };
    },
    discard(file) {
      if (current?.file === file) current = null;
    },
    clear() {
      current = null;
    },
  };
}
