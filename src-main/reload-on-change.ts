/** For `npm run dev`: tells when the built screens are new. In a packaged program it is not used. */
import { watch } from 'node:fs';
import { join } from 'node:path';

/** A build replaces several files; it is over when index.html has rested for so long. */
const settleMs = 300;

/** Calls back after each build of the screens, where the program was started by `npm run dev`; otherwise does nothing. */
export function onNewScreens(rendererDir: string, reload: () => void): void {
  if (process.env['ANAMNESIS_DEV'] !== '1') return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  // The folder above: the build removes and makes the folder itself anew.
  watch(join(rendererDir, '..'), { recursive: true }, (_event, file) => {
    if (!file?.startsWith('renderer')) return;
    clearTimeout(timer);
    timer = setTimeout(reload, settleMs);
  });
}
