import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import type { INestApplication, Type } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Clock, corsFor, fastifyOptions } from 'authfort-service';
import { build } from 'esbuild';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { AppModule as NotificationsModule } from '../../apps/notifications/src/app.module.js';
import { readEnv as readNotificationsEnv } from '../../apps/notifications/src/env.js';
import { AppModule as OrdersModule } from '../../apps/orders/src/app.module.js';
import { readEnv as readOrdersEnv } from '../../apps/orders/src/env.js';
import { INTROSPECT_SECRET, startServer, type TestServer } from '../../libs/authfort/test/harness.js';
import { freePort } from '../system/address.js';
import { Edge, type Handler } from './edge.js';

const ROOT = resolve(import.meta.dirname, '../..');
const CHROMIUM = process.env.CHROMIUM || '/usr/bin/chromium';
const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const APP = 'https://app.shop.test';
export const AUTH = 'https://auth.shop.test/auth';
export const ORDERS = 'https://orders.shop.test';
export const NOTIFICATIONS = 'https://notifications.shop.test';
/** A host below the same parent domain that is not one of ours. */
export const SIBLING = 'https://blog.shop.test';
export const FOREIGN = 'https://evil.test';
/** Of an access token, and the tolerance for clocks that differ (seconds). */
export const LIFETIME = 900 + 6;

/** The recipe on subdomains of one parent domain, over TLS, and a browser that finds it there. */
export interface Stage {
  readonly auth: TestServer;
  readonly edge: Edge;
  /** A browser with no cookies. */
  newDevice(options?: Parameters<Browser['newContext']>[0]): Promise<BrowserContext>;
  close(): Promise<void>;
}

/** Starts the servers in this process, so that their clock can be moved; the page is served by its own. */
export async function setStage(): Promise<Stage> {
  if (!existsSync(CHROMIUM)) {
    throw new Error(`There is no Chromium at ${CHROMIUM}: install it (apt install chromium) or set CHROMIUM`);
  }
  const auth = await startServer({
    options: { cookie: { domain: '.shop.test' }, corsOrigins: [APP], frontendUrl: APP },
  });
  const env = { JWKS_URL: `${auth.url}/.well-known/jwks.json`, CORS_ORIGINS: APP, INTROSPECT_SECRET };
  const services = [
    await startService(OrdersModule.forEnv(readOrdersEnv(env)) as never, auth.clock),
    await startService(NotificationsModule.forEnv(readNotificationsEnv(env)) as never, auth.clock),
  ];
  const [orders, notifications] = services.map(portOf) as [number, number];
  const web = await startWeb();
  const client = await bundleClient();
  const edge = await Edge.start(
    new Map<string, number | Handler>([
      [new URL(AUTH).host, Number(new URL(auth.url).port)],
      [new URL(ORDERS).host, orders],
      [new URL(NOTIFICATIONS).host, notifications],
      [new URL(APP).host, web.port],
      [`${new URL(APP).host}/empty`, blankPage],
      [new URL(SIBLING).host, blankPage],
      [new URL(FOREIGN).host, blankPage],
    ]),
  );
  const hosts = ['*.shop.test', '*.test']
    .map((pattern) => `MAP ${pattern} 127.0.0.1:${edge.port}`)
    .join(', ');
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    chromiumSandbox: process.getuid?.() !== 0,
    args: [...QUIET, `--host-resolver-rules=${hosts}`],
  });
  return {
    auth,
    edge,
    newDevice: async (options) => {
      const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
      // The client alone, without the demo page: `authfort.createAuthClient(…)` on an empty page of the app's origin.
      await context.addInitScript({ content: client });
      return context;
    },
    close: async () => {
      await browser.close();
      await edge.close();
      web.child.kill();
      for (const service of services) await service.close();
      await auth.close();
    },
  };
}

/** Opens a tab of the app with a client in it, as `window.auth`; `window.states` lists what became of its state. */
export async function openTab(context: BrowserContext, tokenMode: 'cookie' | 'bearer'): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${APP}/empty`);
  await page.evaluate(
    ([baseUrl, mode]) => {
      const { createAuthClient, webStorage } = window.authfort;
      window.auth = createAuthClient({ baseUrl, tokenMode: mode, tokenStorage: webStorage() });
      window.states = [];
      window.auth.onAuthStateChange((state) => window.states.push(state));
    },
    [AUTH, tokenMode] as const,
  );
  return page;
}

declare global {
  interface Window {
    authfort: typeof import('authfort-client');
    auth: import('authfort-client').AuthClient;
    states: string[];
  }
}

const blankPage: Handler = (_, response) => {
  response.writeHead(200, { 'content-type': 'text/html' });
  response.end('<!doctype html><title>Another site</title>');
};

async function startService(module: Type, clock: Clock): Promise<INestApplication> {
  const testing = await Test.createTestingModule({ imports: [module] })
    .overrideProvider(Clock)
    .useValue(clock)
    .compile();
  const app = testing.createNestApplication(new FastifyAdapter(fastifyOptions), {
    logger: ['error', 'fatal'],
  });
  app.use(corsFor([APP]));
  await app.listen(0, '127.0.0.1');
  return app;
}

function portOf(app: INestApplication): number {
  return (app.getHttpServer() as { address(): AddressInfo }).address().port;
}

async function startWeb(): Promise<{ port: number; child: ChildProcess }> {
  await import('../../apps/web/build.mjs' as string);
  const port = await freePort();
  const child = spawn(process.execPath, [join(ROOT, 'apps/web/serve.mjs')], {
    env: {
      PATH: process.env.PATH,
      PORT: String(port),
      AUTH_URL: new URL(AUTH).origin,
      ORDERS_URL: ORDERS,
      NOTIFICATIONS_URL: NOTIFICATIONS,
    },
    stdio: 'inherit',
  });
  return { port, child };
}

async function bundleClient(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, 'libs/authfort-client/src/index.ts')],
    bundle: true,
    format: 'iife',
    globalName: 'authfort',
    write: false,
  });
  // `var` of an init script is not a property of the window.
  return `${outputFiles[0]!.text}\nwindow.authfort = authfort;`;
}
