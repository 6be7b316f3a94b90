import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Logger, Scope } from '@nestjs/common';
import { type AuthEvent, type AuthEventName, OnAuthEvent } from 'authfort';
import { PASSWORD, startServer, type TestServer } from '../harness.js';

const seen: AuthEvent[] = [];

class Recorder {
  @OnAuthEvent('user_created')
  created(event: AuthEvent<'user_created'>): void {
    seen.push(event);
    throw new Error('a listener may fail');
  }
  @OnAuthEvent('login')
  async login(event: AuthEvent<'login'>): Promise<void> {
    await Promise.reject(new Error(`so may a later one ${event.name}`));
  }
  @OnAuthEvent('login')
  alsoLogin(event: AuthEvent<'login'>): void {
    seen.push(event);
  }
  @OnAuthEvent('login_failed')
  failed(event: AuthEvent<'login_failed'>): void {
    seen.push(event);
  }
  @OnAuthEvent('logout')
  logout(event: AuthEvent<'logout'>): void {
    seen.push(event);
  }
  @OnAuthEvent('token_refreshed')
  refreshed(event: AuthEvent<'token_refreshed'>): void {
    seen.push(event);
  }
}

class Counter {
  static calls = 0;

  @OnAuthEvent('user_banned')
  banned(): void {
    Counter.calls += 1;
  }
}

/** Overrides a listener, and says again what it listens to. */
class Recounter extends Counter {
  @OnAuthEvent('user_banned')
  override banned(): void {
    super.banned();
  }
}

/** Made for each request, so there is nobody to call when an event comes. */
@Injectable({ scope: Scope.REQUEST })
class Deaf {
  static calls = 0;

  @OnAuthEvent('login')
  never(): void {
    Deaf.calls += 1;
  }
}

/** Made for each of those who ask for it: none of them is the one to call. */
@Injectable({ scope: Scope.TRANSIENT })
class Shared extends Deaf {
  @OnAuthEvent('login')
  override never(): void {
    super.never();
  }
}

describe('events', () => {
  let server: TestServer;
  let warn: jest.SpiedFunction<Logger['warn']>;
  beforeAll(async () => {
    warn = jest.spyOn(Logger.prototype, 'warn');
    server = await startServer({
      providers: [Recorder, { provide: 'alias', useExisting: Recorder }, Recounter, Deaf, Shared],
    });
    // The listeners fail on purpose; their errors are logged and need not be read here.
    server.app.useLogger(false);
  });
  beforeEach(() => {
    seen.length = 0;
  });
  afterAll(async () => {
    warn.mockRestore();
    await server.close();
  });
  const names = (): AuthEventName[] => seen.map(({ name }) => name);

  it('follow the commit, in order, and a failing listener breaks nothing', async () => {
    const user = await server.signUp();
    expect(names()).toEqual(['user_created', 'login']);
    expect(seen[0]).toMatchObject({
      userId: user.id,
      email: user.email,
      provider: 'email',
      at: server.clock.now(),
    });
    expect(seen[1]).toMatchObject({ sessionId: user.sessionId, client: { ip: '127.0.0.1' } });
    await server.post('/auth/refresh', { refresh_token: user.refreshToken });
    await server.post('/auth/logout', { refresh_token: user.refreshToken });
    await server.post('/auth/logout', { refresh_token: user.refreshToken });
    expect(names()).toEqual(['user_created', 'login', 'token_refreshed', 'logout']);
  });
  it('call a method once for each event, also one that overrides a listener', async () => {
    const user = await server.signUp();
    await server.authfort.banUser(user.id);
    expect(Counter.calls).toBe(1);
  });
  it('never reach a provider that is no singleton, and a warning says so at the start', async () => {
    await server.signUp();
    expect(Deaf.calls).toBe(0);
    const warnings = warn.mock.calls.map(([message]) => String(message));
    for (const name of ['Deaf', 'Shared']) {
      expect(warnings.filter((line) => line.startsWith(`${name}.never never hears of login`))).toHaveLength(
        1,
      );
    }
  });
  it('do not come when nothing was committed', async () => {
    const { email } = await server.signUp();
    seen.splice(0);
    await server.post('/auth/signup', { email, password: PASSWORD });
    expect(names()).toEqual([]);
  });
  it('say why a sign-in failed, to the inside only, and carry no secret', async () => {
    const user = await server.signUp();
    await server.post('/auth/login', { email: user.email, password: 'not the password' });
    await server.post('/auth/login', { email: 'nobody@example.com', password: 'not the password' });
    const reasons = seen
      .filter(({ name }) => name === 'login_failed')
      .map((event) => (event as AuthEvent<'login_failed'>).reason);
    expect(reasons).toEqual(['wrong_password', 'unknown_user']);
    const text = JSON.stringify(seen);
    for (const secret of [PASSWORD, 'not the password', user.accessToken, user.refreshToken])
      expect(text).not.toContain(secret);
  });
});
