import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Database } from '../../src/database/database.js';
import { FeedReader } from '../feed-reader.js';
import { adapters, INTROSPECT_SECRET, PASSWORD, startServer, type TestServer } from '../harness.js';

const AUTHORIZED = { authorization: `Bearer ${INTROSPECT_SECRET}` };

describe.each(adapters)('the feed of revocations, on %s', (adapter) => {
  let server: TestServer;
  let closed: TestServer | undefined;
  const readers: FeedReader[] = [];
  beforeAll(async () => {
    server = await startServer({ adapter });
  });
  afterEach(() => readers.splice(0).forEach((reader) => reader.close()));
  afterAll(async () => {
    await server.close();
    await closed?.close();
  });

  async function open(cursor?: string, url = server.url): Promise<FeedReader> {
    const reader = await FeedReader.open(url, cursor);
    readers.push(reader);
    return reader;
  }
  const list = (since?: string) =>
    server.request(`/revocations${since === undefined ? '' : `?since=${since}`}`, { headers: AUTHORIZED });
  const inSeconds = (seconds: number) => Math.floor(server.clock.now().getTime() / 1000) + seconds;

  it('tells of a logout at once, with the times that it matters for', async () => {
    const user = await server.signUp();
    const reader = await open();
    expect(reader.status).toBe(200);
    expect(reader.headers['content-type']).toMatch(/^text\/event-stream/);
    expect(reader.headers['cache-control']).toBe('no-store');
    await reader.until(({ events }) => events.some(({ event }) => event === 'alive'));
    await server.post('/auth/logout', { refresh_token: user.refreshToken });
    await reader.until(({ revocations }) => revocations.some(({ sid }) => sid === user.sessionId));
    expect(reader.revocations.find(({ sid }) => sid === user.sessionId)).toEqual({
      sid: user.sessionId,
      at: inSeconds(0),
      exp: inSeconds(900 + 360),
    });
  });

  it.each<[string, (user: { id: string; sessionId: string; accessToken: string }) => Promise<unknown>]>([
    ['ban', ({ id }) => server.authfort.banUser(id)],
    ['unban', ({ id }) => server.authfort.banUser(id).then(() => server.authfort.unbanUser(id))],
    ['role added', ({ id }) => server.authfort.addRole(id, 'clerk')],
    ['password changed', ({ accessToken }) => changePassword(accessToken)],
    ['account anonymised', ({ id }) => server.authfort.deleteUser(id)],
    ['account deleted', ({ id }) => server.authfort.deleteUser(id, { hard: true })],
  ])('tells which versions of a user are dead: %s', async (_, act) => {
    const user = await server.signUp();
    const { cursor } = (await list()).body;
    await act(user);
    const told = (await list(cursor)).body.revocations.filter(({ sub }: { sub?: string }) => sub === user.id);
    // Ending all sessions raises the version too.
    const versions = told.map(({ ver }: { ver: number }) => ver);
    expect(versions).toEqual(versions.map((_: number, index: number) => index + 1));
    expect(versions.length).toBeGreaterThan(0);
  });
  async function changePassword(bearer: string): Promise<void> {
    const passwords = { old_password: PASSWORD, new_password: `${PASSWORD}!` };
    expect((await server.post('/auth/change-password', passwords, { bearer })).status).toBe(200);
  }

  it('tells of each session that ends: by its owner, by an administrator, by theft', async () => {
    const user = await server.signUp();
    const { cursor } = (await list()).body;
    const signIn = async () =>
      (await server.post('/auth/login', { email: user.email, password: PASSWORD })).body;
    const [second, third] = [await signIn(), await signIn()];
    await server.request(`/auth/sessions/${second.user.session_id}`, {
      method: 'DELETE',
      bearer: user.accessToken,
    });
    const stolen = third.tokens.refresh_token;
    const { body } = await server.post('/auth/refresh', { refresh_token: stolen });
    await server.post('/auth/refresh', { refresh_token: body.tokens.refresh_token });
    expect((await server.post('/auth/refresh', { refresh_token: stolen })).status).toBe(401);
    await server.authfort.revokeAllSessions(user.id);
    const mine = [second.user.session_id, third.user.session_id, user.id];
    const { revocations } = (await list(cursor)).body;
    const ids = revocations.map(({ sid, sub }: { sid?: string; sub?: string }) => sid ?? sub);
    // Others may be repeated: while any transaction of the database server is open, nothing after it counts as known.
    expect(ids.filter((id: string) => mine.includes(id))).toEqual(mine);
  });

  it('tells of a key that was compromised, and the key is gone from the JWKS', async () => {
    const { keys } = (await server.request('/.well-known/jwks.json')).body;
    const reader = await open();
    const { kid } = keys[1];
    await compromise(server, kid);
    await reader.until(({ revocations }) => revocations.some((entry) => entry.kid === kid));
    const now = (await server.request('/.well-known/jwks.json')).body.keys;
    expect(now.map((key: { kid: string }) => key.kid)).not.toContain(kid);
  });

  it('goes on where a reader was, and knows nothing of what has expired', async () => {
    const users = await Promise.all([1, 2, 3].map(() => server.signUp()));
    const end = (index: number) => server.post('/auth/logout', { refresh_token: users[index]!.refreshToken });
    const reader = await open();
    await end(0);
    await reader.until(({ revocations }) => revocations.some(({ sid }) => sid === users[0]!.sessionId));
    // The cursor of an `alive` that came later: everything before it has been sent.
    await reader.until(({ events }) => events.at(-1)!.event === 'alive');
    reader.close();
    await end(1);
    const again = await open(reader.cursor);
    await again.until(({ events }) => events.some(({ event }) => event === 'alive'));
    await end(2);
    await again.until(({ revocations }) => revocations.some(({ sid }) => sid === users[2]!.sessionId));
    const sids = again.revocations.map(({ sid }) => sid);
    const missed = [users[1]!.sessionId, users[2]!.sessionId];
    expect(sids.filter((sid) => missed.includes(sid as string))).toEqual(missed);
    // On a database server that others use, an open transaction of theirs makes some of it be repeated.
    if (!process.env.DATABASE_URL) expect(sids).toEqual(missed);

    server.clock.advance(1261);
    const everything = (await list()).body;
    expect(everything.revocations.filter((entry: { sid?: string }) => entry.sid)).toEqual([]);
    const deleted = await server.authfort.cleanup();
    expect(deleted.revocations).toBeGreaterThan(3);
  });

  it.each(['0', '00000001-999999999999', '0000000F-1', 'nonsense', '00000001-1.2', '9.9.9.9', '%00', "1'--"])(
    'gives who comes with the cursor %s everything that matters',
    async (cursor) => {
      const user = await server.signUp();
      await server.authfort.banUser(user.id);
      const { status, body, headers } = await list(encodeURIComponent(cursor));
      expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
      expect(body.revocations).toContainEqual(expect.objectContaining({ sub: user.id }));
    },
  );

  it('is for who knows the secret', async () => {
    for (const path of ['/revocations', '/revocations/stream']) {
      for (const [authorization, code] of [
        [undefined, 'unauthorized'],
        ['Bearer wrong-secret-of-some-length', 'invalid_client'],
      ]) {
        const answer = await server.request(path, { headers: { authorization } });
        expect([answer.status, answer.body.error]).toEqual([401, code]);
      }
    }
    expect((await server.request('/revocations?sinse=1', { headers: AUTHORIZED })).status).toBe(422);
    closed = await startServer({
      adapter,
      options: { introspectSecret: undefined },
      replicaOf: server,
    });
    expect((await closed.request('/revocations', { headers: AUTHORIZED })).status).toBe(404);
    expect((await closed.request('/revocations/stream', { headers: AUTHORIZED })).status).toBe(404);
  });
});

