/** The page on screen as a PDF file, where the person chooses to put it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { app, dialog, type BrowserWindow } from 'electron';
import { AppError } from '../src-shared/errors.ts';
import { fileNameOf } from './file-name.ts';

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
