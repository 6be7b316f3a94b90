import { execFile } from 'node:child_process';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ManualClock } from 'authfort/testing';
import { createTestIssuer } from 'authfort-service/testing';
import { auth } from 'express-oauth2-jwt-bearer';
import * as oauth from 'oauth4webapi';
import { forge } from '../forge.js';
import { claimsOf, headerOf, PASSWORD, type SignedUp, startServer, type TestServer } from '../harness.js';

const AUDIENCE = 'https://api.example.com';
const run = promisify(execFile);
const AUTHLIB = new URL('./authlib-verifier.py', import.meta.url).pathname;

/** Debian's python3-authlib belongs to /usr/bin/python3; another Python may come first in PATH. */
async function pythonWithAuthlib(): Promise<string | undefined> {
  for (const python of ['/usr/bin/python3', 'python3']) {
    const found = await run(python, ['-c', 'import authlib.jose']).catch(() => undefined);
    if (found) return python;
  }
  return undefined;
}
const python = await pythonWithAuthlib();

/** RFC 9068: with an audience, any verifier of the profile accepts the tokens without knowing AuthFort. */
describe.each(['RS256', 'ES256'] as const)('access tokens (%s) at other libraries', (algorithm) => {
  let front: Server;
  let server: TestServer;
  let issuer: string;
  let user: SignedUp;

  beforeAll(async () => {
    // The issuer is a URL whose port has to be known before the server starts.
    front = createServer((incoming, outgoing) => {
      const { method, url, headers } = incoming;
      const forwarded = httpRequest(server.url + url, { method, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(outgoing);
      });
      incoming.pipe(forwarded);
    });
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    issuer = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
    server = await startServer({
      clock: new ManualClock(new Date()),
      options: { issuer, audience: AUDIENCE, algorithm },
    });
    user = await server.signUp();
  });
  afterAll(async () => {
    front.closeAllConnections();
    await new Promise((resolve) => front.close(resolve));
    await server.close();
  });

  it('has the claims of RFC 9068 §2.2 and the header of §2.1', () => {
    expect(headerOf(user.accessToken)).toEqual({ alg: algorithm, kid: expect.any(String), typ: 'at+jwt' });
    expect(claimsOf(user.accessToken)).toMatchObject({
      iss: issuer,
      aud: AUDIENCE,
      sub: user.id,
      client_id: 'authfort',
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: expect.any(Number),
      auth_time: expect.any(Number),
      acr: 'urn:authfort:acr:1fa',
      amr: ['pwd'],
    });
  });

  it('express-oauth2-jwt-bearer in strict mode, by discovery', async () => {
    const check = auth({ issuerBaseURL: issuer, audience: AUDIENCE, strict: true });
    const present = async (token: string) => {
      const headers = { authorization: `Bearer ${token}` };
      const request = {
        headers,
        method: 'GET',
        protocol: 'http',
        url: '/',
        get: () => 'localhost',
        is: () => false,
      };
      const error = await new Promise((resolve) => void check(request as never, {} as never, resolve));
      return { error, request };
    };
    const { error, request } = await present(user.accessToken);
    expect(error).toBeUndefined();
    expect(request).toMatchObject({ auth: { payload: { sub: user.id, client_id: 'authfort' } } });
    // The claims of the profile are needed indeed.
    for (const claim of algorithm === 'RS256' ? ['client_id', 'jti', 'iat', 'aud', 'sub'] : []) {
      const incomplete = forge(server, user.accessToken, { claims: { [claim]: undefined } });
      expect([claim, (await present(incomplete)).error]).toEqual([
        claim,
        expect.objectContaining({ status: 401 }),
      ]);
    }
  });

  it('oauth4webapi: discovery, validateJwtAccessToken and introspection', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const identifier = new URL(issuer);
    const answer = await oauth.discoveryRequest(identifier, { algorithm: 'oauth2', ...insecure });
    const as = await oauth.processDiscoveryResponse(identifier, answer);
    const validate = (token: string, audience = AUDIENCE) =>
      oauth.validateJwtAccessToken(
        as,
        new Request('http://localhost/', { headers: { authorization: `Bearer ${token}` } }),
        audience,
        insecure,
      );
    expect(await validate(user.accessToken)).toMatchObject({ sub: user.id, client_id: 'authfort' });
    await expect(validate(user.accessToken, 'https://other.example.com')).rejects.toThrow();

    const secret = 'introspection-secret-of-the-tests';
    const client = { client_id: 'orders:1 + ä' };
    for (const authentication of [oauth.ClientSecretBasic(secret), oauth.ClientSecretPost(secret)]) {
      const response = await oauth.introspectionRequest(
        as,
        client,
        authentication,
        user.accessToken,
        insecure,
      );
      expect(await oauth.processIntrospectionResponse(as, client, response)).toMatchObject({
        active: true,
        sub: user.id,
        client_id: 'authfort',
        aud: AUDIENCE,
        iss: issuer,
      });
    }
    const refused = await oauth.introspectionRequest(
      as,
      client,
      oauth.ClientSecretBasic('wrong'),
      user.accessToken,
      insecure,
    );
    await expect(oauth.processIntrospectionResponse(as, client, refused)).rejects.toThrow(
      oauth.WWWAuthenticateChallengeError,
    );
  });

  const withAuthlib = python ? it : it.skip;
  withAuthlib(
    `Authlib${python ? '' : ' (skipped: no python3 with authlib; apt-get install python3-authlib)'}`,
    async () => {
      const verify = (token: string) => run(python!, [AUTHLIB, issuer, AUDIENCE, token]);
      expect(JSON.parse((await verify(user.accessToken)).stdout)).toMatchObject({
        sub: user.id,
        client_id: 'authfort',
      });
      await expect(verify(`${user.accessToken.slice(0, -4)}AAAA`)).rejects.toThrow(/bad_signature/);
      await expect(run(python!, [AUTHLIB, issuer, 'https://other', user.accessToken])).rejects.toThrow(/aud/);
    },
  );

  it('a refresh keeps acr and auth_time, and introspection says the same as the token', async () => {
    const before = claimsOf(user.accessToken);
    server.clock.advance(60);
    const refreshed = await server.post('/auth/refresh', { refresh_token: user.refreshToken });
    const token = refreshed.body.tokens.access_token as string;
    const after = claimsOf(token);
    for (const claim of ['acr', 'auth_time', 'client_id', 'sid', 'aud'])
      expect([claim, after[claim]]).toEqual([claim, before[claim]]);
    expect(after.iat).toBe((before.iat as number) + 60);
    const { iss, aud, sub, exp, iat, jti, sid, client_id, acr, auth_time } = after;
    expect((await server.introspect(token)).body).toEqual({
      active: true,
      email: user.email,
      email_verified: false,
      roles: [],
      token_version: 0,
      token_type: 'Bearer',
      ...{ iss, aud, sub, exp, iat, jti, sid, client_id, acr, auth_time },
    });
    server.clock.advance(-60);
  });

  it('takes acr from the session, never from amr', async () => {
    const signedIn = await server.signUp();
    await server.dataSource.query(`UPDATE authfort_sessions SET acr = 'urn:authfort:acr:mfa' WHERE id = $1`, [
      signedIn.sessionId,
    ]);
    const refreshed = await server.post('/auth/refresh', { refresh_token: signedIn.refreshToken });
    expect(claimsOf(refreshed.body.tokens.access_token)).toMatchObject({
      acr: 'urn:authfort:acr:mfa',
      amr: ['pwd'],
    });
    const login = await server.post('/auth/login', { email: signedIn.email, password: PASSWORD });
    expect(claimsOf(login.body.tokens.access_token).acr).toBe('urn:authfort:acr:1fa');
  });

  it('the issuer of authfort-service/testing signs the same claims', async () => {
    const tested = await createTestIssuer({ algorithm: 'ES256' });
    const claims = Object.keys(claimsOf(tested.sign({ aud: AUDIENCE }))).sort();
    await tested.stop();
    expect(claims).toEqual(Object.keys(claimsOf(user.accessToken)).sort());
  });
});
