/**
 * The browser shell whose passphrases cost little: most of a test would be the making of keys, on a machine that does other things too. In the Electron window
 * (`*.electron.test.ts`) they cost what they cost in use.
 */
import { runBrowserShell } from '../../../src-main/browser-shell.ts';
import { cheapPassphrase } from './cheap-passphrase.ts';

await runBrowserShell(process.argv.slice(2), cheapPassphrase);
