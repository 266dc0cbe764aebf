/** The layer rules of eslint.config.js do fire: each breach is linted as if it stood in a real file of that layer. */
import { ESLint, type Linter } from 'eslint';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript-eslint';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..', '..');
const full = new ESLint({ cwd: root });
/** Without the rules that need types, which import rules do not: quicker by far. */
const untyped = new ESLint({ cwd: root, overrideConfig: [ts.configs.disableTypeChecked as Linter.Config] });

/** Any source file of a folder: rules depend on where a file is. */
function fileIn(folder: string): string {
  const name = readdirSync(join(root, folder)).find(
    (entry) => entry.endsWith('.ts') && !entry.endsWith('.svelte.ts') && entry !== 'main.ts',
  );
  if (!name) throw new Error(`No source file in ${folder}`);
  return `${folder}/${name}`;
}

async function rulesBroken(file: string, code: string, eslint = untyped): Promise<(string | null)[]> {
  const [result] = await eslint.lintText(code, { filePath: join(root, file) });
  return (result?.messages ?? []).filter((message) => message.severity === 2).map((message) => message.ruleId);
}

const use = (specifier: string): string => `import * as part from '${specifier}';\nexport const used = part;\n`;
const service = fileIn('src-main/core/services');
const ledger = fileIn('src-main/core/adapters/ledger');
const crypto = fileIn('src-main/core/adapters/crypto');

describe('a layer may not import', () => {
  it.each([
    ['the core from the renderer', 'src-renderer/api.ts', '../src-main/core/ports.ts'],
    ['the shell from the renderer', 'src-renderer/api.ts', '../src-main/data-folder.ts'],
    ['the renderer from shared code', 'src-shared/categories.ts', '../src-renderer/api.ts'],
    ['an adapter from a service', service, '../adapters/ledger/ledger.ts'],
    ['rpc from a service', service, '../rpc.ts'],
    ['a service from an adapter', ledger, `../../services/${service.split('/').at(-1)}`],
    ['one adapter from another', ledger, `../crypto/${crypto.split('/').at(-1)}`],
    ['an adapter from the ports', 'src-main/core/ports.ts', './adapters/ledger/ledger.ts'],
    ['a service from the shell', 'src-main/data-folder.ts', `./core/services/${service.split('/').at(-1)}`],
    ['the shell from the core', 'src-main/core/core.ts', '../data-folder.ts'],
  ])('%s', async (_what, file, specifier) => {
    expect(await rulesBroken(file, use(specifier))).toContain('boundaries/dependencies');
  });

  it.each([
    ['shared code from a service', service, '../../../src-shared/errors.ts'],
    ['the ports from a service', service, '../ports.ts'],
    ['the ports from an adapter', ledger, '../../ports.ts'],
    ['its own folder from an adapter', ledger, './ledger.ts'],
    ['services and adapters from core.ts', 'src-main/core/core.ts', './adapters/ledger/ledger.ts'],
    ['the messages of the core from the shell', 'src-main/core-child.ts', './core/entry.ts'],
  ])('(but may) %s', async (_what, file, specifier) => {
    expect(await rulesBroken(file, use(specifier))).not.toContain('boundaries/dependencies');
  });
});

describe('a library stays in its adapter', () => {
  it.each([
    ['ethers', service],
    ['ethers', crypto],
    ['better-sqlite3', ledger],
    ['helia', ledger],
    ['@libp2p/tcp', crypto],
    ['@noble/ciphers/chacha.js', ledger],
    ['@noble/hashes/sha2.js', 'src-main/core/adapters/sqlite/store.ts'],
    ['@noble/ciphers/chacha.js', 'src-renderer/api.ts'],
    ['@hpke/core', 'src-shared/categories.ts'],
    ['electron', 'src-main/core/core.ts'],
    ['electron', service],
    ['electron', 'src-renderer/api.ts'],
    ['ethers', 'src-main/data-folder.ts'],
    ['node:fs', service],
    ['node:fs', 'src-renderer/api.ts'],
    ['node:crypto', 'src-shared/categories.ts'],
  ])('%s not in %s', async (library, file) => {
    expect(await rulesBroken(file, use(library))).toContain('no-restricted-imports');
  });

  it.each([
    ['ethers', ledger],
    ['@noble/hashes/sha2.js', crypto],
    ['@noble/curves/secp256k1.js', ledger],
    ['electron', 'src-main/data-folder.ts'],
    ['node:fs', ledger],
  ])('%s in %s', async (library, file) => {
    expect(await rulesBroken(file, use(library))).not.toContain('no-restricted-imports');
  });
});

// The first one reads the types of the whole program.
describe('code is refused that', { timeout: 120_000 }, () => {
  it.each([
    ['swallows an error', service, 'try {\n  JSON.parse("");\n} catch {}\n', 'no-empty'],
    ['writes to the console in the core', service, 'console.log("x");\n', 'no-console'],
    ['forgets a promise', service, 'Promise.resolve(1);\n', '@typescript-eslint/no-floating-promises'],
    ['throws what is no error', service, 'throw "text";\n', '@typescript-eslint/only-throw-error'],
    ["keeps something in the browser's storage", 'src-renderer/api.ts', 'localStorage.setItem("a", "b");\n', 'no-restricted-globals'],
    ['puts raw HTML on a screen', 'src-renderer/app.svelte', '{@html "x"}\n', 'svelte/no-at-html-tags'],
  ])('%s', async (_what, file, code, rule) => {
    expect(await rulesBroken(file, code, full)).toContain(rule);
  });
});
