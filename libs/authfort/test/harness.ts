import { randomUUID } from 'node:crypto';
import type { DynamicModule, INestApplication, Provider, Type } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuthFort, AuthFortModule, type AuthFortOptions } from 'authfort';
import {
  createTestDatabase,
  ManualClock,
  MemoryMail,
  settleOutbox,
  type TestDatabase,
} from 'authfort/testing';
import { Clock, fastifyOptions } from 'authfort-service';
import { DataSource } from 'typeorm';
import { PasswordHasher } from '../src/password/password-hasher.js';

export type Adapter = 'express' | 'fastify';
export const adapters: Adapter[] = ['express', 'fastify'];
export const INTROSPECT_SECRET = 'introspection-secret-of-the-tests';
export const PASSWORD = 'correct horse battery staple';

/** An answer, with the body read. */
export interface Answer {
  status: number;
  headers: Headers;
  // Bodies are looked into freely here; the assertions are the types.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
  text: string;
  /** `Set-Cookie` lines. */
  setCookies: string[];
  /** Name → value of the cookies set. */
  cookies: Record<string, string>;
}

export interface RequestOptions {
  method?: string;
  /** Sent as JSON. */
  json?: unknown;
  /** Sent as it is. */
  raw?: string | Uint8Array;
  headers?: Record<string, string | undefined>;
  bearer?: string;
  cookie?: string;
}

/** A running auth server with a database of its own. */
export interface TestServer {
  url: string;
  app: INestApplication;
  authfort: AuthFort;
  clock: ManualClock;
  dataSource: DataSource;
  database: TestDatabase;
  request(path: string, options?: RequestOptions): Promise<Answer>;
  post(path: string, json?: unknown, options?: RequestOptions): Promise<Answer>;
  /** Signs a new user up and returns the answer's body. */
  signUp(email?: string): Promise<SignedUp>;
  introspect(token: string): Promise<Answer>;
  mail: MemoryMail;
  /** Waits for all mails and durable events, and returns the text of the newest mail to the address. */
  mailTo(email: string): Promise<string>;
  /** The token of the link in the newest mail to the address. */
  tokenFor(email: string): Promise<string>;
  close(): Promise<void>;
}

export interface SignedUp {
  email: string;
  id: string;
  sessionId: string;
  accessToken: string;
  refreshToken: string;
}

export interface StartOptions {
  adapter?: Adapter;
  /** Fastify over HTTP/2 without TLS; the requests of this harness are HTTP/1.1. */
  http2?: boolean;
  /** Listen on this unix socket; `url` is of no use then. */
  socketPath?: string;
  options?: AuthFortOptions;
  /** Start on the database of another server. Close this one after that one. */
  replicaOf?: TestServer;
  clock?: ManualClock;
  controllers?: Type[];
  providers?: Provider[];
  /** Hash passwords at their real cost. Default: as cheaply as argon2id goes, since most suites are about something else. */
  realHashing?: boolean;
}

class QuickPasswordHasher extends PasswordHasher {
  protected override readonly settings = { memoryCost: 8, timeCost: 1, parallelism: 1 };
}

/** Starts an auth server on a free port; rate limits are off unless the options say otherwise. */
export async function startServer(start: StartOptions = {}): Promise<TestServer> {
  const database = start.replicaOf?.database ?? (await createTestDatabase());
  const clock = start.clock ?? start.replicaOf?.clock ?? new ManualClock();
  const mail = new MemoryMail();
  const app = await boot(database, clock, mail, start);
  const { port } = app.getHttpServer().address() as { port?: number };
  const url = `http://127.0.0.1:${port ?? 0}`;
  const request = (path: string, options?: RequestOptions) => send(url + path, options);
  const server: TestServer = {
    url,
    app,
    clock,
    mail,
    mailTo: async (email) => {
      await settleOutbox(app);
      return mail.last(email)?.text ?? '';
    },
    tokenFor: async (email) => /token=([\w-]+)/.exec(await server.mailTo(email))?.[1] ?? '',
    database,
    authfort: app.get(AuthFort),
    dataSource: app.get(DataSource),
    request,
    post: (path, json, options) => request(path, { method: 'POST', json, ...options }),
    signUp: (email) => signUp(server, email),
    introspect: (token) =>
      request('/introspect', {
        method: 'POST',
        raw: new URLSearchParams({ token }).toString(),
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          authorization: `Bearer ${INTROSPECT_SECRET}`,
        },
      }),
    close: async () => {
      await app.close();
      if (!start.replicaOf) await database.close();
    },
  };
  return server;
}

