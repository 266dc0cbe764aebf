/** The command line where what it seals costs little to open (see cheap-shell.ts). */
import { root } from '../../../scripts/lib/project.ts';
import { runAdmin } from '../../../src-main/core/admin/run.ts';
import { cheapPassphrase } from './cheap-passphrase.ts';

await runAdmin({ programDir: root, passphraseCost: cheapPassphrase });