describe('the feed of revocations', () => {
  it('says that nothing is missing, however much there is to tell', async () => {
    const server = await startServer();
    const reader = await FeedReader.open(server.url);
    const alive = () => reader.events.filter(({ event }) => event === 'alive').length;
    await reader.until(() => alive() === 1);
    let revoked = 0;
    for (; alive() < 3 && revoked < 2000; revoked += 1) {
      const { id } = await server.authfort.createUser({ email: `busy-${revoked}@example.com` });
      await server.authfort.banUser(id);
    }
    // More of them came in each second than a pause of a second would have allowed for.
    expect(revoked).toBeGreaterThan(10);
    expect(alive()).toBe(3);
    reader.close();
    await server.close();
  });

  it('reads a list from its beginning for who goes on with it as a stream', async () => {
    const server = await startServer();
    const database = server.app.get(Database);
    const insert = (ids: string, values: unknown[]) =>
      database.query(
        `INSERT INTO authfort_revocations (id, transaction_id, session_id, revoked_at, expires_at) OVERRIDING SYSTEM VALUE
         SELECT n, pg_current_xact_id()::text::bigint, gen_random_uuid(), $1, $1::timestamptz + interval '15 minutes' FROM ${ids} AS n`,
        [server.clock.now(), ...values],
      );
    await insert('generate_series(10, 6000)', []);
    const { body } = await server.request('/revocations', { headers: AUTHORIZED });
    expect(body.more).toBe(true);
    // As if it had got its number early and was committed late.
    await insert('unnest($2::int[])', [[1]]);
    const reader = await FeedReader.open(server.url, body.cursor);
    await reader.until(({ events }) => events.some(({ event }) => event === 'alive'));
    expect(reader.revocations).toHaveLength(5992);
    reader.close();
    await server.close();
  });

  it('does not tell of roles where it is not wanted; the auth server refuses the token all the same', async () => {
    const server = await startServer({ options: { revokeOnRoleChange: false } });
    const user = await server.signUp();
    await server.authfort.addRole(user.id, 'clerk');
    const { body } = await server.request('/revocations', { headers: AUTHORIZED });
    expect(body.revocations).toEqual([]);
    expect((await server.request('/auth/me', { bearer: user.accessToken })).status).toBe(401);
    await server.close();
  });

  it('ends its streams when the server ends', async () => {
    const server = await startServer();
    const reader = await FeedReader.open(server.url);
    await reader.until(({ events }) => events.length > 0);
    await server.close();
    await reader.ended();
  });

  it('pages through a long past, with one cursor at its end', async () => {
    const server = await startServer();
    const user = await server.signUp();
    await server.app.get(Database).query(
      `INSERT INTO authfort_revocations (transaction_id, session_id, revoked_at, expires_at)
       SELECT pg_current_xact_id()::text::bigint, gen_random_uuid(), $1, $1::timestamptz + interval '15 minutes'
       FROM generate_series(1, 12000)`,
      [server.clock.now()],
    );
    const seen = new Set<string>();
    let cursor: string | undefined;
    let pages = 0;
    for (let more = true; more; pages += 1) {
      const { body } = await server.request(`/revocations${cursor ? `?since=${cursor}` : ''}`, {
        headers: AUTHORIZED,
      });
      for (const { sid, sub } of body.revocations) seen.add(sid ?? sub);
      // Committed while somebody reads: it is in a later page, or after the cursor of the last one.
      if (pages === 1) await server.authfort.banUser(user.id);
      ({ cursor, more } = body);
    }
    expect([pages, seen.size]).toEqual([3, 12_001]);
    const reader = await FeedReader.open(server.url);
    await reader.until(({ events }) => events.some(({ event }) => event === 'alive'));
    expect(reader.revocations).toHaveLength(12_002);
    expect(reader.events.filter(({ id }) => id !== undefined).map(({ event }) => event)).toEqual(['alive']);
    reader.close();
    await server.close();
  });
});

async function compromise(server: TestServer, kid: string): Promise<void> {
  const { KeyRotationService } = await import('../../src/keys/key-rotation.service.js');
  expect(await server.app.get(KeyRotationService).compromise(kid)).toBe(true);
}
