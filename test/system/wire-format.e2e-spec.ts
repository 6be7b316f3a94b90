import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AppProcess, killAll } from './app-process.js';
import { type Answer, logOut, newEmail, PASSWORD, post, request } from './client.js';
import { createSystemDatabase, type SystemDatabase } from './database.js';
import { type AuthResponse, expectPrivate, signUpRaw, TOKENS, userShape } from './wire-shapes.js';

let database: SystemDatabase;
let auth: string;

beforeAll(async () => {
  database = await createSystemDatabase();
  const server = await AppProcess.start('auth-server', {
    ...database.env,
    KEY_ENCRYPTION_SECRET: 'key-encryption-secret-of-the-wire',
  });
  auth = server.url;
}, 120_000);
afterAll(async () => {
  await killAll();
  await database?.close();
});

/** The two of the Python AuthFort, and the mark that tells a planted refresh cookie from ours. */
const COOKIES = ['access_token', 'refresh_token', '__Host-refresh_token-session'];

function cookiesOf({ headers }: Answer): string[] {
  return headers.getSetCookie();
}

/** `access_token=…; refresh_token=…`, as a browser would send them back. */
function cookieHeader(answer: Answer): string {
  return cookiesOf(answer)
    .map((line) => line.split(';')[0])
    .join('; ');
}

describe('a client of the Python AuthFort', () => {
  it('signs up: 201 and an AuthResponse', async () => {
    const email = newEmail();
    const fields = { name: 'Ada', phone: '+4912345678', avatar_url: 'https://example.com/ada.png' };
    const { answer, body } = await signUpRaw(auth, email, fields);
    expect(answer.status).toBe(201);
    expect(body).toEqual({ user: userShape(email, fields), tokens: TOKENS });
    expectPrivate(answer);
  });

  it('gets cookies that differ in their reach', async () => {
    const lines = cookiesOf((await signUpRaw(auth)).answer);
    const attributes = (name: string) =>
      lines
        .find((line) => line.startsWith(`${name}=`))
        ?.split('; ')
        .slice(1)
        .filter((attribute) => !attribute.startsWith('Expires='))
        .sort();
    expect(lines.map((line) => line.split('=')[0])).toEqual(COOKIES);
    expect(attributes('access_token')).toEqual([
      'HttpOnly',
      'Max-Age=900',
      'Path=/',
      'SameSite=Lax',
      'Secure',
    ]);
    expect(attributes('refresh_token')).toEqual([
      'HttpOnly',
      'Max-Age=2592000',
      'Path=/auth',
      'SameSite=Lax',
      'Secure',
    ]);
  });

  it('logs in: 200 and an AuthResponse of another session', async () => {
    const email = newEmail();
    const first = (await signUpRaw(auth, email)).body;
    const answer = await post(`${auth}/auth/login`, { email, password: PASSWORD });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ user: userShape(email, { id: first.user.id }), tokens: TOKENS });
    expect((answer.body as AuthResponse).user.session_id).not.toBe(first.user.session_id);
    expectPrivate(answer);
  });

  it.each(['body', 'cookie'])('refreshes by %s: 200, a new pair, the same session', async (by) => {
    const email = newEmail();
    const { answer: before, body } = await signUpRaw(auth, email);
    const answer =
      by === 'body'
        ? await post(`${auth}/auth/refresh`, { refresh_token: body.tokens.refresh_token })
        : await post(`${auth}/auth/refresh`, undefined, { cookie: cookieHeader(before) });
    expect(answer.status).toBe(200);
    const { id, session_id } = body.user;
    expect(answer.body).toEqual({ user: userShape(email, { id, session_id }), tokens: TOKENS });
    expect((answer.body as AuthResponse).tokens.refresh_token).not.toBe(body.tokens.refresh_token);
    expect(cookiesOf(answer).map((line) => line.split('=')[0])).toEqual(COOKIES);
    expectPrivate(answer);
  });

  it.each(['bearer', 'cookie'])('asks who it is by %s: 200 and a User', async (by) => {
    const email = newEmail();
    const { answer: before, body } = await signUpRaw(auth, email);
    const answer = await request(
      `${auth}/auth/me`,
      by === 'bearer' ? { bearer: body.tokens.access_token } : { cookie: cookieHeader(before) },
    );
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(body.user);
    expectPrivate(answer);
  });

  it.each(['body', 'cookie', 'unknown token', 'nothing'])(
    'logs out by %s: 204, cookies cleared',
    async (by) => {
      const { answer: before, body } = await signUpRaw(auth);
      const answer =
        by === 'cookie'
          ? await post(`${auth}/auth/logout`, undefined, { cookie: cookieHeader(before) })
          : by === 'nothing'
            ? await post(`${auth}/auth/logout`)
            : await logOut(auth, by === 'body' ? body.tokens.refresh_token : 'A'.repeat(43));
      expect([answer.status, answer.text]).toEqual([204, '']);
      expect(cookiesOf(answer).map((line) => line.split(';')[0])).toEqual(
        expect.arrayContaining(['access_token=', 'refresh_token=']),
      );
      for (const line of cookiesOf(answer)) expect(line).toMatch(/Max-Age=0|Expires=Thu, 01 Jan 1970/);
      const ended = by === 'body' || by === 'cookie';
      const me = await request(`${auth}/auth/me`, { bearer: body.tokens.access_token });
      expect(me.status).toBe(ended ? 401 : 200);
    },
  );
});
