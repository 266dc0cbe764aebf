/**
 * The headless command line over the core: `npm run admin -- <command>`. For administrators and scripts; the same services as the screens, the same
 * checks, nothing that a person at the screen could not do. docs/admin.md describes commands and exit codes.
 */
import { join } from 'node:path';
import { runAdmin } from './admin/run.ts';

// dist/core/admin.mjs and src-main/core/admin.ts lie equally deep below the program's folder.
await runAdmin({ programDir: join(import.meta.dirname, '..', '..') });
