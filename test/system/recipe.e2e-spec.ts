import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AppProcess, killAll } from './app-process.js';
import {
  isActive,
  logIn,
  logOut,
  PASSWORD,
  post,
  refresh,
  request,
  type SignedIn,
  signUp,
} from './client.js';
import { createSystemDatabase, type SystemDatabase } from './database.js';

const SECRET = 'introspection-secret-of-the-recipe';
const ADMIN = { email: 'admin@example.com', password: 'an admin for the recipe' };

let database: SystemDatabase;
let auth: string;
let orders: string;
let notifications: string;
let user: SignedIn;
let apps: AppProcess[];

beforeAll(async () => {
  database = await createSystemDatabase();
  const server = await AppProcess.start('auth-server', {
    ...database.env,
    INTROSPECT_SECRET: SECRET,
    KEY_ENCRYPTION_SECRET: 'key-encryption-secret-of-the-recipe',
    DEMO_ADMIN_EMAIL: ADMIN.email,
    DEMO_ADMIN_PASSWORD: ADMIN.password,
  });
  const env = { JWKS_URL: `${server.url}/.well-known/jwks.json`, CORS_ORIGINS: 'https://app.example.com' };
  const services = await Promise.all([
    AppProcess.start('orders', { ...env, INTROSPECT_SECRET: SECRET }),
    AppProcess.start('notifications', env),
  ]);
  apps = [server, ...services];
  [auth, orders, notifications] = [server.url, services[0].url, services[1].url];
  user = await signUp(auth);
}, 120_000);

afterAll(async () => {
  await killAll();
  await database?.close();
});

async function firstOrder(of: SignedIn): Promise<string> {
  const { status, body } = await request(`${orders}/api/orders`, { bearer: of.accessToken });
  expect(status).toBe(200);
  return (body as { id: string }[])[0]!.id;
}

describe('orders', () => {
  it('lists by bearer token and by cookie, and for nobody else', async () => {
    const byBearer = await request(`${orders}/api/orders`, { bearer: user.accessToken });
    const byCookie = await request(`${orders}/api/orders`, { cookie: `access_token=${user.accessToken}` });
    expect([byBearer.status, byCookie.status]).toEqual([200, 200]);
    expect(byBearer.body).toHaveLength(2);
    expect(byCookie.body).toEqual(byBearer.body);
    const stranger = await request(`${orders}/api/orders`);
    expect(stranger).toMatchObject({ status: 401, body: { statusCode: 401, error: 'token_missing' } });
    const forged = await request(`${orders}/api/orders`, { bearer: `${user.accessToken.slice(0, -4)}AAAA` });
    expect(forged).toMatchObject({ status: 401, body: { error: 'token_invalid' } });
  });

  it('lets only an administrator delete', async () => {
    const url = `${orders}/api/orders/${await firstOrder(user)}`;
    const refused = await request(url, { method: 'DELETE', bearer: user.accessToken });
    expect(refused).toMatchObject({ status: 403, body: { error: 'insufficient_role' } });
    expect(refused.headers.get('www-authenticate')).toContain('error="insufficient_scope"');
    const admin = await logIn(auth, ADMIN.email, ADMIN.password);
    const done = await request(url, { method: 'DELETE', bearer: admin.accessToken });
    expect([done.status, done.text]).toEqual([204, '']);
    expect((await request(url, { method: 'DELETE', bearer: admin.accessToken })).status).toBe(404);
  });

  it('refunds, and refuses at once after a logout, which notifications is not told of', async () => {
    const leaver = await signUp(auth);
    const url = `${orders}/api/orders/${await firstOrder(leaver)}/refund`;
    const refunded = await post(url, undefined, { bearer: leaver.accessToken });
    expect(refunded).toMatchObject({ status: 200, body: { status: 'refunded' } });
    expect((await logOut(auth, leaver.refreshToken)).status).toBe(204);
    const refused = await post(url, undefined, { bearer: leaver.accessToken });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"');
    // The price of asking nobody, as the recipe says: the token lives on until it expires where nobody asks and nobody is told.
    expect((await request(`${notifications}/api/unread`, { bearer: leaver.accessToken })).status).toBe(200);
  });

  it('takes no order by cookie from a foreign site', async () => {
    const cookie = `access_token=${user.accessToken}`;
    const order = { item: 'Milk jug' };
    const from = (origin: string) =>
      post(`${orders}/api/orders`, order, { cookie, headers: { origin } }).then(({ status }) => status);
    expect(await from('https://evil.example')).toBe(403);
    expect(await from('https://app.example.com.evil.example')).toBe(403);
    expect(await from('https://app.example.com')).toBe(201);
    const byBearer = await post(`${orders}/api/orders`, order, {
      bearer: user.accessToken,
      headers: { origin: 'https://evil.example' },
    });
    expect(byBearer.status).toBe(201);
  });
});

describe('notifications', () => {
  it('shows what is unread, and less after it was read', async () => {
    const unread = () => request(`${notifications}/api/unread`, { bearer: user.accessToken });
    const before = (await unread()).body as { count: number; items: { id: string }[] };
    expect(before.count).toBe(2);
    const url = `${notifications}/api/notifications/${before.items[0]!.id}/read`;
    expect((await post(url, undefined, { bearer: user.accessToken })).status).toBe(204);
    expect((await unread()).body).toMatchObject({ count: 1, items: [before.items[1]] });
    expect((await post(url, undefined, { bearer: user.accessToken })).status).toBe(404);
  });
});

describe('the auth server', () => {
  it('calls a session active through three refreshes', async () => {
    let session = await signUp(auth);
    for (let round = 0; round < 3; round += 1) {
      session = await refresh(auth, session.refreshToken);
      expect(await isActive(auth, session.accessToken, SECRET)).toBe(true);
      expect((await request(`${orders}/api/orders`, { bearer: session.accessToken })).status).toBe(200);
    }
  });

  it('writes no token and no secret into a log, and neither do the services', () => {
    const secrets = [user.accessToken, user.refreshToken, SECRET, ADMIN.password, PASSWORD];
    for (const { output } of apps) {
      expect(output).toContain('successfully started');
      for (const secret of secrets) expect(output).not.toContain(secret);
    }
  });
});
