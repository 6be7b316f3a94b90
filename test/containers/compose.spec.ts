import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import { readEnv as readAuthServerEnv } from '../../apps/auth-server/src/env.js';
import { readEnv as readNotificationsEnv } from '../../apps/notifications/src/env.js';
import { readEnv as readOrdersEnv } from '../../apps/orders/src/env.js';
import { composeSchema } from './compose-schema.js';
import {
  environmentOf,
  interpolate,
  interpolationsIn,
  read,
  readCompose,
  readDotEnv,
  ROOT,
  type Service,
  stagesOf,
} from './files.js';

const compose = readCompose();
const example = readDotEnv('.env.example');
const image = stagesOf(read('Dockerfile')).at(-1)!;
const built = Object.entries(compose.services).filter(([, { build }]) => build);
const readers: Record<string, (env: Record<string, string>) => { port: number }> = {
  'auth-server': readAuthServerEnv,
  orders: readOrdersEnv,
  notifications: readNotificationsEnv,
};

// As an operator fills them in: 32 random bytes in hexadecimal.
const filledIn = new Map(
  [...example.keys()].map((name) => [name, createHash('sha256').update(name).digest('hex')]),
);
for (const name of filledIn.keys())
  if (!['POSTGRES_PASSWORD', 'INTROSPECT_SECRET', 'KEY_ENCRYPTION_SECRET'].includes(name))
    filledIn.delete(name);

/** The environment of a container: what the image sets, and over it what the file says. */
function environmentIn({ build, environment = {} }: Service, given = filledIn): Record<string, string> {
  const own = Object.entries(environment).map(([name, value]) => [name, interpolate(value, given)] as const);
  return Object.fromEntries([...environmentOf(image, build?.args), ...own]);
}

function appOf(service: Service): string {
  return environmentIn(service).APP!;
}

function portOf(service: Service): number {
  return readers[appOf(service)]!(environmentIn(service)).port;
}

