/**
 * `npm run lock`: writes package-lock.json anew and completes it. npm leaves optional packages of other platforms out of the lock where the registry
 * at hand does not carry them, or where the host's Node is older than they ask for; `npm ci` then calls lock and manifests out of step. This adds
 * an entry (version, os, cpu, no integrity) for each that is named and missing, and changes nothing else.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './lib/project.ts';

interface LockEntry {
  readonly license?: string;
  readonly optional?: boolean;
  readonly engines?: unknown;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const file = join(root, 'package-lock.json');
const cpuNames: Readonly<Record<string, string>> = { amd64: 'x64' };
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, LockEntry> };
const added: string[] = [];

for (const [path, entry] of Object.entries(lock.packages)) {
  if (path === '') continue;
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const known = [`${path}/node_modules/${name}`, `node_modules/${name}`].some((key) => lock.packages[key]);
    // Platform packages end in os, cpu and perhaps the C library: anvil-linux-amd64, binding-linux-arm-musleabihf.
    const platform = /(?:^|[-/])(darwin|linux|win32|android|freebsd|openharmony)-([a-z0-9]+)(?:-([a-z]+))?$/.exec(name);
    if (known || !platform || !/^\d/.test(version)) continue;
    const [, os = '', cpu = '', library = ''] = platform;
    const libc = library.startsWith('gnu') ? ['glibc'] : library.startsWith('musl') ? ['musl'] : undefined;
    const family = name.slice(0, name.indexOf(os));
    const sibling = Object.entries(lock.packages).find(([key, other]) => other.optional && key.startsWith(`node_modules/${family}`))?.[1];
    lock.packages[`node_modules/${name}`] = {
      version,
      cpu: [cpuNames[cpu] ?? cpu],
      ...(os === 'linux' && libc ? { libc } : {}),
      license: sibling?.license ?? entry.license,
      optional: true,
      os: [os],
      ...(sibling?.engines ? { engines: sibling.engines } : {}),
    } as LockEntry;
    added.push(name);
  }
}

lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added.length === 0 ? 'The lock file names every platform' : `Added to the lock file: ${added.join(', ')}`}.\n`);
