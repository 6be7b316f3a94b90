import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type AuthClient, type AuthClientConfig, createAuthClient, memoryStorage } from 'authfort-client';

const USER = { id: '1', email: 'ada@example.com', created_at: '2026-01-01T00:00:00Z' };
const TOKENS = { access_token: 'secret-token', refresh_token: 'refresh', expires_in: 900 };

interface Sent {
  url: string;
  authorization: string | null;
  credentials: RequestCredentials;
}

/** Security: a page that fetches an address of somebody else must not hand over the user's session. */
describe('attack: auth.fetch with the address of a foreign origin', () => {
  const clients: AuthClient[] = [];
  afterEach(() => {
    for (const client of clients.splice(0)) client.dispose();
  });

  /** A signed-in client. Its network is a function: names such as github.io cannot be listened on. */
  async function signedIn(baseUrl: string, config: Partial<AuthClientConfig> = {}, status = 200) {
    const sent: Sent[] = [];
    const network = (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
      if (typeof input === 'string')
        return Promise.resolve(Response.json(input.endsWith('/me') ? USER : { user: USER, tokens: TOKENS }));
      const { url, headers, credentials } = new Request(input, init);
      sent.push({ url, authorization: headers.get('authorization'), credentials });
      return Promise.resolve(new Response('', { status }));
    };
    const client = createAuthClient({
      baseUrl,
      tokenMode: 'bearer',
      tokenStorage: memoryStorage(),
      ...config,
      fetch: network as typeof fetch,
    });
    clients.push(client);
    await client.signIn({ email: 'ada@example.com', password: 'correct horse' });
    const tokenTo = async (url: string, init?: RequestInit) => {
      await client.fetch(url, init);
      return sent.at(-1)!.authorization === 'Bearer secret-token';
    };
    return { client, sent, tokenTo };
  }
  async function expectTokens(base: string, own: string[], foreign: string[], apiOrigins?: string[]) {
    const { tokenTo } = await signedIn(base, { apiOrigins });
    for (const url of own) expect([base, url, await tokenTo(url)]).toEqual([base, url, true]);
    for (const url of foreign) expect([base, url, await tokenTo(url)]).toEqual([base, url, false]);
  }

  it('sends the token to the site of baseUrl, in every spelling, and to no other', () =>
    expectTokens(
      'https://auth.example.com/auth',
      [
        'https://auth.example.com/auth/me',
        'https://AUTH.Example.COM:443/x',
        'https://orders.example.com/api/orders',
        'https://a.b.example.com',
        'https://example.com/',
        'https://orders.example.com:8443/',
        'https:\\\\orders.example.com\\x',
        'https:orders.example.com',
      ],
      [
        'https://foreign.example/',
        'https://example.org/',
        'https://evilexample.com/',
        'https://example.com.evil.net/',
        'https://auth.example.com.evil.net/',
        'https://evil.net/@auth.example.com',
        'https://evil.net/auth.example.com',
        'https://evil.net#.example.com',
        'https://evil.net?.example.com',
        'https://evil.net\\.example.com',
        'http://orders.example.com/',
        'http://auth.example.com/',
        'https://orders.example.com./',
        'https://com/',
        'https://127.0.0.1/',
        'blob:https://auth.example.com/0000',
        'data:text/plain,auth.example.com',
      ],
    ));
  it('takes no public suffix and no shared hosting domain for a site', async () => {
    for (const [base, subdomain, neighbours] of [
      ['https://example.com/auth', 'https://api.example.com', ['https://evil.com']],
      ['https://shop.co.uk/auth', 'https://api.shop.co.uk', ['https://evil.co.uk', 'https://co.uk']],
      ['https://shop.com.au/auth', 'https://api.shop.com.au', ['https://evil.com.au']],
      ['https://shop.or.jp/auth', 'https://api.shop.or.jp', ['https://evil.or.jp']],
      ['https://shop.gouv.fr/auth', 'https://api.shop.gouv.fr', ['https://evil.gouv.fr']],
      [
        'https://ada.github.io/auth',
        'https://api.ada.github.io',
        ['https://eve.github.io', 'https://github.io'],
      ],
      ['https://shop-auth.vercel.app/auth', 'https://a.shop-auth.vercel.app', ['https://evil.vercel.app']],
      ['https://shop.netlify.app/auth', 'https://a.shop.netlify.app', ['https://evil.netlify.app']],
      ['https://shop.pages.dev/auth', 'https://main.shop.pages.dev', ['https://evil.pages.dev']],
      ['https://shop.ada.workers.dev/auth', 'https://a.shop.ada.workers.dev', ['https://a.eve.workers.dev']],
      ['https://shop.herokuapp.com/auth', 'https://a.shop.herokuapp.com', ['https://evil.herokuapp.com']],
      [
        'https://shop.azurewebsites.net/auth',
        'https://a.shop.azurewebsites.net',
        ['https://evil.azurewebsites.net'],
      ],
      ['https://d1.cloudfront.net/auth', 'https://a.d1.cloudfront.net', ['https://d2.cloudfront.net']],
      ['https://shop.web.app/auth', 'https://a.shop.web.app', ['https://evil.web.app']],
      ['https://shop-1.a.run.app/auth', 'https://a.shop-1.a.run.app', ['https://evil-1.a.run.app']],
      [
        'https://x.execute-api.eu-west-1.amazonaws.com/a',
        'https://a.x.execute-api.eu-west-1.amazonaws.com',
        ['https://y.execute-api.eu-west-1.amazonaws.com'],
      ],
      ['https://shop.onrender.com/auth', 'https://a.shop.onrender.com', ['https://evil.onrender.com']],
      ['https://shop.fly.dev/auth', 'https://a.shop.fly.dev', ['https://evil.fly.dev']],
      ['https://shop.up.railway.app/auth', 'https://a.shop.up.railway.app', ['https://evil.up.railway.app']],
      ['https://a1.ngrok-free.app/auth', 'https://x.a1.ngrok-free.app', ['https://b2.ngrok-free.app']],
    ] as const)
      await expectTokens(base, [base, subdomain], [...neighbours]);
  });
  it('takes a host that is not named after a service for the site itself', async () => {
    await expectTokens(
      'https://shop.example.com/auth',
      ['https://shop.example.com:8443/', 'https://api.shop.example.com/'],
      ['https://evil.example.com/', 'https://example.com/', 'https://evilshop.example.com/'],
    );
    for (const label of ['auth', 'account', 'accounts', 'api', 'app', 'id', 'login', 'www'])
      await expectTokens(
        `https://${label}.example.com/auth`,
        ['https://orders.example.com/'],
        ['https://example.org/', `https://x${label}.com/`],
      );
    // Second levels of country domains, with a service's name in front.
    for (const site of ['co.uk', 'com.au', 'or.jp', 'ac.nz'])
      await expectTokens(`https://auth.${site}/auth`, [`https://auth.${site}/`], [`https://evil.${site}/`]);
    await expectTokens(
      'https://auth.shop.co.uk/auth',
      ['https://orders.shop.co.uk/'],
      ['https://evil.co.uk/'],
    );
  });
  it('takes IP addresses and names of one label for hosts, on any port', async () => {
    await expectTokens(
      'http://localhost:8000/auth',
      ['http://localhost:8001/api', 'http://LOCALHOST'],
      ['http://127.0.0.1:8000/auth', 'http://evil.localhost.example', 'https://localhost:8000'],
    );
    await expectTokens(
      'http://192.168.1.10:8000/auth',
      ['http://192.168.1.10:8001/', 'http://0xc0a8010a/', 'http://3232235786/'],
      ['http://192.168.1.11/', 'http://2.168.1.10/', 'http://evil.168.1.10.example/'],
    );
    await expectTokens('http://[::1]:8000/auth', ['http://[0:0:0:0:0:0:0:1]:8001/'], ['http://[::2]:8000/']);
    await expectTokens('http://auth:8000/auth', ['http://auth:8001'], ['http://orders:8001', 'http://evil/']);
  });
  it('sends it to exactly the origins that apiOrigins names, and to the auth server', () =>
    expectTokens(
      'https://auth.example.com/auth',
      [
        'https://auth.example.com/auth/me',
        'https://api.partner.example/x',
        'https://orders.example.com:8443/',
      ],
      [
        'https://orders.example.com/',
        'https://api.partner.example:444/',
        'http://api.partner.example/',
        'https://a.api.partner.example/',
        'blob:https://api.partner.example/0000',
      ],
      ['https://api.partner.example', 'https://orders.example.com:8443/'],
    ));
  it.each([
    '*',
    'https://*.example.com',
    'api.example.com',
    'https://api.example.com/path',
    'null',
    'file:///',
    7,
  ])('refuses %j in apiOrigins', (origin) =>
    expect(() =>
      createAuthClient({ baseUrl: 'https://auth.example.com/auth', apiOrigins: [origin as string] }),
    ).toThrow(expect.objectContaining({ code: 'invalid_api_origin' })),
  );
  it('neither refreshes nor repeats a request to a foreign origin, and leaves it as it is', async () => {
    const { sent, client } = await signedIn('https://auth.example.com/auth', {}, 401);
    const headers = { authorization: 'Basic own', 'x-own': '1' };
    const answer = await client.fetch('https://foreign.example/', { method: 'POST', body: 'x', headers });
    expect([answer.status, sent]).toEqual([
      401,
      [{ url: 'https://foreign.example/', authorization: 'Basic own', credentials: 'same-origin' }],
    ]);
    await client.fetch('https://orders.example.com/');
    expect(sent.length).toBeGreaterThan(2);
  });
  it('includes cookies for the same origins only, in cookie mode', async () => {
    const { sent, client } = await signedIn('https://auth.example.com/auth', { tokenMode: 'cookie' });
    for (const url of ['https://orders.example.com/', 'https://foreign.example/', 'http://auth.example.com/'])
      await client.fetch(url);
    expect(sent.map(({ credentials }) => credentials)).toEqual(['include', 'same-origin', 'same-origin']);
  });

  describe('by a redirect', () => {
    const servers: Server[] = [];
    const seen: IncomingHttpHeaders[] = [];
    const listen = async (listener: RequestListener) => {
      const server = createServer(listener);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      servers.push(server);
      return (server.address() as AddressInfo).port;
    };
    let base: string;
    let target: string;
    beforeAll(async () => {
      const foreign = await listen((request, response) => {
        seen.push(request.headers);
        response.end('{}');
      });
      target = `http://localhost:${foreign}/`;
      const own = await listen((request, response) => {
        if (request.url === '/auth/login') response.end(JSON.stringify({ user: USER, tokens: TOKENS }));
        else response.writeHead(Number(request.url!.slice(1)), { location: target }).end();
      });
      base = `http://127.0.0.1:${own}`;
    });
    afterAll(async () => {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    });

    it.each([301, 302, 303, 307, 308])('status %d: the token stays behind', async (status) => {
      const client = createAuthClient({
        baseUrl: `${base}/auth`,
        tokenMode: 'bearer',
        tokenStorage: memoryStorage(),
      });
      clients.push(client);
      await client.signIn({ email: 'ada@example.com', password: 'correct horse' });
      const answer = await client.fetch(`${base}/${status}`);
      expect([answer.status, answer.url]).toEqual([200, target]);
      expect(seen.at(-1)!.authorization).toBeUndefined();
    });
  });
});
