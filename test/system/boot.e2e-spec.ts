import { afterAll, describe, expect, it } from '@jest/globals';
import { readEnv as readAuthServerEnv } from '../../apps/auth-server/src/env.js';
import { readEnv as readNotificationsEnv } from '../../apps/notifications/src/env.js';
import { readEnv as readOrdersEnv } from '../../apps/orders/src/env.js';
import { until } from './address.js';
import { type AppName, AppProcess, type Environment, killAll } from './app-process.js';
import { createSystemDatabase } from './database.js';

interface Case {
  app: AppName;
  when: string;
  env: Environment;
  /** Each of these variables is complained about, once. */
  names: string[];
  /** In a process of its own, which takes seconds; otherwise only the environment is read, as the process would. */
  alone?: boolean;
}

const readers: Record<AppName, (env: Environment) => unknown> = {
  'auth-server': readAuthServerEnv,
  orders: readOrdersEnv,
  notifications: readNotificationsEnv,
};

function readIn(app: AppName, env: Environment): { code: number; output: string } {
  try {
    readers[app](env);
    return { code: 0, output: '' };
  } catch (error) {
    return { code: 1, output: (error as Error).message };
  }
}

const SHORT = 'zq7-short';
const DATABASE = 'postgres://somebody:kx93-password@127.0.0.1:1/auth';
const cases: Case[] = [
  {
    app: 'auth-server',
    when: 'production has nothing',
    env: { NODE_ENV: 'production' },
    names: ['DATABASE_URL', 'KEY_ENCRYPTION_SECRET'],
  },
  {
    app: 'auth-server',
    when: 'everything is wrong',
    env: {
      NODE_ENV: 'production',
      PORT: 'http-zq7',
      INTROSPECT_SECRET: SHORT,
      KEY_ENCRYPTION_SECRET: SHORT,
      COOKIE_SECURE: 'false',
      RATE_LIMIT: 'zq7-perhaps',
    },
    names: [
      'PORT',
      'DATABASE_URL',
      'INTROSPECT_SECRET',
      'KEY_ENCRYPTION_SECRET',
      'COOKIE_SECURE',
      'RATE_LIMIT',
    ],
  },
  {
    app: 'auth-server',
    when: 'what the library would find later is wrong too',
    env: {
      NODE_ENV: 'production',
      DATABASE_URL: DATABASE,
      KEY_ENCRYPTION_SECRET: SHORT,
      CORS_ORIGINS: 'zq7-not-an-origin',
      TRUSTED_PROXIES: 'zq7-not-a-range',
      REDIS_URL: 'http://zq7',
      COOKIE_DOMAIN: 'https://zq7.example/',
      FRONTEND_URL: 'https://app.example.com/?zq7',
      SMTP_URL: 'mailto:zq7',
      MAIL_FROM: 'zq7, Inc. <no-reply@example.com>',
      APP_NAME: 'zq7\nBcc: zq7@example.com',
      PASSWORDLESS_SIGNUP: 'zq7',
      REQUIRE_VERIFIED_EMAIL: 'zq7',
      BREACH_CHECK: 'zq7',
    },
    names: [
      'KEY_ENCRYPTION_SECRET',
      'CORS_ORIGINS',
      'TRUSTED_PROXIES',
      'REDIS_URL',
      'COOKIE_DOMAIN',
      'FRONTEND_URL',
      'SMTP_URL',
      'MAIL_FROM',
      'APP_NAME',
      'PASSWORDLESS_SIGNUP',
      'REQUIRE_VERIFIED_EMAIL',
      'BREACH_CHECK',
    ],
    alone: true,
  },
  {
    app: 'auth-server',
    when: 'browsers would drop the cookies or anybody could read along',
    env: {
      NODE_ENV: 'production',
      DATABASE_URL: DATABASE,
      KEY_ENCRYPTION_SECRET: 'zq'.repeat(30),
      INTROSPECT_SECRET: 'z'.repeat(64),
      COOKIE_DOMAIN: '.co.uk',
      FRONTEND_URL: 'http://zq7.example.com',
      CORS_ORIGINS: 'capacitor://localhost, http://zq7.example.com',
    },
    names: ['KEY_ENCRYPTION_SECRET', 'INTROSPECT_SECRET', 'COOKIE_DOMAIN', 'FRONTEND_URL', 'CORS_ORIGINS'],
  },
  {
    app: 'orders',
    when: 'a secret repeats one character and an origin has no TLS',
    env: {
      NODE_ENV: 'production',
      JWKS_URL: 'http://auth:8000/.well-known/jwks.json',
      INTROSPECT_SECRET: 'z'.repeat(64),
      CORS_ORIGINS: 'http://zq7.example.com',
    },
    names: ['INTROSPECT_SECRET', 'CORS_ORIGINS'],
  },
  {
    app: 'auth-server',
    when: 'the database is another kind',
    env: { DATABASE_URL: 'mysql://somebody:kx93-password@db/auth', PORT: '70000' },
    names: ['DATABASE_URL', 'PORT'],
  },
  {
    app: 'auth-server',
    when: 'production sends mail from nobody',
    env: {
      NODE_ENV: 'production',
      DATABASE_URL: DATABASE,
      KEY_ENCRYPTION_SECRET: 'a secret of the tests',
      SMTP_URL: 'smtp://shop:kx93-password@mail.example.com',
    },
    names: ['MAIL_FROM'],
  },
  {
    app: 'orders',
    when: 'production has nothing',
    env: { NODE_ENV: 'production' },
    names: ['JWKS_URL', 'INTROSPECT_SECRET'],
  },
  {
    app: 'orders',
    when: 'everything is wrong',
    env: {
      NODE_ENV: 'production',
      PORT: '-1',
      JWKS_URL: 'zq7-not-a-url',
      INTROSPECT_URL: 'ftp://zq7/introspect',
      INTROSPECT_SECRET: SHORT,
      REVOCATIONS_URL: 'zq7-not-a-url',
      REVOCATIONS_WHEN_STALE: 'zq7-never',
      JWKS_COOLDOWN_SECONDS: '0',
      CORS_ORIGINS: 'zq7-not-an-origin',
    },
    names: [
      'PORT',
      'JWKS_URL',
      'INTROSPECT_URL',
      'INTROSPECT_SECRET',
      'REVOCATIONS_URL',
      'REVOCATIONS_WHEN_STALE',
      'JWKS_COOLDOWN_SECONDS',
      'CORS_ORIGINS',
    ],
  },
  {
    app: 'orders',
    when: 'a URL holds a password',
    env: { JWKS_URL: 'http://somebody:kx93-password@127.0.0.1:9/jwks.json' },
    names: ['jwksUrl'],
    alone: true,
  },
  {
    app: 'notifications',
    when: 'everything is wrong',
    env: { NODE_ENV: 'zq7-prod', PORT: 'zq7', JWKS_CACHE_SECONDS: 'zq7-long' },
    names: ['NODE_ENV', 'PORT', 'JWKS_CACHE_SECONDS'],
    alone: true,
  },
];

