import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { OutgoingRequests } from 'authfort-service';
import { ManualClock } from '../testing/manual-clock.js';
import { BreachList } from './breach-list.js';

const PWNED = 'hunter2 hunter2';
const SAFE = 'correct horse battery staple';
const digestOf = (password: string) => createHash('sha1').update(password).digest('hex').toUpperCase();
const suffixOf = (password: string) => digestOf(password).slice(5);

let server: Server;
let answer: RequestListener;
const requests: IncomingMessage[] = [];
const warnings: string[] = [];
const clock = new ManualClock();

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((text: string) => void warnings.push(text));
});
afterAll(() => {
  jest.restoreAllMocks();
  server.closeAllConnections();
  server.close();
});
afterEach(() => {
  requests.length = 0;
  warnings.length = 0;
});

function list(changes: { timeoutMs?: number; failClosed?: boolean; url?: string } = {}): BreachList {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/range/`;
  const breachCheck = { url, timeoutMs: 5000, failClosed: false, ...changes };
  return new BreachList({ passwordPolicy: { breachCheck } }, clock, new OutgoingRequests());
}

const says =
  (body: string, status = 200): RequestListener =>
  (_, response) =>
    response.writeHead(status).end(body);
const other = 'A'.repeat(35);

describe('the list of breached passwords', () => {
  it('is not asked where the check is off', async () => {
    const off = new BreachList({ passwordPolicy: { breachCheck: undefined } }, clock, new OutgoingRequests());
    expect(await off.contains(PWNED)).toBe(false);
    expect(requests).toEqual([]);
  });

  it('knows a password, and learns five characters of its hash', async () => {
    answer = says(`${other}:3\r\n${suffixOf(PWNED)}:17\r\n`);
    expect(await list().contains(PWNED)).toBe(true);
    expect(await list().contains(SAFE)).toBe(false);
    expect(requests.map(({ url }) => url)).toEqual(
      [PWNED, SAFE].map((password) => `/range/${digestOf(password).slice(0, 5)}`),
    );
    for (const { headers, rawHeaders, method } of requests) {
      expect([method, headers['add-padding']]).toEqual(['GET', 'true']);
      for (const password of [PWNED, SAFE]) expect(rawHeaders.join()).not.toContain(suffixOf(password));
    }
  });

  it('reads lower case, and passes over the padding, whose count is 0', async () => {
    answer = says(`${suffixOf(PWNED).toLowerCase()}:1\n${suffixOf(SAFE)}:0`);
    expect(await list().contains(PWNED)).toBe(true);
    expect(await list().contains(SAFE)).toBe(false);
  });

  it('is asked once an hour about the same range, and remembers no failure', async () => {
    const once = list();
    answer = says('', 500);
    expect(await once.contains(PWNED)).toBe(false);
    answer = says(`${suffixOf(PWNED)}:1`);
    expect(await once.contains(PWNED)).toBe(true);
    expect(await once.contains(PWNED)).toBe(true);
    expect(requests).toHaveLength(2);
    clock.advance(3601);
    expect(await once.contains(PWNED)).toBe(true);
    expect(requests).toHaveLength(3);
  });

  it('is forgotten, the oldest range first, so that memory has a bound', async () => {
    const many = list();
    answer = says('');
    for (let at = 0; at <= 100; at += 1) await many.contains(`password ${at}`);
    expect(requests).toHaveLength(101);
    await many.contains('password 100');
    expect(requests).toHaveLength(101);
    await many.contains('password 0');
    expect(requests).toHaveLength(102);
  });
});

const endless: RequestListener = (_, response) => {
  const more = () => {
    while (!response.destroyed && response.write(`${other}:1\n`.repeat(1000)));
  };
  response.on('drain', more);
  more();
};

describe.each<[string, RequestListener, RegExp]>([
  ['answers 500', says('', 500), /answered 500$/],
  ['answers 429', says('', 429), /answered 429$/],
  ['is a page of a proxy', says('<html>Please sign in</html>'), /not a list$/],
  ['has a line that is cut off', says(`${other}:3\n${other.slice(1)}`), /not a list$/],
  ['never ends', endless, /too long$/],
  ['redirects', (_, r) => r.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(), /TypeError$/],
  ['hangs up', (_, response) => response.destroy(), /TypeError$/],
])('a list that %s', (_name, broken, reason) => {
  it('lets the password pass with a warning that tells nothing of it, or refuses it, as is wished', async () => {
    answer = broken;
    expect(await list().contains(PWNED)).toBe(false);
    expect(warnings).toEqual([expect.stringMatching(reason)]);
    for (const part of [PWNED, digestOf(PWNED).slice(0, 5)]) expect(warnings.join()).not.toContain(part);
    await expect(list({ failClosed: true }).contains(PWNED)).rejects.toMatchObject({
      code: 'unavailable',
      statusCode: 503,
    });
  });
});

describe('a list that does not answer', () => {
  it.each<[string, RequestListener]>([
    ['at all', () => undefined],
    ['to the end', (_, response) => void response.write(`${other}:1\n`)],
  ])('%s is waited for no longer than timeoutMs', async (_how, silent) => {
    answer = silent;
    expect(await list({ timeoutMs: 50 }).contains(PWNED)).toBe(false);
    expect(warnings).toEqual([expect.stringMatching(/TimeoutError$/)]);
  });
});
