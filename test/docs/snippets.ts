import { join } from 'node:path';
import ts from 'typescript';

/**
 * Compiles every block of TypeScript in the pages as a file of its own, with the options of this repository, and returns what the
 * compiler says, with the page and the line. Nothing is written to the disk.
 */
export function snippetErrors(root: string, pages: ReadonlyMap<string, string>): string[] {
  const options = readOptions(root);
  const snippets = new Map<string, { page: string; line: number; code: string }>();
  for (const [page, content] of pages) {
    for (const [number, block] of blocksOf(content).entries()) {
      // Beside the apps, so that imports are found as an app finds them.
      snippets.set(join(root, 'apps', `${page.replaceAll(/\W/g, '-')}-${number}.ts`), { page, ...block });
    }
  }
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (file) => snippets.has(file) || fileExists(file);
  host.readFile = (file) => snippets.get(file)?.code ?? readFile(file);
  host.getSourceFile = (file, language, ...rest) => {
    const snippet = snippets.get(file);
    return snippet
      ? ts.createSourceFile(file, snippet.code, language)
      : getSourceFile(file, language, ...rest);
  };
  const program = ts.createProgram([...snippets.keys()], options, host);
  return [...snippets].flatMap(([file, { page, line }]) => {
    const source = program.getSourceFile(file);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map(({ start = 0, messageText }) => {
      const offset = source?.getLineAndCharacterOfPosition(start).line ?? 0;
      return `${page}:${line + offset}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
  });
}

/** The blocks marked `ts`, with the number of their first line. */
function blocksOf(content: string): { line: number; code: string }[] {
  return [...content.matchAll(/^( *)```ts\n([\s\S]*?)^\1```/gm)].map(({ index, 2: code = '' }) => ({
    line: content.slice(0, index).split('\n').length + 1,
    code,
  }));
}

function readOptions(root: string): ts.CompilerOptions {
  const file = join(root, 'tsconfig.json');
  const { config } = ts.readConfigFile(file, (path) => ts.sys.readFile(path)) as { config: unknown };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  // What a snippet leaves unused is for its reader to use.
  return { ...options, noUnusedLocals: false, noUnusedParameters: false };
}
