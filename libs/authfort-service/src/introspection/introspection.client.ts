import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { accessError } from '../errors/access-errors.js';
import { bearerHeader } from '../http/bearer-header.js';
import { textOf } from '../http/body-of.js';
import { OutgoingRequests } from '../http/outgoing-requests.js';
import { SERVICE_AUTH_CONFIG, type ServiceAuthConfig } from '../options/service-auth.config.js';
import { Clock } from '../token/clock.port.js';
import { type IntrospectionResult, readIntrospection } from './introspection-result.js';

const MAX_CACHED = 10_000;
/** Of an answer, in characters. */
const MAX_LENGTH = 256 * 1024;

interface Cached {
  readonly result: IntrospectionResult;
  /** Seconds since 1970. A clock set back to before it has made the entry's age unknown. */
  readonly since: number;
  /** Seconds since 1970. */
  readonly until: number;
}

/** Asks the auth server whether a token still holds (RFC 7662). Anything but a clear answer is a no: 503. */
@Injectable()
export class IntrospectionClient {
  private readonly cache = new Map<string, Cached>();

  constructor(
    @Inject(SERVICE_AUTH_CONFIG) private readonly config: ServiceAuthConfig,
    private readonly clock: Clock,
    private readonly outgoing: OutgoingRequests,
  ) {}

  /** Whether there is somebody to ask. */
  get configured(): boolean {
    return this.config.introspectUrl !== undefined;
  }

  /** @throws AuthFortError `introspection_unavailable` */
  async introspect(token: string): Promise<IntrospectionResult> {
    if (this.config.introspectCacheTtlSeconds === 0) return this.ask(token);
    const key = createHash('sha256').update(token).digest('base64url');
    const now = this.clock.now().getTime() / 1000;
    const cached = this.cache.get(key);
    if (cached && cached.since <= now && now < cached.until) return cached.result;
    const result = await this.ask(token);
    this.keep(key, result, now);
    return result;
  }

  private keep(key: string, result: IntrospectionResult, now: number): void {
    const until = now + this.config.introspectCacheTtlSeconds;
    this.cache.delete(key);
    // The oldest entry goes first: a Map keeps the order of insertion.
    if (this.cache.size >= MAX_CACHED) this.cache.delete(this.cache.keys().next().value!);
    this.cache.set(key, { result, since: now, until: result.active ? Math.min(until, result.exp) : until });
  }

  private async ask(token: string): Promise<IntrospectionResult> {
    const { introspectUrl, introspectSecret, httpTimeoutSeconds } = this.config;
    if (!introspectUrl || !introspectSecret)
      throw this.unavailable('introspectUrl and introspectSecret are not set');
    let body: unknown;
    try {
      body = await this.outgoing.run(httpTimeoutSeconds * 1000, (signal) =>
        post(introspectUrl, introspectSecret, token, signal),
      );
    } catch (error) {
      throw this.unavailable(error instanceof Error ? error.message : 'unknown reason');
    }
    const result = readIntrospection(body);
    if (!result) throw this.unavailable('the answer is no introspection response');
    return result;
  }

  private unavailable(reason: string): Error {
    return accessError('introspection_unavailable', { retryAfterSeconds: 2, cause: new Error(reason) });
  }
}

async function post(url: string, secret: string, token: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    // A redirect would send the secret and the token to another host.
    redirect: 'error',
    headers: { authorization: bearerHeader(secret), accept: 'application/json' },
    body: new URLSearchParams({ token }),
    signal,
  });
  if (response.status === 401)
    throw new Error('the auth server refuses introspectSecret; set the same secret on both sides');
  if (!response.ok) throw new Error(`the answer was ${response.status}`);
  return JSON.parse(await textOf(response, signal, MAX_LENGTH));
}
