import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { snippetErrors } from './snippets.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const pages = listPages();
const text = new Map(pages.map((page) => [page, readFileSync(join(root, page), 'utf8')]));

/** The pages of the repository, with those that are not committed yet. */
function listPages(folder = ''): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return /^(node_modules|dist|coverage|\..*)$/.test(entry.name) ? [] : listPages(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

/** The text outside of code, where Markdown sees links. */
function prose(page: string): string {
  return (text.get(page) ?? '').replace(/^( *)(```|~~~)[\s\S]*?^\1\2/gm, '').replace(/`[^`\n]*`/g, '');
}

/** As GitHub makes them: lower case, no punctuation, a hyphen for each space. */
function anchorsOf(page: string): Set<string> {
  const headings = (text.get(page) ?? '').replace(/^( *)```[\s\S]*?^\1```/gm, '').matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function deadLinks(page: string): string[] {
  const targets = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets
    .filter((target) => !/^[a-z]+:/i.test(target))
    .filter((target) => {
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : relative(root, resolve(root, dirname(page), path));
      if (!existsSync(join(root, file))) return true;
      return anchor !== undefined && file.endsWith('.md') && !anchorsOf(file).has(anchor);
    })
    .map((target) => `${page}: ${target}`);
}

/** Scripts of package.json and files that the pages tell the reader to run. */
function deadCommands(page: string): string[] {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const content = text.get(page) ?? '';
  const npm = [...content.matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)].map(
    ([, a, b]) => a ?? b ?? '',
  );
  const files = [...content.matchAll(/\b(?:node|bash) ((?:scripts|bin|\.ci)\/[\w./-]+)/g)].map(
    ([, file = '']) => file,
  );
  return [
    ...npm.filter((script) => !Object.hasOwn(scripts, script)).map((script) => `${page}: npm run ${script}`),
    ...files.filter((file) => !existsSync(join(root, file))).map((file) => `${page}: ${file}`),
  ];
}

describe('the documents', () => {
  it('are all there to be looked at', () => {
    expect(pages).toEqual(expect.arrayContaining(['README.md', 'SECURITY.md', 'docs/README.md']));
  });

  it('have no link that points to nothing', () => expect(pages.flatMap(deadLinks)).toEqual([]));

  it('name only scripts that exist', () => expect(pages.flatMap(deadCommands)).toEqual([]));

  it('name every event', () => {
    const source = readFileSync(join(root, 'libs/authfort/src/events/auth-events.ts'), 'utf8');
    const names = [...source.matchAll(/^ {2}(\w+): true,$/gm)].map(([, name]) => name!);
    const guide = readFileSync(join(root, 'docs/guides/events.md'), 'utf8');
    expect(names.length).toBeGreaterThan(30);
    expect(names.filter((name) => !guide.includes(`\`${name}\``))).toEqual([]);
  });

  it('name every test of an attack in SECURITY.md', () => {
    const folders = ['libs/authfort', 'libs/authfort-service', 'libs/authfort-client'].flatMap((library) =>
      ['test/security', 'test/concurrency'].map((folder) => join(library, folder)),
    );
    const tests = folders
      .filter((folder) => existsSync(join(root, folder)))
      .flatMap((folder) => readdirSync(join(root, folder)).map((name) => join(folder, name)))
      .filter((path) => /[.-]spec\.ts$/.test(path));
    expect(tests.length).toBeGreaterThan(60);
    const security = text.get('SECURITY.md') ?? '';
    expect(tests.filter((path) => !security.includes(`(${path})`))).toEqual([]);
  });

  it('have a current list of errors', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/generate-docs.mjs', '--check'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  }, 60_000);

  it('show only TypeScript that compiles', () => {
    expect(snippetErrors(root, text)).toEqual([]);
  }, 120_000);

  it.each([
    ['a dead link', () => deadLinksIn('[gone](docs/gone.md)')],
    ['a dead anchor', () => deadLinksIn('[gone](README.md#gone)')],
    [
      'TypeScript that does not compile',
      () => snippetErrors(root, new Map([['x.md', fence('const a: string = 1;')]])),
    ],
    [
      'an import that is not exported',
      () => snippetErrors(root, new Map([['x.md', fence("import { Gone } from 'authfort';\nnew Gone();")]])),
    ],
  ])('would notice %s', (_name, find) => expect(find()).toHaveLength(1), 120_000);
});

function deadLinksIn(content: string): string[] {
  text.set('imagined.md', content);
  try {
    return deadLinks('imagined.md');
  } finally {
    text.delete('imagined.md');
  }
}

function fence(code: string): string {
  return `\`\`\`ts\n${code}\n\`\`\`\n`;
}