async function boot(
  database: TestDatabase,
  clock: ManualClock,
  mail: MemoryMail,
  start: StartOptions,
): Promise<INestApplication> {
  const builder = Test.createTestingModule({
    imports: [
      connectionTo(database, start.replicaOf),
      AuthFortModule.forRoot({
        introspectSecret: INTROSPECT_SECRET,
        keyEncryptionSecret: 'key-encryption-secret-of-the-tests',
        rateLimit: false,
        // An RSA key costs a quarter of a second; where the algorithm matters, the test says so.
        algorithm: 'ES256',
        frontendUrl: 'https://app.example.com',
        mail: { transport: mail, appName: 'Shop' },
        ...start.options,
      }),
    ],
    controllers: start.controllers ?? [],
    providers: start.providers ?? [],
  })
    .overrideProvider(Clock)
    .useValue(clock);
  if (!start.realHashing) builder.overrideProvider(PasswordHasher).useClass(QuickPasswordHasher);
  const module = await builder.compile();
  const adapter =
    start.adapter === 'express'
      ? new ExpressAdapter()
      : start.http2
        ? new FastifyAdapter({ ...fastifyOptions, http2: true })
        : new FastifyAdapter(fastifyOptions);
  const app = module.createNestApplication(adapter, { logger: ['error', 'fatal'] });
  if (start.socketPath === undefined) await app.listen(0, '127.0.0.1');
  else
    await app.listen(start.adapter === 'express' ? start.socketPath : ({ path: start.socketPath } as never));
  return app;
}

/** The connection of a server; the embedded database has a single one, which replicas share. */
export function connectionTo(database: TestDatabase, replicaOf?: TestServer): DynamicModule {
  const options = { ...database.options, autoLoadEntities: true, retryAttempts: 0 };
  if (!replicaOf || process.env.DATABASE_URL) return TypeOrmModule.forRoot(options);
  return TypeOrmModule.forRootAsync({
    useFactory: () => options,
    dataSourceFactory: () => Promise.resolve(replicaOf.dataSource),
  });
}

async function send(url: string, options: RequestOptions = {}): Promise<Answer> {
  const headers = Object.fromEntries(
    Object.entries(options.headers ?? {}).filter(([, value]) => value !== undefined),
  ) as Record<string, string>;
  if (options.json !== undefined) headers['content-type'] ??= 'application/json';
  if (options.bearer !== undefined) headers.authorization = `Bearer ${options.bearer}`;
  if (options.cookie !== undefined) headers.cookie = options.cookie;
  const response = await fetch(url, {
    method: options.method ?? 'GET',
    headers,
    body:
      options.raw !== undefined
        ? (options.raw as string)
        : options.json === undefined
          ? undefined
          : JSON.stringify(options.json),
    redirect: 'manual',
  });
  const text = await response.text();
  const setCookies = response.headers.getSetCookie();
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: parse(text),
    setCookies,
    cookies: Object.fromEntries(setCookies.map((line) => line.split(';')[0]!.split('=') as [string, string])),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function signUp(server: TestServer, email = `user-${randomUUID()}@example.com`): Promise<SignedUp> {
  const { status, body, text } = await server.post('/auth/signup', { email, password: PASSWORD });
  if (status !== 201) throw new Error(`sign-up failed: ${status} ${text}`);
  // Mails are sent side by side: what is asked for next must be the newest.
  await settleOutbox(server.app);
  return {
    email,
    id: body.user.id,
    sessionId: body.user.session_id,
    accessToken: body.tokens.access_token,
    refreshToken: body.tokens.refresh_token,
  };
}

/** The payload of a JWT, unverified. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
}

/** The header of a JWT. */
export function headerOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as Record<string, unknown>;
}
