/** `npm run bench`: runs every file in bench/, each printing one JSON line per figure. `-- --only <name>` runs the file of that figure alone (`patient-search@1000` is in patient-search.ts). */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.ts';
import { root, run } from './lib/project.ts';

const folder = join(root, 'bench');
const args = process.argv.slice(2);
const only = args.includes('--only') ? args[args.indexOf('--only') + 1] : undefined;
const names = existsSync(folder)
  ? readdirSync(folder)
      .filter((file) => file.endsWith('.ts'))
      .map((file) => file.slice(0, -'.ts'.length))
      .sort()
  : [];
const [wanted] = only?.split('@') ?? [];
if (wanted !== undefined && !names.includes(wanted)) {
  process.stderr.write(`There is no figure named ${only}: ${names.join(', ') || 'none yet'}.\n`);
  process.exit(2);
}

await build({ only: ['contracts', 'core'] });
for (const name of names.filter((candidate) => wanted === undefined || candidate === wanted)) {
  const code = await run('node', ['--expose-gc', join(folder, `${name}.ts`), ...(only === undefined ? [] : ['--only', only])]);
  if (code !== 0) process.exitCode = code;
}
