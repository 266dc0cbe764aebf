/** `npm run admin -- <command>`: the command line over the core. Builds what changed, then hands over arguments and exit code unchanged. */
import { defaultDataFolder, optionValue } from '../src-main/data-folder.ts';
import { build } from './build.ts';
import { join } from 'node:path';
import { root, run } from './lib/project.ts';

const args = process.argv.slice(2);
await build({ only: ['contracts', 'core'] });
// The command line and the window keep their data in the same place.
const data = optionValue(args, '--data') === undefined ? ['--data', defaultDataFolder()] : [];
process.exitCode = await run('node', ['--enable-source-maps', join(root, 'dist/core/admin.mjs'), ...args, ...data], { cwd: process.cwd() });
