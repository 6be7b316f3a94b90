import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { environmentOf, type Instruction, read, ROOT, type Stage, stagesOf } from './files.js';

interface NestCli {
  projects: Record<string, { entryFile: string; compilerOptions: { tsConfigPath: string } }>;
}

const stages = stagesOf(read('Dockerfile'));
const image = stages.at(-1)!;
const { projects } = JSON.parse(read('nest-cli.json')) as NestCli;
const ignored = read('.dockerignore').split('\n').filter(Boolean);

const named = (name: string): Stage | undefined => stages.find((stage) => stage.name === name);
const only = ({ instructions }: Stage, keyword: string): string[] =>
  instructions.filter((instruction) => instruction.keyword === keyword).map(({ rest }) => rest);

/** `--from=x a b c/` → what is copied, from which stage, to where. */
function copyOf({ rest }: Instruction): { from: string | undefined; sources: string[]; target: string } {
  const words = rest.split(/\s+/);
  const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
  const paths = words.filter((word) => !word.startsWith('--'));
  return { from, sources: paths.slice(0, -1), target: paths.at(-1)! };
}

const copiesOf = ({ instructions }: Stage) =>
  instructions.filter(({ keyword }) => keyword === 'COPY').map(copyOf);

describe('the Dockerfile', () => {
  it('copies what is there, and not what is kept out', () => {
    const copied = stages.flatMap(copiesOf).filter(({ from }) => from === undefined);
    for (const source of copied.flatMap(({ sources }) => sources)) {
      expect([source, existsSync(join(ROOT, source))]).toEqual([source, true]);
      expect(ignored).not.toContain(source);
    }
    expect(copied.length).toBeGreaterThan(0);
  });

  it('copies from stages that are there, what they made or were given', () => {
    const taken = copiesOf(image);
    expect(taken.every(({ from }) => from !== undefined)).toBe(true);
    for (const { from, sources } of taken) {
      const stage = named(from!)!;
      const [workdir] = only(stage, 'WORKDIR');
      const given = copiesOf(stage).flatMap(({ sources: all }) => all);
      const made = only(stage, 'RUN').flatMap((run) => [
        ...(run.includes('npm ci') ? ['node_modules'] : []),
        ...(run.includes('npm run build') ? ['dist'] : []),
      ]);
      for (const source of sources) expect([...given, ...made]).toContain(source.replace(`${workdir}/`, ''));
    }
  });

  it('keeps the tools of the build out of the last stage', () => {
    const modules = copiesOf(image).find(({ target }) => target === 'node_modules')!;
    const installs = only(named(modules.from!)!, 'RUN').filter((run) => run.includes('npm ci'));
    expect(installs).toEqual([expect.stringContaining('npm ci --omit=dev')]);
    expect(only(image, 'RUN').join()).not.toMatch(/npm|apt/);
    expect(environmentOf(image).get('NODE_ENV')).toBe('production');
  });

  it('runs as nobody in particular, on a Node that package.json allows', () => {
    expect(only(image, 'USER')).toEqual(['node']);
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
    for (const { from } of stages) {
      const [, major] = /^node:(\d+)/.exec(from)!;
      expect(Number(major)).toBeGreaterThanOrEqual(Number(/\d+/.exec(engines.node)![0]));
    }
  });

  it.each(Object.entries(projects))(
    'starts what the build makes of %s',
    (app, { entryFile, compilerOptions }) => {
      const [command] = only(image, 'CMD');
      const [shell, flag, line] = JSON.parse(command!) as string[];
      expect([shell, flag]).toEqual(['sh', '-c']);
      // `exec`: else the shell, which passes no signal on, is what the container asks to stop.
      const main = /^exec node (?:--\S+ )*(\S+)$/.exec(line!)![1]!.replaceAll('$APP', app);
      const { outDir } = (
        JSON.parse(read(compilerOptions.tsConfigPath)) as { compilerOptions: { outDir: string } }
      ).compilerOptions;
      expect(join(ROOT, main)).toBe(join(ROOT, `apps/${app}`, outDir, `${entryFile}.js`));
    },
  );

  it('asks a route for its health that every app has', () => {
    const [, path] = /127\.0\.0\.1:\$\{process\.env\.PORT\}(\/[\w/]+)/.exec(only(image, 'HEALTHCHECK')[0]!)!;
    expect(path).toBe('/health/ready');
  });
});
