/** The window's three channels: `call` and `event` to and from the core, `print`. Each message's sender and form are checked first. */
import { ipcMain, type BrowserWindow, type IpcMainInvokeEvent } from 'electron';
import { AppError, toWireError } from '../src-shared/errors.ts';
import type { ReplyMessage } from '../src-shared/ipc-schema.ts';
import { parseCallMessage } from './call-message.ts';
import type { CoreProcess } from './core-process.ts';
import { isOwnFrame } from './guards.ts';
import { printToPdf } from './printing.ts';

const notOurs = new AppError('NOT_ALLOWED', 'This page is not part of the workstation. Nothing was changed.');

function checkSender(event: IpcMainInvokeEvent): void {
  if (!isOwnFrame(event.senderFrame)) throw notOurs;
}

/** Connects the window's page with the core. */
export function relay(core: CoreProcess, window: () => BrowserWindow | null): void {
  ipcMain.handle('call', async (event, raw: unknown): Promise<ReplyMessage> => {
    try {
      checkSender(event);
      return await core.call(parseCallMessage(raw));
    } catch (error) {
      const failure =
        error instanceof TypeError
          ? new AppError('INVALID_INPUT', 'The page sent something that is not a call. Nothing was changed.')
          : error;
      return { id: 0, ok: false, error: toWireError(failure) };
    }
  });
  ipcMain.handle('print', async (event, suggestedName: unknown) => {
    try {
      checkSender(event);
      const shown = window();
      if (shown && event.sender === shown.webContents) await printToPdf(shown, typeof suggestedName === 'string' ? suggestedName : '');
      return { ok: true };
    } catch (error) {
      return { ok: false, error: toWireError(error) };
    }
  });
  core.onEvent((message) => {
    const shown = window();
    if (shown && !shown.isDestroyed()) shown.webContents.send('event', message);
  });
}