describe('docker-compose.yml', () => {
  const validate = new Ajv({ allowUnionTypes: true }).compile(composeSchema);

  it('follows the Compose Specification', () => {
    validate(compose);
    expect(validate.errors).toBeNull();
  });

  it.each([
    ['a misspelt key', { services: { a: { image: 'x', enviroment: {} } } }],
    ['a dependency without a condition', { services: { a: { image: 'x', depends_on: { b: {} } } } }],
    ['an unknown condition', { services: { a: { depends_on: { b: { condition: 'healthy' } } } } }],
    ['a port that YAML has read as a number', { services: { a: { image: 'x', ports: [480000] } } }],
    ['a duration without a unit', { services: { a: { healthcheck: { interval: '2' } } } }],
    ['a value that is a list', { services: { a: { environment: { A: ['b'] } } } }],
  ])('would not with %s', (_what, file) => expect(validate(file)).toBe(false));

  it('has the four containers of the recipe', () =>
    expect(Object.keys(compose.services).sort()).toEqual(['auth', 'db', 'notifications', 'orders']));

  it.each(built)('%s is built from what is here', (_name, service) => {
    const { context, dockerfile = 'Dockerfile', args = {} } = service.build!;
    expect(existsSync(join(ROOT, context, dockerfile))).toBe(true);
    const declared = image.instructions
      .filter(({ keyword }) => keyword === 'ARG')
      .map(({ rest }) => rest.split('=')[0]);
    expect(declared).toEqual(expect.arrayContaining(Object.keys(args)));
    const { projects } = JSON.parse(read('nest-cli.json')) as { projects: Record<string, unknown> };
    expect(Object.keys(projects)).toContain(appOf(service));
  });

  it.each(built)('%s accepts its environment in production', (_name, service) => {
    const env = environmentIn(service);
    expect(env.NODE_ENV).toBe('production');
    expect(() => readers[appOf(service)]!(env)).not.toThrow();
  });

  it.each(built)('%s publishes the port that it listens on', (_name, service) =>
    expect(service.ports!.map((port) => Number(port.split(':').at(-1)))).toEqual([portOf(service)]),
  );

  it.each(built)('%s reads every variable that it is given', (_name, service) => {
    const source = read(`apps/${appOf(service)}/src/env.ts`);
    const known = [...source.matchAll(/^ {2}([A-Z][A-Z0-9_]+):/gm)].map(([, name]) => name);
    expect(known).toEqual(expect.arrayContaining(Object.keys(service.environment ?? {})));
  });

  it('sends the services to the auth server, at the port and paths that it serves', () => {
    const paths: Record<string, string> = {
      JWKS_URL: '/.well-known/jwks.json',
      INTROSPECT_URL: '/introspect',
      REVOCATIONS_URL: '/revocations',
    };
    const urls = built.flatMap(([name, service]) =>
      Object.entries(environmentIn(service))
        .filter(([, value]) => /^https?:/.test(value))
        .map(([variable, value]) => [name, variable, new URL(value)] as const),
    );
    for (const [, variable, url] of urls) {
      expect(appOf(compose.services[url.hostname]!)).toBe('auth-server');
      expect(Number(url.port)).toBe(portOf(compose.services[url.hostname]!));
      expect(url.pathname).toBe(paths[variable]);
    }
    expect(urls.map(([name, variable]) => `${name} ${variable}`).sort()).toEqual([
      'notifications JWKS_URL',
      'orders INTROSPECT_URL',
      'orders JWKS_URL',
      'orders REVOCATIONS_URL',
    ]);
  });

  it('sends the auth server to its database, with the database’s own user, password and name', () => {
    const url = new URL(environmentIn(compose.services.auth!).DATABASE_URL!);
    const { db } = compose.services;
    expect(environmentIn(db!)).toMatchObject({
      POSTGRES_USER: url.username,
      POSTGRES_PASSWORD: url.password,
      POSTGRES_DB: url.pathname.slice(1),
    });
    expect([url.hostname, url.port]).toEqual(['db', '5432']);
    expect(db!.image).toMatch(/^postgres:\d+/);
    expect(db!.healthcheck!.test.join(' ')).toContain(`-U ${url.username} -d ${url.pathname.slice(1)}`);
  });

  it('waits for what exists, and for health only where it is checked', () => {
    for (const { depends_on = {} } of Object.values(compose.services)) {
      for (const [name, { condition }] of Object.entries(depends_on)) {
        const target = compose.services[name];
        const inImage = target?.build && image.instructions.some(({ keyword }) => keyword === 'HEALTHCHECK');
        expect(target).toBeDefined();
        if (condition === 'service_healthy') expect(target?.healthcheck ?? inImage).toBeTruthy();
      }
    }
  });

  it('declares the volumes that it mounts', () => {
    const mounted = Object.values(compose.services).flatMap(({ volumes = [] }) =>
      volumes.map((v) => v.split(':')[0]),
    );
    expect(Object.keys(compose.volumes ?? {}).sort()).toEqual([...new Set(mounted)].sort());
  });
});

describe('the secrets', () => {
  const text = read('docker-compose.yml');
  const required = new Set(interpolationsIn(text).flatMap(({ name, required }) => (required ? [name] : [])));

  it('are asked for, never shipped', () => {
    expect([...required].sort()).toEqual(['INTROSPECT_SECRET', 'KEY_ENCRYPTION_SECRET', 'POSTGRES_PASSWORD']);
    for (const name of required) expect(example.get(name)).toBe('');
    for (const { environment = {} } of Object.values(compose.services)) {
      for (const [name, value] of Object.entries(environment)) {
        if (/(SECRET|PASSWORD)$/.test(name)) expect(value).toMatch(/^\$\{[A-Z_]+:\?[^}]+\}$/);
      }
    }
    expect(compose.services.auth!.environment!.DATABASE_URL).toMatch(/:\$\{POSTGRES_PASSWORD:\?[^}]+\}@/);
  });

  it('have a line each in .env.example, as has everything that the file leaves open', () =>
    expect([...example.keys()].sort()).toEqual(
      [...new Set(interpolationsIn(text).map(({ name }) => name))].sort(),
    ));

  it.each([...required])('%s stops everything while it is empty', (name) => {
    const given = new Map([...filledIn].filter(([other]) => other !== name));
    const start = () => Object.values(compose.services).map((service) => environmentIn(service, given));
    expect(start).toThrow(name);
  });

  it('stay out of git and out of the image', () => {
    expect(read('.gitignore').split('\n')).toContain('.env');
    expect(read('.dockerignore').split('\n')).toEqual(
      expect.arrayContaining(['.env', '.git', 'node_modules']),
    );
  });
});
