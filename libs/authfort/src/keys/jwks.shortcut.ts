import type { IncomingHttpHeaders } from 'node:http';
import { Inject, Injectable } from '@nestjs/common';
import { AUTHFORT_CONFIG, type AuthFortConfig } from '../options/auth-fort.config.js';
import { KeyRing } from './key-ring.js';

interface FastifyRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** `url`: the pattern of the route, a global prefix included; undefined where there is none. */
  readonly routeOptions: { readonly url?: string };
}

interface FastifyReply {
  header(name: string, value: string): unknown;
  send(body: string): unknown;
}

/** The part of a Fastify instance that is used here. */
export interface DocumentHooks {
  addHook(
    name: 'onRequest',
    hook: (request: FastifyRequest, reply: FastifyReply, done: () => void) => void,
  ): unknown;
}

const PATH = '/.well-known/jwks.json';

/**
 * On Fastify, sends the JWKS as soon as the request has come: it is the same for everybody, so that guards, pipes and the scope of an actor
 * are work for nothing, and more of it than the answer itself. What is not plain (a condition, keys that are not there yet) is the
 * controller's, which stands behind it and says the same.
 */
@Injectable()
export class JwksShortcut {
  constructor(
    private readonly ring: KeyRing,
    @Inject(AUTHFORT_CONFIG) private readonly config: AuthFortConfig,
  ) {}

  addTo(fastify: DocumentHooks): void {
    const cacheControl = `public, max-age=${this.config.jwksMaxAgeSeconds}`;
    fastify.addHook('onRequest', ({ method, headers, routeOptions }, reply, done) => {
      const plain = routeOptions.url === PATH && method === 'GET' && headers['if-none-match'] === undefined;
      if (!plain || !this.ring.ready) return done();
      const { body, etag } = this.ring.jwks();
      reply.header('Cache-Control', cacheControl);
      reply.header('ETag', etag);
      reply.header('Content-Type', 'application/json; charset=utf-8');
      reply.send(body);
    });
  }
}
