/**
 * Hardhat's native part, where npm left it out: its package asks for Node 22, so npm on an older Node skips it as optional though the
 * tests run on the project's own Node 24. Fetches exactly the version of package-lock.json. `npm run contracts:test` runs this first.
 */
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached, unpack } from './lib/npm-pack.ts';
import { root } from './lib/project.ts';

/** npm's name for this platform's build of a native package, as `@nomicfoundation/edr` looks for it. */
function platformName(): string {
  const { platform, arch } = process;
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const suffix = platform === 'linux' ? (report.header?.glibcVersionRuntime ? '-gnu' : '-musl') : platform === 'win32' ? '-msvc' : '';
  return `edr-${platform}-${arch}${suffix}`;
}

const name = platformName();
const target = join(root, 'node_modules', '@nomicfoundation', name);
if (!existsSync(target)) {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string } | undefined>;
  };
  const version = lock.packages[`node_modules/@nomicfoundation/${name}`]?.version;
  if (!version) throw new Error(`Hardhat has no native part for this platform (${name}): the contract tests cannot run here.`);
  const folder = await cached(`${name}-${version}`, `@nomicfoundation/${name}@${version}`, unpack);
  cpSync(join(folder, 'package'), target, { recursive: true });
}
