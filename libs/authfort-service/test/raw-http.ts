import { request as http1Request } from 'node:http';
import { connect } from 'node:http2';

/** The answer to a raw request. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  /** The member `error` of a JSON body. */
  readonly error: string | undefined;
}

export interface RawRequest {
  readonly method?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string;
  /** HTTP/1.1: connect to this unix socket. */
  readonly socketPath?: string;
  /** HTTP/2: end the stream with the headers. Default: true without a body. */
  readonly endWithHeaders?: boolean;
}

const errorOf = (text: string): string | undefined => {
  try {
    return (JSON.parse(text) as { error?: string }).error;
  } catch {
    return undefined;
  }
};

/** A request over HTTP/1.1 with any `Host`, which `fetch` cannot send. Sends exactly the given headers. */
export function overHttp1(
  url: string,
  { method = 'POST', headers, body, socketPath }: RawRequest = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = http1Request(url, {
      method,
      headers,
      setHost: headers?.host === undefined,
      agent: false,
      socketPath,
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, error: errorOf(text) }),
      );
    });
    outgoing.end(body);
  });
}

/** A request over HTTP/2. No `content-length` is sent unless it is among the headers. */
export function overHttp2(
  url: string,
  { method = 'POST', headers, body, endWithHeaders = body === undefined }: RawRequest = {},
): Promise<RawAnswer> {
  const { origin, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const session = connect(origin);
    session.on('error', reject);
    const stream = session.request(
      { ':method': method, ':path': pathname + search, ...headers },
      { endStream: endWithHeaders },
    );
    let answered: RawAnswer['headers'] = {};
    let text = '';
    stream.setEncoding('utf8');
    stream.on('error', reject);
    stream.on('response', (found) => (answered = found as RawAnswer['headers']));
    stream.on('data', (chunk: string) => (text += chunk));
    stream.on('end', () => {
      session.close();
      resolve({ status: Number(answered[':status']), headers: answered, text, error: errorOf(text) });
    });
    if (!endWithHeaders) stream.end(body);
  });
}