afterAll(killAll);

describe('an environment that cannot work', () => {
  it.each(cases)('stops $app when $when', async ({ app, env, names, alone }) => {
    const { code, output } = alone ? await AppProcess.runToEnd(app, env) : readIn(app, env);
    expect(output.match(/cannot start/g)).toHaveLength(1);
    expect(output).not.toMatch(/^\s+at /m);
    // Messages of zod name a rule and not what the variable may be.
    expect(output).not.toMatch(/Invalid (option|input)|Too (small|big)/);
    const problems = [...output.matchAll(/^ {2}- (\w+): \S/gm)].map(([, name]) => name);
    expect([...problems].sort()).toEqual([...names].sort());
    for (const value of ['zq7', 'kx93']) expect(output).not.toContain(value);
    expect(code).toBe(1);
  });
});

describe('SIGTERM', () => {
  it.each<AppName>(['auth-server', 'orders', 'notifications'])(
    'stops %s within 5 s, with code 0',
    async (name) => {
      const database = await createSystemDatabase();
      const app = await AppProcess.start(name, { ...database.env, JWKS_URL: 'http://127.0.0.1:9/jwks.json' });
      // A browser's idle connection must not hold the server.
      await fetch(`${app.url}/health/live`, { headers: { connection: 'keep-alive' } });
      const { code, signal, stoppedWithinMs } = await app.stop();
      await database.close();
      expect([code, signal]).toEqual([0, null]);
      expect(stoppedWithinMs).toBeLessThan(5000);
    },
    60_000,
  );

  it.each<AppName>(['auth-server', 'orders'])(
    'a second time ends %s at once, whatever it was waiting for',
    async (name) => {
      const database = await createSystemDatabase();
      const env = { JWKS_URL: 'http://127.0.0.1:9/jwks.json', SHUTDOWN_DELAY_SECONDS: '60' };
      const app = await AppProcess.start(name, { ...database.env, ...env });
      const first = app.stop();
      await until('it drains', 2000, async () => {
        const { status } = await fetch(`${app.url}/health/ready`);
        expect((await fetch(`${app.url}/health/live`)).status).toBe(200);
        return status === 503 || undefined;
      });
      const { code, stoppedWithinMs } = await app.stop();
      await Promise.all([first, database.close()]);
      expect(code).toBe(143);
      expect(stoppedWithinMs).toBeLessThan(5000);
    },
    60_000,
  );
});
