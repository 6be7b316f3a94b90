import { AuthClientError, invalidResponse } from '../errors/auth-client.error.js';
import type { RequestOptions } from '../types.js';

/** Of a request to the auth server. */
export interface AuthRequest extends RequestOptions {
  readonly method?: 'GET' | 'POST';
  readonly body?: object;
  readonly token?: string | null;
}

/** Talks JSON with the auth server. @throws AuthClientError in any case but a good answer */
export type Transport = <T>(path: string, request?: AuthRequest) => Promise<T>;

/** @param baseUrl the routes' address, without a slash at its end */
export function createTransport(
  baseUrl: string,
  credentials: RequestCredentials,
  timeoutMs: number,
  send: typeof fetch,
): Transport {
  return async <T>(
    path: string,
    { method = 'POST', body = {}, token, signal }: AuthRequest = {},
  ): Promise<T> => {
    const controller = new AbortController();
    const abort = () => controller.abort();
    const timer = setTimeout(abort, timeoutMs);
    signal?.addEventListener('abort', abort);
    try {
      if (signal?.aborted) abort();
      const response = await send(baseUrl + path, {
        method,
        credentials,
        headers: {
          ...(method === 'POST' && { 'content-type': 'application/json' }),
          ...(token && { authorization: `Bearer ${token}` }),
        },
        ...(method === 'POST' && { body: JSON.stringify(body) }),
        signal: controller.signal,
      });
      return read(response, await response.text());
    } catch (cause) {
      if (cause instanceof AuthClientError) throw cause;
      const [message, code] = signal?.aborted
        ? ['The request was aborted', 'aborted']
        : controller.signal.aborted
          ? ['The auth server did not answer in time', 'timeout']
          : ['The auth server cannot be reached', 'network_error'];
      throw new AuthClientError(message!, code!, 0, undefined, { cause });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  };
}

/** @throws AuthClientError `invalid_base_url` */
export function checkedBaseUrl(baseUrl: string): string {
  if (/^(https?:\/)?\//i.test(baseUrl) && URL.canParse(baseUrl, 'http://localhost'))
    return baseUrl.replace(/\/+$/, '');
  throw new AuthClientError('baseUrl has to be a URL, or a path such as /auth', 'invalid_base_url', 0);
}

function read<T>(response: Response, text: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text || 'null');
  } catch {
    if (response.ok) throw invalidResponse(response.status);
  }
  if (!response.ok) throw refusal(response, json);
  return json as T;
}

interface ErrorBody {
  readonly error?: unknown;
  readonly message?: unknown;
  readonly detail?: unknown;
}

/** `{error, message}`, or `{detail: {error, message}}` of the Python AuthFort, or whatever a proxy says. */
function refusal(response: Response, json: unknown): AuthClientError {
  const { status, headers } = response;
  const body = (isObject(json) ? json : {}) as ErrorBody;
  const { error, message } = (isObject(body.detail) ? body.detail : body) as ErrorBody;
  // A date is possible here too (RFC 9110 §10.2.3): it is as good as none.
  const retryAfter = Number(headers.get('retry-after')) || undefined;
  if (typeof error === 'string' && /^\w+$/.test(error)) {
    return new AuthClientError(typeof message === 'string' ? message : error, error, status, retryAfter);
  }
  if (Array.isArray(body.detail))
    return new AuthClientError('Some fields are not valid', 'validation_error', status);
  if (status >= 500)
    return new AuthClientError('The auth server is not available', 'server_unavailable', status, retryAfter);
  return invalidResponse(status);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
