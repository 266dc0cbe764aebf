/**
 * `npm run contracts:coverage`: runs the contracts' tests with coverage, prints the table, and fails under 100 % of lines and branches.
 *
 * Hardhat measures lines and statements, not branches. So the tests run on a copy in which each condition of an `if` or `?:` goes through
 * a function of its own with one line for true and one for false; which of these lines ran is Hardhat's to say.
 */
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root, run } from './lib/project.ts';

interface AstNode {
  readonly nodeType?: string;
  readonly src?: string;
  readonly condition?: AstNode;
}

interface Branch {
  readonly file: string;
  readonly line: number;
}

interface Compiler {
  compile(input: string, callbacks: { import: (path: string) => { contents: string } | { error: string } }): string;
}

interface FileCoverage {
  lines: number;
  readonly missedLines: number[];
  branches: number;
  readonly missedBranches: string[];
}

const sourceFolder = 'contracts/src';
const copy = join(root, '.cache', 'contracts-coverage');
const require = createRequire(import.meta.url);
const branchFile = `${sourceFolder}/Branches.sol`;
/** Lines of a branch's function in the written library, and where in it true and false are answered. */
const linesPerBranch = 6;
const [trueLine, falseLine] = [3, 5];
const linesBefore = 3;

function parse(sources: Readonly<Record<string, { content: string }>>): Record<string, { ast: AstNode }> {
  const compiler = require('solc') as Compiler;
  const input = { language: 'Solidity', sources, settings: { stopAfter: 'parsing', outputSelection: { '*': { '': ['ast'] } } } };
  const output = JSON.parse(
    compiler.compile(JSON.stringify(input), { import: (path) => ({ contents: readFileSync(require.resolve(path), 'utf8') }) }),
  ) as { sources?: Record<string, { ast: AstNode }>; errors?: readonly { formattedMessage: string }[] };
  if (output.sources === undefined) throw new Error((output.errors ?? []).map((error) => error.formattedMessage).join('\n'));
  return output.sources;
}

/** Conditions of all `if` and `?:` below a node. */
function* conditionsOf(node: unknown): Generator<AstNode> {
  if (Array.isArray(node)) {
    for (const child of node) yield* conditionsOf(child);
  } else if (typeof node === 'object' && node !== null) {
    const { nodeType, condition } = node as AstNode;
    if ((nodeType === 'IfStatement' || nodeType === 'Conditional') && condition !== undefined) yield condition;
    for (const child of Object.values(node)) yield* conditionsOf(child);
  }
}

/** The source with each condition sent through its function; line numbers stay. Adds what it finds to `branches`. */
function rewritten(file: string, text: string, ast: AstNode, branches: Branch[]): string {
  // The compiler counts bytes.
  const bytes = Buffer.from(text);
  const insertions: { at: number; text: string; order: number }[] = [];
  for (const condition of conditionsOf(ast)) {
    const [start = 0, length = 0] = (condition.src ?? '').split(':').map(Number);
    const number = branches.length;
    branches.push({ file, line: bytes.subarray(0, start).toString().split('\n').length });
    // Where two begin or end at one place, the longer one is outside.
    insertions.push({ at: start, text: `Branches.b${number}(`, order: -length }, { at: start + length, text: ')', order: length - 1e9 });
  }
  if (insertions.length === 0) return text;
  insertions.sort((a, b) => a.at - b.at || a.order - b.order);
  let result = '';
  let from = 0;
  for (const { at, text: inserted } of insertions) {
    result += bytes.subarray(from, at).toString() + inserted;
    from = at;
  }
  result += bytes.subarray(from).toString();
  return result.replace(/^pragma .*$/m, (pragma) => `${pragma} import {Branches} from "./Branches.sol";`);
}

function branchLibrary(count: number): string {
  const functions = Array.from(
    { length: count },
    (_, i) => `function b${i}(bool taken) internal pure returns (bool) {\nif (taken) {\nreturn true;\n}\nreturn false;\n}\n`,
  );
  return `// SPDX-License-Identifier: Apache-2.0\npragma solidity 0.8.37;\nlibrary Branches {\n${functions.join('')}}\n`;
}

