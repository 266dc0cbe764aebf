/** Which of node:crypto's functions and algorithms sources use, read from their syntax: what Electron's BoringSSL must have. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from '../../../scripts/lib/project.ts';

/** Place of the algorithm's name among the arguments. */
const algorithmArgument: Readonly<Record<string, number>> = {
  createCipheriv: 0,
  createDecipheriv: 0,
  createECDH: 0,
  createHash: 0,
  createHmac: 0,
  createSign: 0,
  createVerify: 0,
  generateKeyPair: 0,
  generateKeyPairSync: 0,
  hash: 0,
  hkdf: 0,
  hkdfSync: 0,
  pbkdf2: 4,
  pbkdf2Sync: 4,
  sign: 0,
  verify: 0,
};

export interface NodeCryptoNames {
  readonly functions: readonly string[];
  /** Sorted and in lower case. */
  readonly algorithms: readonly string[];
}

function importsOf(source: ts.SourceFile): Map<string, string> {
  const names = new Map<string, string>();
  for (const statement of source.statements) {
    if (!ts.isImportDeclaration(statement) || !/^(node:)?crypto$/.test((statement.moduleSpecifier as ts.StringLiteral).text)) continue;
    const bindings = statement.importClause?.namedBindings;
    if (!bindings || !ts.isNamedImports(bindings)) throw new Error(`${source.fileName} imports all of node:crypto: name what it uses`);
    if (statement.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword) continue;
    for (const { name, propertyName, isTypeOnly } of bindings.elements) if (!isTypeOnly) names.set(name.text, (propertyName ?? name).text);
  }
  return names;
}

/** Throws for a name that is not written where it is used: nobody could tell then what is used. */
export function nodeCryptoNames(folder: string): NodeCryptoNames {
  const functions = new Set<string>();
  const algorithms = new Set<string>();
  for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const path = join(folder, name);
    const source = ts.createSourceFile(path, readFileSync(join(root, path), 'utf8'), ts.ScriptTarget.Latest);
    const imports = importsOf(source);
    for (const imported of imports.values()) functions.add(imported);
    const visit = (node: ts.Node): void => {
      ts.forEachChild(node, visit);
      if (!ts.isCallExpression(node) || !ts.isIdentifier(node.expression)) return;
      const place = algorithmArgument[imports.get(node.expression.text) ?? ''];
      if (place === undefined) return;
      const argument = node.arguments[place];
      if (!argument || !ts.isStringLiteralLike(argument)) throw new Error(`${path} computes the algorithm of ${node.expression.text}`);
      algorithms.add(argument.text.toLowerCase());
    };
    if (imports.size > 0) visit(source);
  }
  return { functions: [...functions].sort(), algorithms: [...algorithms].sort() };
}
