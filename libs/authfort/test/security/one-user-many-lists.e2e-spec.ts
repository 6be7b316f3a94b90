import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { request as httpRequest } from 'node:http';
import { type Adapter, adapters, type SignedUp, startServer, type TestServer } from '../harness.js';
import { SessionService } from '../../src/sessions/session.service.js';

describe.each(adapters)('attack: one user who requests a list in many loops, on %s', (adapter: Adapter) => {
  let server: TestServer;
  let user: SignedUp;
  let other: SignedUp;
  /** Lists in progress that wait for the test. */
  const held: (() => void)[] = [];
  let holding = false;
  let most = 0;
  let running = 0;
  beforeAll(async () => {
    server = await startServer({ adapter });
    [user, other] = [await server.signUp(), await server.signUp()];
    const service = server.app.get(SessionService);
    const list = service.list.bind(service);
    service.list = async (...args) => {
      most = Math.max(most, (running += 1));
      if (holding && args[0] === user.id) await new Promise<void>((resolve) => held.push(resolve));
      running -= 1;
      return list(...args);
    };
  });
  afterAll(() => server.close());
  const sessions = ({ accessToken }: SignedUp) => server.request('/auth/sessions', { bearer: accessToken });
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve));
  };

  it('has one list at a time, and others are served in between', async () => {
    holding = true;
    const answers = Array.from({ length: 20 }, () => sessions(user));
    await until(() => held.length === 1);
    expect((await sessions(other)).status).toBe(200);
    holding = false;
    held.pop()!();
    for (const answer of answers) expect((await answer).status).toBe(200);
    expect(most).toBe(2);
  });

  it('is refused beyond 50 lists that wait, and is served again afterwards', async () => {
    holding = true;
    const answers = Array.from({ length: 55 }, () => sessions(user));
    const statuses: number[] = [];
    for (const answer of answers) void answer.then(({ status }) => statuses.push(status));
    await until(() => statuses.length === 4);
    expect(statuses).toEqual([503, 503, 503, 503]);
    expect((await sessions(other)).status).toBe(200);
    holding = false;
    held.pop()!();
    await Promise.all(answers);
    expect(statuses.filter((status) => status === 200)).toHaveLength(51);
    expect((await sessions(user)).status).toBe(200);
  });

  it('goes on when a client disconnects, with its list in progress or waiting', async () => {
    holding = true;
    const open = () => {
      const request = httpRequest(`${server.url}/auth/sessions`, {
        headers: { authorization: `Bearer ${user.accessToken}` },
      }).on('error', () => undefined);
      request.end();
      return request;
    };
    const first = open();
    await until(() => held.length === 1);
    const second = open();
    const third = sessions(user);
    second.destroy();
    first.destroy();
    holding = false;
    held.pop()!();
    expect((await third).status).toBe(200);
  });
});
