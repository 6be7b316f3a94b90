import type { Readable } from 'node:stream';
import { bodyFraming, dropJsonType, type FramedRequest } from 'authfort-service';
import { authError } from '../errors/catalog.js';

interface FastifyRequest {
  readonly raw: FramedRequest;
}

type Done = (error?: Error | null, payload?: Readable) => void;
type ParsingHook = (request: FastifyRequest, reply: unknown, payload: Readable, done: Done) => void;

/** The options of a Fastify route that are used here. */
interface RouteOptions {
  /** The pattern, a global prefix included. */
  readonly url: string;
  readonly method: string | readonly string[];
  preParsing?: ParsingHook | ParsingHook[];
}

/** The part of a Fastify instance that is used here. */
export interface RouteHooks {
  addHook(name: 'onRoute', hook: (route: RouteOptions) => void): unknown;
}

const BODILESS = /^(GET|HEAD|OPTIONS)$/;

/**
 * Makes the routes below the prefix agree with Express on requests without a body: an announced JSON body that is empty is no body.
 * A refresh or a logout by cookie is such a request. Has to be called before the routes are made; routes of the app stay as they are.
 */
export function acceptEmptyJsonBodies(fastify: RouteHooks, routePrefix: string): void {
  fastify.addHook('onRoute', (route) => {
    const methods = [route.method].flat();
    if (!route.url.includes(`/${routePrefix}/`) || methods.every((method) => BODILESS.test(method))) return;
    route.preParsing = [route.preParsing ?? [], announceOnlyBodies].flat();
  });
}

/** Runs before the body is parsed. It awaits the first piece of a body of unknown length. */
const announceOnlyBodies: ParsingHook = ({ raw }, _reply, payload, done) => {
  const framing = bodyFraming(raw);
  if (framing === 'empty') dropJsonType(raw.headers);
  if (framing !== 'unknown') return done(null, payload);
  whenBegun(payload, (state) => {
    if (state === 'aborted') return done(authError('bad_request'));
    if (state === 'empty') {
      dropJsonType(raw.headers);
      delete raw.headers['transfer-encoding'];
    } else if (raw.stream && raw.headers['content-type'] === undefined) {
      // Over HTTP/2, Fastify would discard this body: it looks for the headers of HTTP/1.1.
      return done(authError('unsupported_media_type'));
    }
    done(null, payload);
  });
};

function whenBegun(payload: Readable, tell: (state: 'begun' | 'empty' | 'aborted') => void): void {
  if (payload.readableEnded) return tell('empty');
  const finish = (state: 'begun' | 'empty' | 'aborted') => {
    payload.off('readable', onReadable).off('error', onAbort).off('close', onAbort);
    tell(state);
  };
  // Node emits it with nothing to read at the end only.
  const onReadable = () => finish(payload.readableLength > 0 ? 'begun' : 'empty');
  const onAbort = () => finish('aborted');
  payload.on('readable', onReadable).on('error', onAbort).on('close', onAbort);
}
