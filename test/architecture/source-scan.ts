import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';

/** A source file of the repository; `path` is relative to the root, with forward slashes. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** Something that a file imports, by `import`, `export … from`, `import()` or `import('…')` in a type. */
export interface Import {
  readonly from: string;
  readonly specifier: string;
  /** The imported file, for a relative specifier. */
  readonly target: string | undefined;
}

/** Words of the code that a rule may forbid. */
export type Construct = 'export *' | 'forwardRef' | 'process.env';

export const ROOT = join(import.meta.dirname, '../..');

/** All TypeScript files of `libs/<lib>/src` and `apps/<app>/src`, declarations apart. */
export function productSources(): Source[] {
  return ['libs', 'apps'].flatMap((group) =>
    readdirSync(join(ROOT, group)).flatMap((name) => sourcesIn(`${group}/${name}/src`)),
  );
}

function sourcesIn(folder: string): Source[] {
  let entries;
  try {
    entries = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true });
  } catch {
    return [];
  }
  return entries
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts'))
    .map((entry) => posix.relative(ROOT, join(entry.parentPath, entry.name)))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

export function importsOf(source: Source): Import[] {
  const found: Import[] = [];
  visit(parse(source), (node) => {
    const specifier = specifierOf(node);
    if (specifier !== undefined) {
      found.push({ from: source.path, specifier, target: resolve(source.path, specifier) });
    }
  });
  return found;
}

export function constructsOf(source: Source): Construct[] {
  const found = new Set<Construct>();
  visit(parse(source), (node) => {
    if (ts.isExportDeclaration(node) && (!node.exportClause || ts.isNamespaceExport(node.exportClause))) {
      found.add('export *');
    }
    if (ts.isIdentifier(node) && node.text === 'forwardRef') found.add('forwardRef');
    if (readsEnvironment(node)) found.add('process.env');
  });
  return [...found];
}

/** The names that a file exports, types among them, sorted. */
export function exportedNames(source: Source): string[] {
  const names: string[] = [];
  for (const statement of parse(source).statements) {
    if (
      ts.isExportDeclaration(statement) &&
      statement.exportClause &&
      ts.isNamedExports(statement.exportClause)
    )
      names.push(...statement.exportClause.elements.map(({ name }) => name.text));
    const exported =
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    if (!exported) continue;
    if (ts.isVariableStatement(statement))
      names.push(...statement.declarationList.declarations.map(({ name }) => name.getText()));
    else if ('name' in statement && statement.name) names.push((statement.name as ts.Identifier).text);
  }
  return names.sort();
}

/** Files that a run of tests needs and the product does not. */
export function isTest(path: string): boolean {
  return /\.(spec|e2e-spec|fixture)\.tsx?$/.test(path);
}

function parse({ path, text }: Source): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
}

function visit(node: ts.Node, look: (node: ts.Node) => void): void {
  look(node);
  ts.forEachChild(node, (child) => visit(child, look));
}

function specifierOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return textOf(node.moduleSpecifier);
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return textOf(node.argument.literal);
  const imports = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
  return imports ? textOf(node.arguments[0]) : undefined;
}

function textOf(node: ts.Node | undefined): string | undefined {
  return node && ts.isStringLiteralLike(node) ? node.text : undefined;
}

function resolve(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts');
}

function readsEnvironment(node: ts.Node): boolean {
  const isProcess = (target: ts.Node) => ts.isIdentifier(target) && target.text === 'process';
  if (ts.isPropertyAccessExpression(node)) return isProcess(node.expression) && node.name.text === 'env';
  if (ts.isElementAccessExpression(node)) {
    return isProcess(node.expression) && textOf(node.argumentExpression) === 'env';
  }
  if (ts.isVariableDeclaration(node) && node.initializer && isProcess(node.initializer)) {
    return /\benv\b/.test(node.name.getText());
  }
  const module = ts.isImportDeclaration(node) ? textOf(node.moduleSpecifier) : undefined;
  return /^(node:)?process$/.test(module ?? '') && /\benv\b/.test(node.getText());
}
