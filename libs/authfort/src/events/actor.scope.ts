import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { AuthUser } from 'authfort-service';
import type { ClientInfo } from '../http/client-info.js';
import { ClientIp, type HttpRequest } from '../http/client-ip.js';
import { type Actor, actAs } from './actor.js';

/** A request of Express or Fastify, as Nest hands it to guards and controllers. */
type ActingRequest = HttpRequest & { readonly headers: IncomingHttpHeaders; readonly user?: AuthUser };

/** The part of a Fastify instance that is used here. */
export interface FastifyHooks {
  addHook(
    name: 'preHandler',
    hook: (request: ActingRequest, reply: unknown, done: () => void) => void,
  ): unknown;
}

/**
 * Runs each HTTP request in the name of its user, those to controllers of the app too: they may call `AuthFort`. An interceptor would do
 * it as well, and cost more than the rest of a short request: it makes Nest run every route through Observables.
 */
@Injectable()
export class ActorScope {
  constructor(private readonly clientIp: ClientIp) {}

  /** Behind Fastify's body parser, which loses the context of a request. */
  addTo(fastify: FastifyHooks): void {
    fastify.addHook('preHandler', (request, _reply, done) => this.run(request, done));
  }

  /** For Express. */
  get middleware(): (request: IncomingMessage, response: ServerResponse, next: () => void) => void {
    return (request, _response, next) => this.run(request, next);
  }

  private run(request: ActingRequest, next: () => void): void {
    actAs(new RequestActor(request, this.clientIp), next);
  }
}

/** Most requests never ask for it, so it is made when one does. By then the guards have run, and the user is known. */
class RequestActor implements Actor {
  private known: ClientInfo | undefined;

  constructor(
    private readonly request: ActingRequest,
    private readonly clientIp: ClientIp,
  ) {
    // A socket remembers the address that it was asked for; of one that is closed it cannot be had any more.
    void ('raw' in request ? request.raw : request).socket.remoteAddress;
  }

  get userId(): string | null {
    return this.request.user?.sub ?? null;
  }

  get client(): ClientInfo {
    return (this.known ??= this.clientIp.info(this.request));
  }

  get languages(): string | null {
    return this.request.headers['accept-language']?.slice(0, 200) ?? null;
  }
}
