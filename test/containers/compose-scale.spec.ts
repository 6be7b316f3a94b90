import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import proxyaddr from 'proxy-addr';
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

const FILE = 'docker-compose.scale.yml';
const AUTH = ['auth1', 'auth2', 'auth3'];
const { services, networks, volumes } = readCompose(FILE);
const image = stagesOf(read('Dockerfile')).at(-1)!;
const haproxy = read('deploy/haproxy.cfg');
const secrets = new Map(
  ['POSTGRES_PASSWORD', 'INTROSPECT_SECRET', 'KEY_ENCRYPTION_SECRET'].map((name) => [
    name,
    createHash('sha256').update(name).digest('hex'),
  ]),
);
const readers: Record<string, (env: Record<string, string>) => { port: number }> = {
  'auth-server': readAuthServerEnv,
  orders: readOrdersEnv,
  notifications: readNotificationsEnv,
};

function environmentIn({ build, environment = {} }: Service): Record<string, string> {
  const own = Object.entries(environment).map(
    ([name, value]) => [name, interpolate(value, secrets)] as const,
  );
  return Object.fromEntries([...environmentOf(image, build?.args), ...own]);
}

/** `name` → the lines of that section of haproxy.cfg. */
function section(kind: string, name: string): string[] {
  const lines = haproxy.split('\n');
  const start = lines.indexOf(`${kind} ${name}`);
  const end = lines.findIndex((line, at) => at > start && /^\S/.test(line));
  return lines.slice(start + 1, end < 0 ? undefined : end).map((line) => line.trim());
}

const portsOf = (frontend: string): number[] =>
  section('frontend', frontend)
    .flatMap((line) => /^bind :(\d+)/.exec(line)?.[1] ?? [])
    .map(Number);

describe('docker-compose.scale.yml', () => {
  it('follows the Compose Specification', () => {
    const validate = new Ajv({ allowUnionTypes: true }).compile(composeSchema);
    validate(readCompose(FILE));
    expect(validate.errors).toBeNull();
  });

  it('has three auth servers alike, and what they share', () => {
    expect(Object.keys(services).sort()).toEqual([
      ...AUTH,
      'db',
      'notifications',
      'orders',
      'proxy',
      'redis',
    ]);
    for (const name of AUTH) expect(services[name]).toEqual(services.auth1);
    expect(Object.keys(volumes!)).toEqual(['db']);
  });

  it.each([...AUTH, 'orders', 'notifications'])('%s accepts its environment in production', (name) => {
    const service = services[name]!;
    const env = environmentIn(service);
    expect(env.NODE_ENV).toBe('production');
    const known = read(`apps/${env.APP}/src/env.ts`);
    for (const variable of Object.keys(service.environment!)) expect(known).toContain(`  ${variable}:`);
    const { port } = readers[env.APP!]!(env);
    if (service.ports) expect(service.ports.map((line) => Number(line.split(':').at(-1)))).toEqual([port]);
  });

  it('trusts the proxy, at the address that it has, and nobody else', () => {
    const { trustedProxies } = readAuthServerEnv(environmentIn(services.auth1!));
    const { ipv4_address: address } = (services.proxy!.networks as Record<string, { ipv4_address: string }>)
      .fleet!;
    expect(trustedProxies).toEqual([address]);
    const [{ subnet, ip_range: dynamic }] = networks!.fleet!.ipam!.config as [
      { subnet: string; ip_range: string },
    ];
    expect(proxyaddr.compile(subnet)(address, 0)).toBe(true);
    // What is given out to others is not the address that is believed.
    expect(proxyaddr.compile(dynamic)(address, 0)).toBe(false);
    // Only what the proxy itself says of the client's address goes on.
    for (const frontend of ['public', 'internal'])
      expect(section('frontend', frontend)).toContain('http-request set-header X-Forwarded-For %[src]');
  });

  it('shows the world the proxy and the services, not the auth servers', () => {
    const published = Object.entries(services).filter(([, { ports }]) => ports);
    expect(published.map(([name]) => name).sort()).toEqual(['notifications', 'orders', 'proxy']);
    expect(services.proxy!.ports!.map((line) => Number(line.split(':').at(-1)))).toEqual(portsOf('public'));
  });

  it('sends the services to the port of the proxy that is not published', () => {
    for (const name of ['orders', 'notifications']) {
      const env = environmentIn(services[name]!);
      for (const url of [env.JWKS_URL, env.INTROSPECT_URL].filter(Boolean).map((text) => new URL(text!))) {
        expect([url.hostname, Number(url.port)]).toEqual(['proxy', portsOf('internal')[0]]);
      }
    }
  });

  it('gives the apps the time to end that they may take', () => {
    for (const name of [...AUTH, 'orders', 'notifications'])
      expect(Number.parseInt(services[name]!.stop_grace_period!, 10)).toBeGreaterThan(5 + 10 + 5);
  });

  it('asks for the secrets of .env.example', () => {
    const asked = interpolationsIn(read(FILE));
    expect([...new Set(asked.filter(({ required }) => required).map(({ name }) => name))].sort()).toEqual(
      [...secrets.keys()].sort(),
    );
    const example = readDotEnv('.env.example');
    for (const { name } of asked) expect([...example.keys()]).toContain(name);
  });
});

describe('deploy/haproxy.cfg', () => {
  it('is mounted', () => {
    const [from] = services.proxy!.volumes![0]!.split(':');
    expect(existsSync(join(ROOT, from!))).toBe(true);
  });

  it.each(['auth', 'keys', 'streams'])('its backend %s has all auth servers, at their port', (backend) => {
    const servers = section('backend', backend).filter((line) => line.startsWith('server '));
    const { port } = readAuthServerEnv(environmentIn(services.auth1!));
    expect(servers.map((line) => line.split(' ')[2])).toEqual(AUTH.map((name) => `${name}:${port}`));
    for (const line of servers) expect(line).toMatch(/ (check|track auth\/auth\d)$/);
  });

  it('notices a server that drains before it stops serving', () => {
    const [, inter, fall] = /inter (\d+)s fall (\d+)/.exec(haproxy)!;
    expect(haproxy).toContain('option httpchk GET /health/ready');
    const delay = Number(services.auth1!.environment!.SHUTDOWN_DELAY_SECONDS);
    expect(Number(inter) * (Number(fall) + 1)).toBeLessThan(delay);
  });

  it('keeps introspection off the public side', () =>
    expect(section('frontend', 'public').join('\n')).toMatch(/deny .*\/introspect \/auth\/introspect/));

  const installed = existsSync('/usr/sbin/haproxy');
  (installed ? it : it.skip)('is one that HAProxy accepts', () => {
    execFileSync('/usr/sbin/haproxy', ['-c', '-q', '-f', join(ROOT, 'deploy/haproxy.cfg')], {
      stdio: 'pipe',
    });
  });
});
