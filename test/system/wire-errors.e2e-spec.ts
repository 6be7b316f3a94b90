import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AppProcess, killAll } from './app-process.js';
import { type Answer, newEmail, PASSWORD, post, request, signUp } from './client.js';
import { createSystemDatabase, type SystemDatabase } from './database.js';

let database: SystemDatabase;
let auth: string;

beforeAll(async () => {
  database = await createSystemDatabase();
  const env = { ...database.env, KEY_ENCRYPTION_SECRET: 'key-encryption-secret-of-the-errors' };
  auth = (await AppProcess.start('auth-server', env)).url;
}, 120_000);
afterAll(async () => {
  await killAll();
  await database?.close();
});

/** Nest's own shape with a machine code in `error`; `details` on 422 and nowhere else. */
function expectError(answer: Answer, statusCode: number, error: string): void {
  const shape: Record<string, unknown> = { statusCode, error, message: expect.any(String) };
  if (statusCode === 422) {
    shape.details = expect.arrayContaining([{ field: expect.any(String), message: expect.any(String) }]);
  }
  expect([answer.status, answer.body]).toEqual([statusCode, shape]);
}

describe('errors on the wire', () => {
  it('of sign-up', async () => {
    const signUpWith = (json: unknown) => post(`${auth}/auth/signup`, json);
    const { email } = await signUp(auth);
    expectError(await signUpWith({ email, password: PASSWORD }), 409, 'user_exists');
    expectError(await signUpWith({ email: 'nobody', password: PASSWORD }), 400, 'invalid_email');
    expectError(await signUpWith({ email: newEmail(), password: 'short' }), 400, 'password_too_short');
    expectError(await signUpWith({ email: newEmail() }), 422, 'validation_error');
    const headers = { 'content-type': 'application/json' };
    const broken = await fetch(`${auth}/auth/signup`, { method: 'POST', headers, body: '{"email":' });
    expect([broken.status, await broken.json()]).toEqual([
      400,
      { statusCode: 400, error: 'invalid_json', message: expect.any(String) },
    ]);
  });

  it('of log-in: the same for a wrong password and for nobody', async () => {
    const { email } = await signUp(auth);
    const wrong = await post(`${auth}/auth/login`, { email, password: 'not the password' });
    const nobody = await post(`${auth}/auth/login`, { email: newEmail(), password: PASSWORD });
    expectError(wrong, 401, 'invalid_credentials');
    expect(nobody.text).toBe(wrong.text);
  });

  it('of refreshing', async () => {
    const refreshWith = (json: unknown) => post(`${auth}/auth/refresh`, json);
    expectError(await refreshWith({}), 401, 'refresh_token_missing');
    expectError(await refreshWith({ refresh_token: 'A'.repeat(43) }), 401, 'refresh_token_invalid');
  });

  it('of a guarded route, with the challenge of RFC 6750', async () => {
    const missing = await request(`${auth}/auth/me`);
    expectError(missing, 401, 'token_missing');
    expect(missing.headers.get('www-authenticate')).toMatch(/^Bearer(?!.*error=)/);
    const invalid = await request(`${auth}/auth/me`, { bearer: 'a.b.c' });
    expectError(invalid, 401, 'token_invalid');
    expect(invalid.headers.get('www-authenticate')).toMatch(/^Bearer .*error="invalid_token"/);
  });

  it('of introspection without a configured secret: there is no such route', async () => {
    const { accessToken } = await signUp(auth);
    const answer = await post(`${auth}/introspect`, undefined, { form: { token: accessToken } });
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ statusCode: 404 });
  });
});
