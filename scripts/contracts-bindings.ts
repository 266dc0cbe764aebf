/**
 * Compiles the contracts and writes what the core needs of them: ABIs and init codes, as one TypeScript file.
 *
 * It calls the compiler itself, not through Hardhat: whoever only builds the application needs neither Hardhat's native part nor
 * its cache. Nothing is done where the sources, the compiler and its settings are those of the file that is there.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compilerSettings, compilerVersion } from '../contracts/compiler-settings.ts';

interface AbiEntry {
  readonly type: string;
  readonly name?: string;
  readonly inputs?: readonly { readonly type: string }[];
}

interface CompiledContract {
  readonly abi: readonly AbiEntry[];
  readonly evm: { readonly bytecode: { readonly object: string } };
}

interface CompilerOutput {
  readonly errors?: readonly { readonly severity: string; readonly errorCode?: string; readonly formattedMessage: string }[];
  readonly contracts: Record<string, Record<string, CompiledContract>>;
}

interface Compiler {
  version(): string;
  compile(input: string, callbacks: { import: (path: string) => { contents: string } | { error: string } }): string;
}

/** The gateway's modules, by their index. */
const moduleNames = ['Directory', 'Identifiers', 'Consents', 'Records', 'AuditTrail'] as const;

/**
 * solc says on each use of EIP-1153 that what is kept lasts until the end of the transaction. `RoleCache.sol` is made for that: what it
 * keeps is dropped whenever it changes.
 */
const transientStorageWarning = '2394';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const sourceFolder = join(root, 'contracts/src');
const target = join(root, 'src-main/core/adapters/ledger/generated/contracts.ts');
const require = createRequire(import.meta.url);

function readSources(): Record<string, { content: string }> {
  const sources: Record<string, { content: string }> = {};
  for (const name of readdirSync(sourceFolder)
    .filter((file) => file.endsWith('.sol'))
    .sort()) {
    // The same bytes whatever line ends a checkout has.
    sources[`contracts/src/${name}`] = {
      content: readFileSync(join(sourceFolder, name), 'utf8').replaceAll('\r\n', '\n'),
    };
  }
  return sources;
}

function versionOf(packageName: string): string {
  return (JSON.parse(readFileSync(require.resolve(`${packageName}/package.json`), 'utf8')) as { version: string }).version;
}

function fingerprintOf(sources: Record<string, { content: string }>): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([sources, compilerVersion, compilerSettings, versionOf('@openzeppelin/contracts')]));
  hash.update(readFileSync(fileURLToPath(import.meta.url)));
  return hash.digest('hex');
}

function isCurrent(header: string): boolean {
  try {
    return readFileSync(target, 'utf8').startsWith(header);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function compile(sources: Record<string, { content: string }>): (name: string) => CompiledContract {
  // Loaded here, because loading it alone takes longer than all of the fast path.
  const solc = require('solc') as Compiler;
  if (!solc.version().startsWith(compilerVersion)) {
    throw new Error(`The installed Solidity compiler is ${solc.version()}, not ${compilerVersion}: run npm ci`);
  }
  const input = {
    language: 'Solidity',
    sources,
    settings: { ...compilerSettings, outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } } },
  };
  const output = JSON.parse(
    solc.compile(JSON.stringify(input), {
      import: (path) => {
        try {
          return { contents: readFileSync(require.resolve(path), 'utf8') };
        } catch (error) {
          return { error: String(error) };
        }
      },
    }),
  ) as CompilerOutput;
  const messages = (output.errors ?? []).filter(({ errorCode }) => errorCode !== transientStorageWarning);
  for (const message of messages) process.stderr.write(`${message.formattedMessage}\n`);
  if (messages.some((message) => message.severity === 'error')) throw new Error('The contracts do not compile');
  return (name) => {
    const contract = output.contracts[`contracts/src/${name}.sol`]?.[name];
    if (contract === undefined) throw new Error(`The compiler gave no contract ${name}`);
    return contract;
  };
}

/** The gateway's own ABI and all errors of the modules, so that a rejection's reason can be decoded with it. */
function withModuleErrors(gateway: CompiledContract, modules: readonly CompiledContract[]): readonly AbiEntry[] {
  const entries = new Map<string, AbiEntry>();
  const errors = modules.flatMap((module) => module.abi.filter((entry) => entry.type === 'error'));
  for (const entry of [...gateway.abi, ...errors]) {
    entries.set(`${entry.type} ${entry.name ?? ''}(${(entry.inputs ?? []).map((input) => input.type).join()})`, entry);
  }
  return [...entries.values()];
}

function render(header: string, contractOf: (name: string) => CompiledContract): string {
  const gateway = contractOf('Operations');
  const modules = moduleNames.map(contractOf);
  const constant = (name: string, value: unknown): string => `export const ${name} = ${JSON.stringify(value)} as const;\n`;
  return [
    header,
    '\n/** ABI of the gateway, with the errors of all modules. */\n',
    constant('operationsAbi', withModuleErrors(gateway, modules)),
    "\n/** Init code of the gateway, without the constructor's arguments. */\n",
    constant('operationsBytecode', `0x${gateway.evm.bytecode.object}`),
    '\n/** Names of the modules, by their index in the gateway. */\n',
    constant('moduleNames', moduleNames),
    '\n/** Init codes of the modules, by their index in the gateway. */\n',
    constant(
      'moduleInitCodes',
      modules.map((module) => `0x${module.evm.bytecode.object}`),
    ),
    ...moduleNames.map((name, index) => {
      const constantName = `${name.charAt(0).toLowerCase()}${name.slice(1)}Abi`;
      return `\n${constant(constantName, modules[index]?.abi)}`;
    }),
  ].join('');
}

const sources = readSources();
const header = `// Written by scripts/contracts-bindings.ts from contracts/src; do not edit. ${fingerprintOf(sources)}\n`;
if (!isCurrent(header)) {
  const text = render(header, compile(sources));
  mkdirSync(dirname(target), { recursive: true });
  // Renamed into place, so that whoever reads it meanwhile sees the old file or the new one.
  const draft = `${target}.${process.pid}.draft`;
  writeFileSync(draft, text);
  renameSync(draft, target);
}
