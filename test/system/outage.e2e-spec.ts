import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from './address.js';
import { AppProcess, type Environment, killAll } from './app-process.js';
import { post, request, signUp } from './client.js';
import { createSystemDatabase, type SystemDatabase } from './database.js';

const SECRET = 'introspection-secret-of-the-outage';

let database: SystemDatabase;
let authEnv: Environment;
let ordersEnv: Environment;
let auth: AppProcess;
let known: AppProcess;
let token: string;

beforeAll(async () => {
  database = await createSystemDatabase();
  authEnv = {
    ...database.env,
    INTROSPECT_SECRET: SECRET,
    KEY_ENCRYPTION_SECRET: 'key-encryption-secret-of-the-outage',
  };
  auth = await AppProcess.start('auth-server', authEnv);
  ordersEnv = {
    JWKS_URL: `${auth.url}/.well-known/jwks.json`,
    JWKS_COOLDOWN_SECONDS: '1',
    INTROSPECT_SECRET: SECRET,
  };
  known = await AppProcess.start('orders', ordersEnv);
  token = (await signUp(auth.url)).accessToken;
  expect(await list(known)).toMatchObject({ status: 200 });
  await auth.stop();
}, 120_000);

afterAll(async () => {
  await killAll();
  await database?.close();
});

function list(orders: AppProcess) {
  return request(`${orders.url}/api/orders`, { bearer: token });
}

// One after the other: the auth server is down at first and comes back in the last test.
describe('while the auth server is down', () => {
  it('a service that knows the keys serves on', async () => {
    await expect(request(auth.url)).rejects.toThrow('fetch failed');
    for (let count = 0; count < 20; count += 1) expect((await list(known)).status).toBe(200);
    expect((await request(`${known.url}/health/ready`)).status).toBe(200);
  });

  it('a token of a key that nobody knows is not called invalid, for it may be good', async () => {
    const [header, payload, signature] = token.split('.');
    const fields = JSON.parse(Buffer.from(header!, 'base64url').toString()) as object;
    const other = Buffer.from(JSON.stringify({ ...fields, kid: 'not-known' })).toString('base64url');
    const ask = () => request(`${known.url}/api/orders`, { bearer: [other, payload, signature].join('.') });
    // Until the cool-down after the last good fetch is over, the keys of that fetch are taken for all there are.
    await until('the outage is noticed', 5000, async () => (await ask()).status === 503 || undefined);
    expect(await ask()).toMatchObject({ status: 503, body: { error: 'keys_unavailable' } });
    expect((await list(known)).status).toBe(200);
  });

  it('a route that asks the auth server refuses, and says that it is not the token', async () => {
    const answer = await post(`${known.url}/api/orders/1/refund`, undefined, { bearer: token });
    expect(answer).toMatchObject({ status: 503, body: { error: 'introspection_unavailable' } });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('a service that starts now answers 503, and by itself 200 once the auth server is back', async () => {
    const late = await AppProcess.start('orders', ordersEnv);
    const refused = await list(late);
    expect(refused).toMatchObject({ status: 503, body: { statusCode: 503, error: 'keys_unavailable' } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(refused.headers.get('www-authenticate')).toBeNull();
    expect(await request(`${late.url}/health/ready`)).toMatchObject({ status: 503 });
    expect((await request(`${late.url}/health/live`)).status).toBe(200);

    auth = await AppProcess.start('auth-server', authEnv, auth.port);
    await until(
      'the late service serves',
      10_000,
      async () => (await list(late)).status === 200 || undefined,
    );
    expect((await request(`${late.url}/health/ready`)).status).toBe(200);
    expect(late.alive).toBe(true);
    expect((await list(known)).status).toBe(200);
  }, 60_000);
});
