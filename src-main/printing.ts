/** The page on screen as a PDF file, where the person chooses to put it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { app, dialog, type BrowserWindow } from 'electron';
import { AppError } from '../src-shared/errors.ts';

/** A file name from what the page suggests: no path, no control characters, not too long, `.pdf` at the end. */
export function fileNameOf(suggested: string): string {
  const base = suggested
    .replace(/\.pdf$/i, '')
    // eslint-disable-next-line no-control-regex -- control characters are what must not get into a file name
    .replace(/[\u0000-\u001f\u007f/\\:*?"<>|\u202a-\u202e\u2066-\u2069]/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/^[. ]+|[. ]+$/g, '')
    .slice(0, 100);
  return `${base || 'Anamnesis'}.pdf`;
}

/** Resolves when the file is written or the person cancelled. Throws INTERNAL or DISK_FULL where it could not be written. */
export async function printToPdf(window: BrowserWindow, suggested: string): Promise<void> {
  const bytes = await window.webContents.printToPDF({ pageSize: 'A4', printBackground: true, preferCSSPageSize: true });
  const { canceled, filePath } = await dialog.showSaveDialog(window, {
    defaultPath: join(app.getPath('documents'), fileNameOf(suggested)),
    filters: [{ name: 'PDF', extensions: ['pdf'] }],
  });
  if (canceled || !filePath) return;
  try {
    await writeFile(filePath, bytes, { mode: 0o600 });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOSPC')
      throw new AppError('DISK_FULL', 'The PDF could not be saved: the disk is full. Nothing else was changed. Choose another place.');
    throw new AppError(
      'INTERNAL',
      `The PDF could not be saved there (${code ?? 'unknown'}). Nothing else was changed. Choose another place.`,
      {},
      { cause: error },
    );
  }
}
