import { Logger } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import passport from 'passport';
import { Strategy } from 'passport-jwt';
import { accessError } from '../errors/access-errors.js';
import { STRATEGY_NAME } from './access-token.strategy.js';

/** The strategy of a module, and the app that it belongs to. */
export interface StrategyOwner {
  readonly strategy: Strategy;
  readonly adapterHost: HttpAdapterHost;
}

type Request = Parameters<Strategy['authenticate']>[0];

/** Weak: an app that was never closed can be collected. */
const owners = new Set<WeakRef<StrategyOwner>>();
let warned = false;

/**
 * Registers the strategy of a module. Passport's registry belongs to the process and keeps one strategy for each name. Therefore one
 * strategy is registered there, and it runs the strategy of the app that received the request.
 * @returns a function that removes it
 */
export function registerStrategy(owner: StrategyOwner): () => void {
  const reference = new WeakRef(owner);
  owners.add(reference);
  passport.use(STRATEGY_NAME, dispatcher);
  return () => owners.delete(reference);
}

const dispatcher: Strategy = Object.assign(Object.create(Strategy.prototype) as Strategy, {
  name: STRATEGY_NAME,
  authenticate(this: Strategy, request: Request, options?: unknown): void {
    const strategies = strategiesFor(request);
    if (strategies.length > 0) run(strategies, this, request, options);
    else {
      if (!warned) new Logger('ServiceAuth').warn(NO_STRATEGY);
      warned = true;
      this.fail(accessError('token_invalid'), 401);
    }
  },
});

const NO_STRATEGY = `AuthGuard('${STRATEGY_NAME}') refuses requests to an app without ServiceAuthModule, and requests that do not identify their app among several. Import ServiceAuthModule into each app`;

/** Passport runs a copy of a strategy that has the callbacks. All strategies have to accept: there are several if an app has several modules. */
function run(
  [strategy, ...rest]: readonly Strategy[],
  callbacks: Strategy,
  request: Request,
  options: unknown,
): void {
  const copy = Object.assign(Object.create(strategy!) as Strategy, callbacks);
  if (rest.length > 0) copy.success = () => run(rest, callbacks, request, options);
  copy.authenticate(request, options);
}

function strategiesFor(request: Request): Strategy[] {
  const present = [...owners].flatMap((reference) => {
    const owner = reference.deref();
    if (!owner) owners.delete(reference);
    return owner ?? [];
  });
  const apps = appsOf(request);
  // A request that an app made up, of a socket for example, does not show its app: it belongs to the only module of the process.
  const chosen =
    apps.length === 0 && present.length === 1 ? present : present.filter((owner) => owns(owner, apps));
  return chosen.map(({ strategy }) => strategy);
}

function owns({ adapterHost: { httpAdapter } }: StrategyOwner, apps: readonly object[]): boolean {
  if (!httpAdapter) return false;
  const instance = httpAdapter.getInstance<object>();
  const server = httpAdapter.getHttpServer() as object | undefined;
  // Fastify gives each plugin an instance that inherits from the one of the app.
  return apps.some(
    (app) => app === instance || app === server || Object.prototype.isPrototypeOf.call(instance, app),
  );
}

/** Objects that identify the app of a request: Express' `app` and its parent apps, Fastify's `server`, the server of the connection. */
function appsOf(request: Request): object[] {
  const { app, server, socket } = request as unknown as {
    app?: { parent?: object };
    server?: object;
    socket?: { server?: object };
  };
  const found: unknown[] = [server, socket?.server];
  for (let link = app; link; link = link.parent as typeof app) found.push(link);
  return found.filter(
    (value): value is object => ['object', 'function'].includes(typeof value) && value !== null,
  );
}
