import { AuthClientError, clientError, invalidResponse } from '../errors/auth-client.error.js';
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
    const post = method === 'POST';
    const late = AbortSignal.timeout(timeoutMs);
    try {
      const response = await send(baseUrl + path, {
        method,
        credentials,
        headers: {
          ...(post && { 'content-type': 'application/json' }),
          ...(token && { authorization: `Bearer ${token}` }),
        },
        ...(post && { body: JSON.stringify(body) }),
        // Browsers of before 2024 have no `any`: there the request goes on, unheard.
        signal: signal && AbortSignal.any ? AbortSignal.any([signal, late]) : late,
      });
      return read(response, await response.text());
    } catch (cause) {
      if (cause instanceof AuthClientError) throw cause;
      throw clientError(signal?.aborted ? 'aborted' : late.aborted ? 'timeout' : 'network_error', cause);
    }
  };
}

/** @throws AuthClientError `invalid_base_url` */
export function checkedBaseUrl(baseUrl: string): string {
  if (/^(https?:\/)?\//i.test(baseUrl) && URL.canParse(baseUrl, 'http://invalid'))
    return baseUrl.replace(/\/+$/, '');
  throw clientError('invalid_base_url');
}

function read<T>(response: Response, text: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text || 'null');
  } catch {
    if (response.ok) throw invalidResponse();
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
function refusal({ status, headers }: Response, json: unknown): AuthClientError {
  const body = Object(json) as ErrorBody;
  const { error, message } = (isObject(body.detail) ? body.detail : body) as ErrorBody;
  const coded = typeof error === 'string' && /^\w+$/.test(error);
  const uncoded =
    status >= 500 ? 'server_unavailable' : status === 422 ? 'validation_error' : 'invalid_response';
  return new AuthClientError(
    coded ? String(message ?? error) : 'Check baseUrl',
    coded ? error : uncoded,
    status,
    // A date is possible here too (RFC 9110 §10.2.3): it is as good as none.
    Number(headers.get('retry-after')) || undefined,
  );
}

export function isObject(value: unknown): value is object {
  return Object(value) === value;
}
