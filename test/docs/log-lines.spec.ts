import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The text of the sources of a library, without its tests. */
function sourcesOf(library: string): string {
  const folder = join(root, 'libs', library, 'src');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('spec.ts'))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n');
}

/** The first column of the table in "The log", each line as the parts between its ellipses. */
function documentedLines(): string[][] {
  const guide = readFileSync(join(root, 'docs/guides/running-in-production.md'), 'utf8');
  const section = /^## The log$([\s\S]*?)^## /m.exec(guide)?.[1] ?? '';
  return [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, line = '']) =>
    line
      .replace(/\[\w+\]/g, '')
      .split(/…|\(…\)/)
      .map((part) => part.replace(/^[\s():]+|[\s():]+$/g, ''))
      // A code of an error is no text of a line.
      .map((part) => part.replace(/^503 \w+$/, '503'))
      .filter(Boolean),
  );
}

describe('the log lines of the production guide', () => {
  it('are lines that the libraries write', () => {
    const sources = sourcesOf('authfort') + sourcesOf('authfort-service');
    const lines = documentedLines();

    expect(lines.length).toBeGreaterThan(8);
    expect(lines.flat().filter((part) => !sources.includes(part))).toEqual([]);
  });
});
