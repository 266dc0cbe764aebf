/** Files on their way from a screen to the core, in slices; held in memory, one at a time, and gone with the session. */
import { AppError } from '../../../src-shared/errors.ts';
import { randomId } from './record-ids.ts';
import type { RecordCryptoPort } from '../ports.ts';

/** Largest file that can be imported, bytes. */
export const maximumFileBytes = 100 * 1024 * 1024;

export interface Uploads {
  begin(name: string, size: number): string;
  append(file: string, offset: number, base64: string): void;
  discard(file: string): void;
  /** Throws NOT_FOUND, or INVALID_INPUT where slices are missing. */
  take(file: string): { readonly name: string; readonly bytes: Uint8Array };
  clear(): void;
}

export function createUploads(crypto: RecordCryptoPort): Uploads {
  let current: { id: string; name: string; bytes: Uint8Array; received: number } | null = null;
  const find = (file: string) => {
    if (current?.id !== file) throw new AppError('NOT_FOUND', 'This file is no longer here. Choose it again; nothing was imported.');
    return current;
  };
  return {
    begin(name, size) {
      if (size > maximumFileBytes) {
        const megabytes = Math.ceil(size / 1024 / 1024);
        throw new AppError(
          'FILE_TOO_LARGE',
          `The file has ${megabytes} MB; at most 100 MB can be imported at once. Nothing was imported.`,
          { size },
        );
      }
      const id = randomId(crypto);
      current = { id, name, bytes: new Uint8Array(size), received: 0 };
      return id;
    },
    append(file, offset, base64) {
      const upload = find(file);
      const slice = Buffer.from(base64, 'base64');
      if (offset !== upload.received || offset + slice.length > upload.bytes.length) {
        throw new AppError('INVALID_INPUT', 'The file arrived in the wrong order. Choose it again; nothing was imported.');
      }
      upload.bytes.set(slice, offset);
      upload.received += slice.length;
    },
    discard(file) {
      if (current?.id === file) current = null;
    },
    take(file) {
      const upload = find(file);
      if (upload.received !== upload.bytes.length)
        throw new AppError('INVALID_INPUT', 'The file did not arrive whole. Choose it again; nothing was imported.');
      return upload;
    },
    clear() {
      current = null;
    },
  };
}
