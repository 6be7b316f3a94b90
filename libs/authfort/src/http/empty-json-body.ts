import type { IncomingHttpHeaders } from 'node:http';

interface FastifyRequest {
  readonly headers: IncomingHttpHeaders;
  /** `url`: the pattern of the route, a global prefix included; undefined where there is none. */
  readonly routeOptions: { readonly url?: string };
}

/** The part of a Fastify instance that is used here. */
export interface RequestHooks {
  addHook(
    name: 'onRequest',
    hook: (request: FastifyRequest, reply: unknown, done: () => void) => void,
  ): unknown;
}

/**
 * A refresh or a logout by cookie has no body, but many clients announce JSON all the same. Express takes that for no body, Fastify
 * for bad JSON. Without the announcement both agree.
 */
export function acceptEmptyJsonBodies(fastify: RequestHooks, routePrefix: string): void {
  fastify.addHook('onRequest', ({ headers, routeOptions }, _reply, done) => {
    if (headers['content-type'] !== undefined && routeOptions.url?.includes(`/${routePrefix}/`))
      dropAnnouncement(headers);
    done();
  });
}

function dropAnnouncement(headers: IncomingHttpHeaders): void {
  const empty = headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0';
  // No other type: a form's is a reason to refuse the request.
  if (empty && /^\s*application\/json\b/i.test(headers['content-type'] ?? '')) delete headers['content-type'];
}
