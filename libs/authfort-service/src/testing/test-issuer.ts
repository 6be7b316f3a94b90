import { createHash, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestRevocation, TestRevocationFeed } from './test-revocation-feed.js';

/** Answers a request in place of the issuer: to play an outage, or nonsense. */
export type TestIssuerHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** What kind of issuer {@link createTestIssuer} starts. */
export interface TestIssuerOptions {
  /** How tokens are signed. Default `RS256`, as AuthFort's; keys for `ES256` are made a hundred times quicker. */
  readonly algorithm?: 'RS256' | 'ES256';
}

interface TestKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** The secret that {@link TestIssuer} wants at its introspection endpoint and at its revocation feed. */
export const TEST_INTROSPECT_SECRET = 'introspection secret for tests';

const ENDPOINTS: Record<string, 'introspect' | 'revocations' | 'revocationStreams'> = {
  '/introspect': 'introspect',
  '/revocations': 'revocations',
  '/revocations/stream': 'revocationStreams',
};

/**
 * A real issuer on a free local port: a JWKS, an introspection endpoint, a revocation feed, and tokens as AuthFort signs them. With it an app's guarded
 * routes are tested as they are, with no mock: `ServiceAuthModule.forRoot(issuer.jwksUrl)` and `issuer.sign({ roles: ['admin'] })`.
 */
export class TestIssuer {
  /** How often each endpoint was asked. */
  readonly requests = { jwks: 0, introspect: 0, revocations: 0, revocationStreams: 0 };
  /** Takes every request while it is set. */
  respondWith: TestIssuerHandler | undefined;
  /** What introspection says over the token's own claims, by `sub`: for example fresh roles, or permissions. */
  readonly introspected = new Map<string, Record<string, unknown>>();
  private readonly revoked = new Set<string>();
  private readonly feed = new TestRevocationFeed();
  private keys: TestKey[] = [];
  private server: Server | undefined;
  private port = 0;

  private constructor(private readonly algorithm: 'RS256' | 'ES256') {}

  /** Makes a key and listens. */
  static async start({ algorithm = 'RS256' }: TestIssuerOptions = {}): Promise<TestIssuer> {
    const issuer = new TestIssuer(algorithm);
    issuer.rotate();
    await issuer.listen();
    return issuer;
  }

  /** Base URL. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get jwksUrl(): string {
    return `${this.url}/.well-known/jwks.json`;
  }

  get introspectUrl(): string {
    return `${this.url}/introspect`;
  }

  get revocationsUrl(): string {
    return `${this.url}/revocations`;
  }

  /** The key that signs. */
  get currentKey(): { readonly kid: string; readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
    return this.keys.at(-1)!;
  }

  /** Listens, again after {@link stop}: on the same port. */
  async listen(): Promise<void> {
    this.server = createServer((request, response) => this.answer(request, response));
    await new Promise<void>((resolve) => this.server!.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
  }

  /** Stops listening, also to clients that are connected. */
  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve) ?? resolve(undefined));
  }

  /** Signs with a new key from now on; the old ones stay published. @returns its kid */
  rotate(): string {
    const { privateKey, publicKey } =
      this.algorithm === 'RS256'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const kid = createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest('base64url');
    this.keys.push({ kid, privateKey, publicKey });
    return kid;
  }

  /** Takes a key out of the JWKS. */
  removeKey(kid: string): void {
    this.keys = this.keys.filter((key) => key.kid !== kid);
  }

  /**
   * Signs an access token of a made-up user with a verified e-mail address, valid for 15 minutes. It has no `permissions` unless they are given.
   * @param claims over the usual ones; `undefined` takes a claim out
   * @param header over the usual one
   */
  sign(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}): string {
    const { kid, privateKey } = this.currentKey;
    const now = Math.floor(Date.now() / 1000);
    const usual = {
      iss: 'authfort',
      sub: randomUUID(),
      email: 'user@example.com',
      name: 'Test User',
      roles: [],
      ver: 0,
      sid: randomUUID(),
      jti: randomUUID(),
      client_id: 'authfort',
      mfa_enabled: false,
      email_verified: true,
      acr: 'urn:authfort:acr:1fa',
      amr: ['pwd'],
      auth_time: now,
      iat: now,
      exp: now + 900,
    };
    const input = [
      { alg: this.algorithm, kid, typ: 'at+jwt', ...header },
      { ...usual, ...claims },
    ]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
    return `${input}.${sign('sha256', Buffer.from(input), key).toString('base64url')}`;
  }

  /**
   * Introspection says inactive from now on, and the feed tells it at once.
   * @param what a token, whose session then ends; or a session, the tokens of a user below a version, or a key
   */
  revoke(what: string | TestRevocation): void {
    if (typeof what !== 'string') return this.feed.add(what);
    this.revoked.add(what);
    const { sid } = claimsOf(what);
    if (sid !== undefined) this.feed.add({ sid });
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? '/', this.url);
    const endpoint = ENDPOINTS[pathname] ?? 'jwks';
    this.requests[endpoint] += 1;
    if (this.respondWith) this.respondWith(request, response);
    else if (endpoint === 'jwks') json(response, 200, { keys: this.keys.map(toJwk) });
    else if (request.headers.authorization !== `Bearer ${TEST_INTROSPECT_SECRET}`) json(response, 401, {});
    else if (endpoint === 'introspect') this.introspect(request, response);
    else if (endpoint === 'revocations') this.feed.list(request, response);
    else this.feed.stream(request, response);
  }

  private introspect(request: IncomingMessage, response: ServerResponse): void {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const token = new URLSearchParams(body).get('token') ?? '';
      const claims = claimsOf(token);
      if (this.revoked.has(token) || this.feed.ended(claims)) return json(response, 200, { active: false });
      json(response, 200, {
        // AuthFort always says what is permitted, also where the token does not.
        permissions: [],
        ...claims,
        token_version: claims.ver,
        active: true,
        token_type: 'Bearer',
        ...this.introspected.get(claims.sub),
      });
    });
  }
}

/** Starts a {@link TestIssuer}. */
export function createTestIssuer(options?: TestIssuerOptions): Promise<TestIssuer> {
  return TestIssuer.start(options);
}

function claimsOf(token: string): { sub: string; ver: number; sid?: string } {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as ReturnType<
    typeof claimsOf
  >;
}

function toJwk({ kid, publicKey }: TestKey): Record<string, unknown> {
  const alg = publicKey.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256';
  return { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg };
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
