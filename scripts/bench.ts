/** `npm run bench`: runs every file in bench/, each printing one JSON line per figure. `-- --only <name>` runs the file of that figure alone (`patient-search@1000` is in patient-search.ts). */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build.ts';
import { projectEnv, root, run } from './lib/project.ts';

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
/** Large stores are made once and used by every figure of this run. */
const shared = mkdtempSync(join(tmpdir(), 'anamnesis-bench-'));
const remove = (): void => rmSync(shared, { recursive: true, force: true, maxRetries: 5 });
process.on('exit', remove);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
for (const name of names.filter((candidate) => wanted === undefined || candidate === wanted)) {
  const code = await run('node', ['--expose-gc', join(folder, `${name}.ts`), ...(only === undefined ? [] : ['--only', only])], {
    env: projectEnv({ ANAMNESIS_BENCH_DIR: shared }),
  });
  if (code !== 0) process.exitCode = code;
}