function makeCopy(): Branch[] {
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  for (const path of ['contracts/test', 'contracts/compiler-settings.ts', 'hardhat.config.ts']) {
    cpSync(join(root, path), join(copy, path), { recursive: true });
  }
  writeFileSync(join(copy, 'package.json'), JSON.stringify({ name: 'contracts-coverage', private: true, type: 'module' }));
  mkdirSync(join(copy, sourceFolder), { recursive: true });
  const names = readdirSync(join(root, sourceFolder)).filter((name) => name.endsWith('.sol'));
  const sources = Object.fromEntries(
    names.map((name) => [`${sourceFolder}/${name}`, { content: readFileSync(join(root, sourceFolder, name), 'utf8') }]),
  );
  const parsed = parse(sources);
  const branches: Branch[] = [];
  for (const [file, { content }] of Object.entries(sources)) {
    writeFileSync(join(copy, file), rewritten(file, content, parsed[file]?.ast ?? {}, branches));
  }
  writeFileSync(join(copy, branchFile), branchLibrary(branches.length));
  return branches;
}

/** Lines that ran and that did not, by file, as lcov tells them (geninfo(1), "SF" and "DA"). */
function readLcov(): Map<string, Map<number, boolean>> {
  const files = new Map<string, Map<number, boolean>>();
  let lines = new Map<number, boolean>();
  for (const record of readFileSync(join(copy, 'coverage', 'lcov.info'), 'utf8').split('\n')) {
    const [tag, value = ''] = [record.slice(0, 3), record.slice(3)];
    if (tag === 'SF:') files.set(value.replaceAll('\\', '/'), (lines = new Map()));
    const [line, count] = value.split(',').map(Number);
    if (tag === 'DA:' && line !== undefined) lines.set(line, count !== 0);
  }
  return files;
}

function tabulate(branches: readonly Branch[], lcov: Map<string, Map<number, boolean>>): Map<string, FileCoverage> {
  const table = new Map<string, FileCoverage>();
  const rowOf = (file: string): FileCoverage => {
    const row = table.get(file) ?? { lines: 0, missedLines: [], branches: 0, missedBranches: [] };
    table.set(file, row);
    return row;
  };
  for (const [file, lines] of lcov) {
    if (!file.startsWith(`${sourceFolder}/`) || file === branchFile) continue;
    const row = rowOf(file);
    row.lines = lines.size;
    row.missedLines.push(...[...lines].filter(([, ran]) => !ran).map(([line]) => line));
  }
  const ran = lcov.get(branchFile) ?? new Map<number, boolean>();
  for (const [i, { file, line }] of branches.entries()) {
    const row = rowOf(file);
    row.branches += 2;
    const first = linesBefore + i * linesPerBranch;
    if (!ran.get(first + trueLine)) row.missedBranches.push(`${line} true`);
    if (!ran.get(first + falseLine)) row.missedBranches.push(`${line} false`);
  }
  return table;
}

const percent = (missed: number, all: number): string => (all === 0 ? '-' : ((100 * (all - missed)) / all).toFixed(1)).padStart(9);

/** Prints the table; gives how much was missed. */
function print(table: Map<string, FileCoverage>): number {
  const total = { lines: 0, missedLines: 0, branches: 0, missedBranches: 0 };
  process.stdout.write(`${'file'.padEnd(24)}${'lines %'.padStart(9)}${'branch %'.padStart(9)}  not covered\n`);
  for (const [file, row] of [...table].sort()) {
    const missed = [...row.missedLines.map((line) => `line ${line}`), ...row.missedBranches.map((branch) => `branch ${branch}`)].join(', ');
    const cells = percent(row.missedLines.length, row.lines) + percent(row.missedBranches.length, row.branches);
    process.stdout.write(`${file.slice(sourceFolder.length + 1).padEnd(24)}${cells}  ${missed}\n`);
    total.lines += row.lines;
    total.branches += row.branches;
    total.missedLines += row.missedLines.length;
    total.missedBranches += row.missedBranches.length;
  }
  const cells = percent(total.missedLines, total.lines) + percent(total.missedBranches, total.branches);
  process.stdout.write(`${'all'.padEnd(24)}${cells}\n`);
  if (total.lines === 0 || total.branches === 0) throw new Error('Hardhat reported no coverage.');
  return total.missedLines + total.missedBranches;
}

const branches = makeCopy();
// Its own table has no branches.
const code = await run('hardhat', ['test', 'solidity', '--coverage'], { cwd: copy, stdio: ['ignore', 'ignore', 'inherit'] });
const missed = print(tabulate(branches, readLcov()));
if (code !== 0) process.stdout.write('Tests failed; `npm run contracts:test` says which.\n');
process.exitCode = code === 0 && missed === 0 ? 0 : 1;
