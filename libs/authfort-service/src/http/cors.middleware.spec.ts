import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { corsFor } from './cors.middleware.js';

const APP = 'https://app.example.com';

describe('corsFor', () => {
  let server: Server;
  let url: string;
  beforeAll(async () => {
    const middleware = corsFor(['HTTPS://App.example.com.:443', 'capacitor://localhost']);
    server = createServer((request, response) => middleware(request, response, () => response.end('served')));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  const preflight = (origin: string) =>
    fetch(url, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'DELETE' } });
  const accessHeaders = ({ headers }: Response) =>
    [...headers.keys()].filter((name) => name.startsWith('access-control'));

  it('lets a listed origin delete with credentials', async () => {
    const { headers } = await preflight(APP);
    expect(headers.get('access-control-allow-origin')).toBe(APP);
    expect(headers.get('access-control-allow-credentials')).toBe('true');
    expect(headers.get('access-control-allow-methods')).toContain('DELETE');
  });
  it.each([
    APP,
    `${APP}:443`,
    'https://APP.example.com',
    'https://app.example.com.',
    'capacitor://localhost',
  ])('repeats the listed origin as %s was written', async (origin) => {
    for (const answer of [await preflight(origin), await fetch(url, { headers: { origin } })])
      expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
  });
  it.each(['*', 'https://*.example.com', 'null', 'https://app.example.com/path', 'app.example.com'])(
    'cannot be made for %s',
    (origin) => expect(() => corsFor([APP, origin])).toThrow(/^corsFor: origin 1 must be an origin such as/),
  );
  it.each([
    'https://evil.example',
    'https://app.example.com.evil.example',
    'http://app.example.com',
    'https://app.example.com:8443',
    'capacitor://other',
    'null',
  ])('tells %s nothing, and caches nothing for others', async (origin) => {
    for (const answer of [await preflight(origin), await fetch(url, { headers: { origin } })]) {
      expect(accessHeaders(answer)).toEqual([]);
      expect(answer.headers.get('vary')).toBe('Origin');
      expect(await answer.text()).toBe('served');
    }
  });
});
