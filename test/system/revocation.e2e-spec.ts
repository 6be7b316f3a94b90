import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from './address.js';
import { AppProcess, type Environment, killAll } from './app-process.js';
import { logIn, logOut, post, refresh, request, type SignedIn, signUp } from './client.js';
import { authfort } from './command.js';
import { createSystemDatabase, databaseUrl, type SystemDatabase } from './database.js';

const SECRET = 'introspection-secret-of-the-revocations';
const ADMIN = { email: 'admin@example.com', password: 'an admin for the revocations' };
const WITHIN_MS = 1000;

let database: SystemDatabase;
let authEnv: Environment;
let auth: AppProcess;
let services: AppProcess[];
let admin: SignedIn;

beforeAll(async () => {
  database = await createSystemDatabase();
  authEnv = {
    ...database.env,
    INTROSPECT_SECRET: SECRET,
    KEY_ENCRYPTION_SECRET: 'key-encryption-secret-of-the-revocations',
    DEMO_ADMIN_EMAIL: ADMIN.email,
    DEMO_ADMIN_PASSWORD: ADMIN.password,
    RATE_LIMIT: 'off',
  };
  auth = await AppProcess.start('auth-server', authEnv);
  const env = { JWKS_URL: `${auth.url}/.well-known/jwks.json`, INTROSPECT_SECRET: SECRET };
  services = await Promise.all([AppProcess.start('orders', env), AppProcess.start('orders', env)]);
  await untilHeard();
  admin = await logIn(auth.url, ADMIN.email, ADMIN.password);
}, 120_000);

afterAll(async () => {
  await killAll();
  await database?.close();
});

/** The services say so in their logs, once each time. */
async function untilHeard(times = 1): Promise<void> {
  for (const { output, port } of services)
    await until(`the service at ${port} hears the feed`, 15_000, () => {
      const service = services.find((one) => one.port === port)!;
      return service.output.split('The revocation feed is connected').length > times ? output : undefined;
    });
}

const list = ({ url }: AppProcess, bearer: string) => request(`${url}/api/orders`, { bearer });

/** What each service says of a token. */
async function answers(token: string): Promise<(number | string)[]> {
  const all = await Promise.all(services.map((service) => list(service, token)));
  return all.map(({ status, body }) => (status === 200 ? 200 : (body as { error: string }).error));
}

async function expectRefused(token: string, code: string, withinMs = WITHIN_MS): Promise<void> {
  const startedAt = performance.now();
  await until(`both services say ${code}`, withinMs, async () =>
    (await answers(token)).every((answer) => answer === code) ? true : undefined,
  );
  expect(performance.now() - startedAt).toBeLessThan(withinMs + 500);
}

async function newcomer(): Promise<SignedIn> {
  const user = await signUp(auth.url);
  expect(await answers(user.accessToken)).toEqual([200, 200]);
  return user;
}

const adminDoes = (path: string, json?: unknown) =>
  post(`${auth.url}/auth/admin${path}`, json, { bearer: admin.accessToken });

describe('both services refuse within a second', () => {
  it('after a logout, but not the other session', async () => {
    const user = await newcomer();
    const elsewhere = await logIn(auth.url, user.email);
    expect((await logOut(auth.url, user.refreshToken)).status).toBe(204);
    await expectRefused(user.accessToken, 'session_revoked');
    expect(await answers(elsewhere.accessToken)).toEqual([200, 200]);
  });

  it('after a ban', async () => {
    const user = await newcomer();
    expect((await adminDoes(`/users/${user.id}/ban`)).status).toBeLessThan(300);
    await until('both services refuse', WITHIN_MS, async () =>
      (await answers(user.accessToken)).includes(200) ? undefined : true,
    );
  });

  it('after a change of roles, until the client has refreshed', async () => {
    const user = await newcomer();
    expect((await adminDoes(`/users/${user.id}/roles`, { role: 'support' })).status).toBeLessThan(300);
    await expectRefused(user.accessToken, 'token_version_mismatch');
    const refreshed = await refresh(auth.url, user.refreshToken);
    expect(await answers(refreshed.accessToken)).toEqual([200, 200]);
  });

  // The command needs the database, and the embedded one is open in one process at a time.
  (databaseUrl ? it : it.skip)('after a key was compromised', async () => {
    const user = await newcomer();
    const kid = (
      JSON.parse(Buffer.from(user.accessToken.split('.')[0]!, 'base64url').toString()) as { kid: string }
    ).kid;
    await authfort(`keys compromise -- ${kid}`, authEnv);
    await expectRefused(user.accessToken, 'token_invalid');
    // The auth server signs with the next key as soon as it has seen the change.
    const renewed = await until('a refresh brings a token of another key', 10_000, async () => {
      const session = await refresh(auth.url, user.refreshToken);
      return (await answers(session.accessToken)).every((answer) => answer === 200) || undefined;
    });
    expect(renewed).toBe(true);
    admin = await logIn(auth.url, ADMIN.email, ADMIN.password);
  });
});

describe('when the auth server is restarted', () => {
  it('services serve on meanwhile, and hear of what happens afterwards and of what happened before', async () => {
    const [before, after] = [await newcomer(), await newcomer()];
    expect((await logOut(auth.url, before.refreshToken)).status).toBe(204);
    await auth.kill();
    expect(await answers(after.accessToken)).toEqual([200, 200]);
    auth = await AppProcess.start('auth-server', authEnv, auth.port);
    await untilHeard(2);
    await expectRefused(before.accessToken, 'session_revoked');
    expect(await answers(after.accessToken)).toEqual([200, 200]);
    expect((await logOut(auth.url, after.refreshToken)).status).toBe(204);
    await expectRefused(after.accessToken, 'session_revoked');
  }, 120_000);

  it('a service that starts now knows what was revoked earlier', async () => {
    const user = await newcomer();
    expect((await logOut(auth.url, user.refreshToken)).status).toBe(204);
    const env = { JWKS_URL: `${auth.url}/.well-known/jwks.json`, INTROSPECT_SECRET: SECRET };
    const late = await AppProcess.start('orders', env);
    await until(
      'it refuses',
      5000,
      async () => (await list(late, user.accessToken)).status === 401 || undefined,
    );
    expect((await late.stop()).stoppedWithinMs).toBeLessThan(3000);
    for (const { output } of [...services, late]) expect(output).not.toContain(SECRET);
  }, 60_000);
});
