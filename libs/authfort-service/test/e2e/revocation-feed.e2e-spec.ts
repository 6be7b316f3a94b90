import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SystemClock } from 'authfort-service';
import { RevocationFeedClient } from '../../src/revocation/revocation-feed.client.js';
import { RevocationFeedSource } from '../../src/revocation/revocation-feed.source.js';
import { RevocationList } from '../../src/revocation/revocation-list.js';
import { StalePolicy } from '../../src/revocation/stale.policy.js';
import type { AuthUser } from 'authfort-service';
import {
  answering,
  cut,
  entry,
  event,
  FeedServer,
  type Handler,
  inTurn,
  streaming,
  until,
} from '../feed-server.js';

const SECRET = 'a secret with an umlaut: ü';
const FAST = {
  firstPauseMs: 10,
  longestPauseMs: 50,
  refusedPauseMs: 40,
  silenceMs: 2000,
  pollMs: 20,
  pollTimeoutMs: 2000,
  streamAgainMs: 300,
};
// For those that wait for the silence; elsewhere a laden machine must not be taken for one.
const IMPATIENT = { ...FAST, silenceMs: 200 };

let server: FeedServer;
let client: RevocationFeedClient;
let list: RevocationList;
let keysRevoked: number;
let logged: string[];

beforeEach(async () => {
  logged = [];
  for (const level of ['log', 'warn', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockImplementation((text: unknown) => void logged.push(String(text)));
  server = await FeedServer.start();
  keysRevoked = 0;
  client = clientWith(FAST);
});
function clientWith(timings: typeof FAST): RevocationFeedClient {
  const clock = new SystemClock();
  list = new RevocationList({ maxEntries: 1000, clockToleranceSeconds: 5 }, clock);
  return new RevocationFeedClient({
    source: new RevocationFeedSource(server.url, SECRET),
    list,
    stalePolicy: new StalePolicy(
      { whenStale: 'deny', maxStaleSeconds: 10, clockToleranceSeconds: 5 },
      clock,
      list,
    ),
    onKeyRevoked: () => (keysRevoked += 1),
    timings,
  });
}
afterEach(async () => {
  await client.onApplicationShutdown();
  await server.stop();
  jest.restoreAllMocks();
  expect(logged.join('\n')).not.toMatch(/umlaut|\bs\d\b/);
});

const start = () => client.onApplicationBootstrap();
const knows = (sid: string) =>
  list.refusalOf({ sessionId: sid, sub: 'x', tokenVersion: 0, iat: Date.now() / 1000 } as AuthUser, 'k') ===
  'session_revoked';
const untilKnown = (sid: string) => until(`${sid} is known`, () => knows(sid));
const state = () => client.state!;
const untilFresh = () => until('the feed is heard', () => !state().stale);
const revoked = (sid: string, id?: string) => event('revocations', [entry({ sid })], id);
const alive = (id: string) => event('alive', {}, id);
const polled = (cursor: string, revocations: unknown[] = [], more = false) =>
  answering(200, { cursor, more, revocations });

describe('the stream', () => {
  it('brings what is revoked, as bearer of the secret', async () => {
    let open: Parameters<Handler>[1] | undefined;
    server.onStream = (request, response) => streaming(alive('1'))(request, (open = response));
    start();
    await untilFresh();
    expect(state()).toMatchObject({ connected: true, via: 'stream', entries: 0 });
    expect(knows('s1')).toBe(false);
    open!.write(revoked('s1', '2'));
    await untilKnown('s1');
    open!.write(event('revocations', [entry({ kid: 'stolen' }), entry({ sub: 'bob', ver: 2 })], '3'));
    await until('the key is known', () => keysRevoked === 1 && state().entries === 3);
    const authorization = `Bearer ${Buffer.from(SECRET).toString('latin1')}`;
    expect(server.asked).toEqual([{ way: 'stream', cursor: undefined, authorization }]);
    expect(logged).toEqual(['The revocation feed is connected']);
  });

  it('goes on from the cursor after a cut, and hears what was revoked meanwhile', async () => {
    server.onStream = inTurn(
      cut(revoked('s1', '1') + alive('1')),
      streaming(revoked('s2', '2') + alive('2')),
    );
    start();
    await untilKnown('s2');
    expect(knows('s1')).toBe(true);
    expect(server.asked.map(({ cursor }) => cursor)).toEqual([undefined, '1']);
  });

  it('begins anew when it was cut before everything had been told', async () => {
    server.onStream = inTurn(
      cut(revoked('s1')),
      cut(revoked('s1', '1')),
      streaming(revoked('s1', '1') + alive('2')),
    );
    start();
    await untilFresh();
    expect(server.asked.map(({ cursor }) => cursor)).toEqual([undefined, undefined, undefined]);
  });

  it('is not taken for up to date before it says so', async () => {
    let open: Parameters<Handler>[1] | undefined;
    server.onStream = (request, response) => streaming(revoked('s1', '1'))(request, (open = response));
    start();
    await untilKnown('s1');
    expect(state().stale).toBe(true);
    open!.write(alive('1'));
    await untilFresh();
  });

  it('does not believe half an event', async () => {
    server.onStream = inTurn(
      cut(alive('1') + `id: 2\nevent: revocations\ndata: ${JSON.stringify([entry({ sid: 's1' })])}\n`),
      streaming(revoked('s2', '3')),
    );
    start();
    await untilKnown('s2');
    expect(knows('s1')).toBe(false);
    expect(server.asked[1]!.cursor).toBe('1');
  });

  it('passes over events, members and kinds that it does not know', async () => {
    const news = [{ ...entry({ sid: 's1' }), why: 'logout' }, entry({ device: 'd' })];
    server.onStream = streaming(event('hint', 'x') + event('revocations', news, '1') + alive('1'));
    start();
    await untilFresh();
    expect([knows('s1'), state().entries]).toEqual([true, 1]);
  });

  it('is given up when it falls silent, and taken up again', async () => {
    client = clientWith(IMPATIENT);
    server.onStream = inTurn(streaming(alive('1')), streaming(revoked('s1', '2') + alive('2')));
    start();
    await untilKnown('s1');
    expect(server.of('stream')[1]!.cursor).toBe('1');
  });

  it.each([
    ['is no JSON', 'event: revocations\nid: 9\ndata: {nonsense\n\n'],
    ['is no list', event('revocations', { sid: 's1' }, '9')],
    ['has an id that is none', event('alive', {}, 'x'.repeat(101))],
    ['has no end', `data: ${'x'.repeat(5 * 1024 * 1024)}`],
  ])('is read anew, without a cursor, after an event that %s', async (_, nonsense) => {
    // The one without an end is long: on a laden machine it takes its time.
    client = clientWith({ ...FAST, silenceMs: 5000 });
    server.onStream = inTurn(
      cut(alive('1')),
      streaming(alive('2') + nonsense),
      streaming(revoked('s1', '3') + alive('3')),
    );
    start();
    await untilKnown('s1');
    expect(server.of('stream').map(({ cursor }) => cursor)).toEqual([undefined, '1', undefined]);
  });

  it('takes what it understands of a list, and reads everything anew because of the rest', async () => {
    const broken = event(
      'revocations',
      [entry({ sid: 7 }), entry({ sid: 's1' }), entry({ sub: 'a', ver: 'x' }), 'x'],
      '1',
    );
    let opened = 0;
    server.onStream = (_, response) => {
      opened += 1;
      streaming(opened === 1 ? broken + alive('1') : alive('2'))(_, response);
      setInterval(() => response.write(alive('2')), 20).unref();
    };
    start();
    await untilKnown('s1');
    expect(state().stale).toBe(true);
    await untilFresh();
    expect(server.of('stream').map(({ cursor }) => cursor)).toEqual([undefined, undefined]);
    expect(logged.filter((line) => line.includes('not understood'))).toHaveLength(1);
    expect(logged.at(-1)).toBe('Every revocation is understood again');
  });
});

describe('what is not the feed', () => {
  it.each([
    ['401', answering(401, {}), 'the same on both sides'],
    ['404', answering(404, {}), 'introspectSecret'],
    ['429', answering(429, {}), '429'],
  ])('%s is logged once with its remedy, asked again, and not polled', async (_, refusal, remedy) => {
    server.onStream = refusal;
    start();
    await until('it was asked again', () => server.of('stream').length >= 4);
    expect(state()).toMatchObject({ connected: false, stale: true, lastHeardAt: undefined });
    expect(logged).toEqual([expect.stringContaining(remedy)]);
    server.onStream = streaming(alive('1'));
    await untilFresh();
    expect(logged.at(-1)).toBe('The revocation feed is connected');
    expect(server.of('polling')).toEqual([]);
  });

  it.each([
    ['headers and then nothing, as from a proxy that buffers', streaming('')],
    ['nothing at all', () => undefined],
    [
      'comments only',
      (_, response) => {
        streaming('')(_, response);
        setInterval(() => response.write(': still here\n'), 20).unref();
      },
    ],
    [
      'an end at once',
      (_, response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(),
    ],
    ['HTML', answering(200, '<html>', { 'content-type': 'text/html' })],
    ['JSON', answering(200, [], { 'content-type': 'application/json' })],
    ['500', answering(500, {})],
    ['nonsense', streaming('event: revocations\ndata: <html>\n\n')],
    [
      'bytes without an end of a line',
      (_, response) => {
        streaming('')(_, response);
        const flood = setInterval(() => response.write('x'.repeat(500_000)), 1).unref();
        response.on('close', () => clearInterval(flood));
      },
    ],
  ] as [string, Handler][])(
    'as a stream (%s) makes it poll, until a stream gets through',
    async (_, handler) => {
      client = clientWith(IMPATIENT);
      server.onStream = handler;
      server.onPoll = inTurn(polled('1'), polled('2', [entry({ sid: 's1' })]), polled('2'));
      start();
      await untilKnown('s1');
      await untilFresh();
      expect(state()).toMatchObject({ connected: true, via: 'polling' });
      expect(
        server
          .of('polling')
          .map(({ cursor }) => cursor)
          .slice(0, 3),
      ).toEqual([undefined, '1', '2'].slice(0, server.of('polling').length));
      expect(logged.at(-1)).toContain('is polled');

      server.onStream = streaming(alive('3'));
      await until('the stream is there', () => state().via === 'stream');
      expect(server.of('stream').at(-1)!.cursor).toBe('2');
      expect(logged.at(-1)).toBe('The revocation feed is connected');
      expect(logged.length).toBeLessThanOrEqual(3);
    },
  );

  it('as a poll is asked again; what is not understood is read anew', async () => {
    server.onStream = answering(500, '');
    server.onPoll = inTurn(
      answering(500, ''),
      answering(200, '<html>'),
      answering(200, '{"cursor":"1","more":false}'),
      answering(200, '{"cursor":7,"more":false,"revocations":[]}'),
      (request) => void request.socket.destroy(),
      answering(302, '', { location: 'http://127.0.0.1:1/' }),
      answering(200, `{"cursor":"1","more":false,"revocations":[],"x":"${'x'.repeat(5 * 1024 * 1024)}"}`),
      () => undefined,
      polled('1', [entry({ sid: 's1' })], true),
      polled('1', [], true),
      polled('1', [entry({ sid: 's2' })], true),
      polled('2', [entry({ sid: 's3' })]),
    );
    start();
    await untilKnown('s3');
    await untilFresh();
    expect([knows('s1'), knows('s2')]).toEqual([true, true]);
    // A page that leads to itself is nonsense too, so everything was asked for once more.
    expect(
      server
        .of('polling')
        .map(({ cursor }) => cursor)
        .slice(8, 12),
    ).toEqual([undefined, '1', undefined, '1']);
  }, 20_000);

  it('is not followed to another place', async () => {
    const elsewhere = await FeedServer.start();
    server.onStream = answering(307, '', { location: `${elsewhere.url}/stream` });
    start();
    await until('it was asked again', () => server.of('stream').length >= 3);
    expect(elsewhere.asked).toEqual([]);
    await elsewhere.stop();
  });
});

describe('from the start to the end', () => {
  it('waits for an auth server that is away, and says so once', async () => {
    const sound = streaming(revoked('s1', '1') + alive('1'));
    server.onStream = sound;
    await server.stop();
    start();
    await until('it is known to be away', () => logged.length > 0);
    await server.listen();
    await untilFresh();
    expect(logged).toEqual([
      expect.stringMatching(
        /is unavailable \(.*ECONNREFUSED.*whenever it was silent for 10 s, guarded routes answer 503$/,
      ),
      'The revocation feed is connected',
    ]);
    await server.stop();
    await until('it is known to be away', () => !state().connected);
    await server.listen();
    await until('it is there again', () => state().connected);
    expect(logged).toHaveLength(4);
    expect(logged[3]).toBe('The revocation feed is connected again');
    expect(knows('s1')).toBe(true);
  });

  it.each([
    ['a stream', streaming(alive('1'))],
    ['a stream that says nothing', streaming('')],
    ['a connection that is not answered', () => undefined],
    ['polls', answering(500, '')],
  ] as [string, Handler][])('leaves nothing open of %s', async (_, handler) => {
    server.onStream = handler;
    server.onPoll = polled('1');
    start();
    await until('it is under way', () => server.asked.length > 0);
    if (_ === 'polls') await untilFresh();
    const startedAt = performance.now();
    await client.onApplicationShutdown();
    expect(performance.now() - startedAt).toBeLessThan(FAST.silenceMs);
    const asked = server.asked.length;
    await until('all requests are ended', () => server.open === 0);
    expect(server.asked).toHaveLength(asked);
  });

  it('ends a stream whose request the garbage collector has taken, which fetch alone does not', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    server.onStream = streaming(alive('1'));
    start();
    await untilFresh();
    for (let count = 0; count < 3; count += 1) {
      collect();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.onApplicationShutdown();
    await until('the request is ended', () => server.open === 0);
  });

  it('may be ended before it has begun, and does nothing without a feed', async () => {
    await client.onApplicationShutdown();
    start();
    expect(server.asked).toEqual([]);
    const without = new RevocationFeedClient({
      source: undefined,
      list,
      stalePolicy: new StalePolicy(
        { whenStale: 'allow', maxStaleSeconds: 0, clockToleranceSeconds: 5 },
        new SystemClock(),
        list,
      ),
      onKeyRevoked: () => undefined,
    });
    without.onApplicationBootstrap();
    expect(without.state).toBeUndefined();
    await without.onApplicationShutdown();
  });
});
