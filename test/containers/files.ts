import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export const ROOT = join(import.meta.dirname, '../..');

export interface Service {
  build?: { context: string; dockerfile?: string; args?: Record<string, string> };
  image?: string;
  ports?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  volumes?: string[];
  networks?: string[] | Record<string, { ipv4_address?: string } | null>;
  command?: string[];
  stop_grace_period?: string;
}

export interface Compose {
  services: Record<string, Service>;
  volumes?: Record<string, unknown>;
  networks?: Record<string, { ipam?: { config?: { subnet?: string }[] } } | null>;
}

export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

export const readCompose = (path = 'docker-compose.yml'): Compose => parse(read(path)) as Compose;

/** `NAME=value` lines. */
export function readDotEnv(path: string): Map<string, string> {
  return new Map(
    [...read(path).matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name!, value!.trim()]),
  );
}

/** A `${NAME}`, `${NAME:-default}` or `${NAME:?message}` in a compose file. */
export interface Interpolation {
  name: string;
  required: boolean;
}

const INTERPOLATION = /\$\{([A-Z_]+)(?::([-?])([^}]*))?\}/g;

export function interpolationsIn(text: string): Interpolation[] {
  return [...text.matchAll(INTERPOLATION)].map(([, name, kind]) => ({ name: name!, required: kind === '?' }));
}

/** What compose makes of a value. */
export function interpolate(value: string, given: ReadonlyMap<string, string>): string {
  return value.replace(
    INTERPOLATION,
    (_, name: string, kind: string | undefined, rest: string | undefined) => {
      const found = given.get(name);
      if (found) return found;
      if (kind === '?') throw new Error(`${name}: ${rest}`);
      return kind === '-' ? (rest ?? '') : '';
    },
  );
}

/** One instruction of a Dockerfile, its continued lines joined. */
export interface Instruction {
  keyword: string;
  rest: string;
}

export interface Stage {
  from: string;
  name: string | undefined;
  instructions: Instruction[];
}

export function stagesOf(dockerfile: string): Stage[] {
  const stages: Stage[] = [];
  const lines = dockerfile
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n');
  for (const line of lines) {
    const [, keyword, rest] = /^\s*([A-Z]+)\s+(.*)$/.exec(line) ?? [];
    if (!keyword || rest === undefined) continue;
    if (keyword === 'FROM') {
      const [from, , name] = rest.split(/\s+/);
      stages.push({ from: from!, name, instructions: [] });
    } else {
      stages.at(-1)?.instructions.push({ keyword, rest: rest.trim() });
    }
  }
  return stages;
}

/** `A=1 B=$A` → A: 1, B: 1, with the arguments of the build filled in. */
export function environmentOf(
  { instructions }: Stage,
  args: Record<string, string> = {},
): Map<string, string> {
  const known = new Map<string, string>();
  const env = new Map<string, string>();
  for (const { keyword, rest } of instructions) {
    if (keyword !== 'ARG' && keyword !== 'ENV') continue;
    for (const [, name, value] of rest.matchAll(/(\w+)=(\S*)/g)) {
      const filled = value!.replace(/\$\{?(\w+)\}?/g, (_, other: string) => known.get(other) ?? '');
      known.set(name!, keyword === 'ARG' ? (args[name!] ?? filled) : filled);
      if (keyword === 'ENV') env.set(name!, known.get(name!)!);
    }
  }
  return env;
}
