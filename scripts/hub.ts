/** `npm run hub -- …`: the clinic's hub, without a screen. Builds what changed, then hands over arguments, signals and exit code unchanged. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { defaultDataFolder, optionValue } from '../src-main/data-folder.ts';
import { build } from './build.ts';
import { root } from './lib/project.ts';

const args = process.argv.slice(2);
await build({ only: ['contracts', 'core'] });
const data = optionValue(args, '--data') === undefined ? ['--data', defaultDataFolder()] : [];
const hub = spawn(process.execPath, ['--enable-source-maps', join(root, 'dist/core/hub.mjs'), ...args, ...data], { stdio: 'inherit' });
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => hub.kill(signal));
hub.on('exit', (code) => (process.exitCode = code ?? 1));
