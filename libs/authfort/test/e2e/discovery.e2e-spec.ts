import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { adapters, INTROSPECT_SECRET, startServer, type TestServer } from '../harness.js';

const PATH = '/.well-known/oauth-authorization-server';

describe.each(adapters)('authorization server metadata (RFC 8414), on %s', (adapter) => {
  const servers: TestServer[] = [];
  const start = async (options: Parameters<typeof startServer>[0]) => {
    const server = await startServer({ adapter, ...options });
    servers.push(server);
    return server;
  };
  let server: TestServer;
  beforeAll(async () => {
    server = await start({ options: { issuer: 'https://auth.example.com' } });
  });
  afterAll(async () => {
    for (const each of servers.reverse()) await each.close();
  });

  it('has every required member, and names nothing that is not there', async () => {
    const { status, headers, body } = await server.request(PATH);
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
    expect(body).toEqual({
      issuer: 'https://auth.example.com',
      jwks_uri: 'https://auth.example.com/.well-known/jwks.json',
      response_types_supported: ['none'],
      grant_types_supported: [],
      introspection_endpoint: 'https://auth.example.com/introspect',
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'Bearer'],
    });
  });
  it('is cacheable: max-age, ETag, 304, and HEAD', async () => {
    const { headers, text } = await server.request(PATH);
    expect(headers.get('cache-control')).toBe('public, max-age=3600');
    const etag = headers.get('etag')!;
    expect(etag).toMatch(/^"[\w-]+"$/);
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const repeated = await server.request(PATH, { headers: { 'if-none-match': tag } });
      expect([repeated.status, repeated.text, repeated.headers.get('etag')]).toEqual([304, '', etag]);
      expect(repeated.headers.get('cache-control')).toBe('public, max-age=3600');
    }
    expect((await server.request(PATH, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
    for (const path of [PATH, '/.well-known/jwks.json']) {
      const get = await server.request(path);
      const head = await server.request(path, { method: 'HEAD' });
      expect([head.status, head.text]).toEqual([200, '']);
      for (const name of ['content-type', 'cache-control', 'etag', 'content-length'])
        expect([name, head.headers.get(name)]).toEqual([name, get.headers.get(name)]);
    }
    expect(Number(headers.get('content-length'))).toBe(Buffer.byteLength(text));
  });
  it('is no OpenID Provider, and serves no part of such a document', async () => {
    for (const path of ['/.well-known/openid-configuration', `${PATH}/tenant`, `${PATH}/`]) {
      const answer = await server.request(path);
      // A trailing slash is the same route on Express and Fastify's default, or none: never another document.
      if (answer.status !== 404)
        expect([path, answer.body.issuer]).toEqual([`${PATH}/`, 'https://auth.example.com']);
    }
    expect((await server.request('/.well-known/openid-configuration')).status).toBe(404);
    expect((await server.request(`${PATH}/tenant`)).status).toBe(404);
  });
  it('is at the place of RFC 8414 §3.1 for an issuer with a path, and its URLs lead somewhere', async () => {
    const tenant = await start({ replicaOf: server, options: { issuer: 'https://example.com/a/tenant/' } });
    const { status, body } = await tenant.request(`${PATH}/a/tenant`);
    expect([status, body.issuer]).toEqual([200, 'https://example.com/a/tenant/']);
    const named = (url: string) => url.replace('https://example.com', '');
    expect((await tenant.request(named(body.jwks_uri))).body.keys.length).toBeGreaterThan(0);
    const { accessToken } = await tenant.signUp();
    const introspected = await tenant.post(
      named(body.introspection_endpoint),
      { token: accessToken },
      { headers: { authorization: `Bearer ${INTROSPECT_SECRET}` } },
    );
    expect(introspected.body).toMatchObject({ active: true, iss: 'https://example.com/a/tenant/' });
    expect((await tenant.request(`${PATH}/a/tenant`, { method: 'HEAD' })).status).toBe(200);
    for (const other of ['', '/a', '/a/tenant/b', '/a/other', '/A/tenant'])
      expect([other, (await tenant.request(PATH + other)).status]).toEqual([other, 404]);
  });
  it('names no introspection where there is none, and is not served unless the issuer is a URL', async () => {
    const plain = await start({
      replicaOf: server,
      options: { issuer: 'http://localhost:8000', introspectSecret: undefined },
    });
    const { body } = await plain.request(PATH);
    expect(Object.keys(body)).not.toContain('introspection_endpoint');
    expect(Object.keys(body)).not.toContain('introspection_endpoint_auth_methods_supported');
    const text = await start({ replicaOf: server, options: { issuer: 'authfort' } });
    for (const path of [PATH, `${PATH}/authfort`, '/.well-known/openid-configuration'])
      expect((await text.request(path)).status).toBe(404);
  });
});
