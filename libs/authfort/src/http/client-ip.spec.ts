import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { ClientIp } from './client-ip.js';

function request(remoteAddress: string | undefined, headers: Record<string, string> = {}): IncomingMessage {
  return { headers, socket: { remoteAddress } } as unknown as IncomingMessage;
}

describe('ClientIp', () => {
  const behindProxies = new ClientIp({ trustedProxies: ['10.0.0.0/8', '::1'] });

  it.each([
    [
      'the peer, when no proxy is trusted',
      new ClientIp({ trustedProxies: [] }),
      '203.0.113.9',
      '1.2.3.4',
      '203.0.113.9',
    ],
    ['the peer, when it is no trusted proxy', behindProxies, '203.0.113.9', '1.2.3.4', '203.0.113.9'],
    [
      'the last hop before the trusted ones',
      behindProxies,
      '10.0.0.1',
      '1.2.3.4, 203.0.113.9, 10.1.1.1',
      '203.0.113.9',
    ],
    ['an IPv4 client of a dual-stack socket', behindProxies, '::ffff:10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['the address without its port', behindProxies, '10.0.0.1', '203.0.113.9:4711', '203.0.113.9'],
    [
      'an IPv6 address without brackets and port',
      behindProxies,
      '10.0.0.1',
      '[2001:db8::1]:4711',
      '2001:db8::1',
    ],
    ['an IPv4 client in hexadecimal', behindProxies, '10.0.0.1', '::ffff:cb00:7109', '203.0.113.9'],
    ['the proxy, when it forwards no address', behindProxies, '10.0.0.1', 'unknown', '10.0.0.1'],
    ['the address without its mapping', behindProxies, '::ffff:203.0.113.9', undefined, '203.0.113.9'],
  ])('finds %s', (_, clientIp, peer, forwarded, expected) => {
    expect(clientIp.of(request(peer, forwarded ? { 'x-forwarded-for': forwarded } : {}))).toBe(expected);
  });
  it.each([
    ['::FFFF:10.0.0.1', '203.0.113.9'],
    ['::ffff:a00:1', '203.0.113.9'],
    ['0:0:0:0:0:ffff:0a00:0001', '203.0.113.9'],
    ['0:0:0:0:0:0:0:1', '203.0.113.9'],
    ['10.0.0.1', '::ffff:203.0.113.9'],
    ['10.0.0.1', '1.2.3.4, 203.0.113.9, 10.0.0.2:4711'],
    ['10.0.0.1', '1.2.3.4, 203.0.113.9, ::ffff:10.0.0.2'],
    ['10.0.0.1', '1.2.3.4, 203.0.113.9, [::ffff:a00:2]:443'],
    ['10.0.0.1', '1.2.3.4,203.0.113.9,"10.0.0.2"'],
    ['10.0.0.1', '1.2.3.4, 203.0.113.9, "[::1]:80" '],
    ['10.0.0.1', '1.2.3.4, 203.0.113.9\t, 10.0.0.2,'],
    ['10.0.0.1', '1.2.3.4, 203.0.113.9 ,, 10.0.0.2'],
    ['10.0.0.1', '1.2.3.4, "203.0.113.9:80", 0:0::1'],
  ])('recognises the hop %s and the hops of %s', (peer, forwarded) => {
    expect(behindProxies.of(request(peer, { 'x-forwarded-for': forwarded }))).toBe('203.0.113.9');
  });
  it.each([
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['[2001:db8:0:0::1]:443', '2001:db8::1'],
    ['2001:db8::1%eth0', '2001:db8::1'],
    ['fe80::1%25en0', 'fe80::1'],
    ['2001:db8::192.0.2.1', '2001:db8::c000:201'],
  ])('writes the client %s as %s', (given, canonical) => {
    expect(behindProxies.of(request('10.0.0.1', { 'x-forwarded-for': given }))).toBe(canonical);
    expect(behindProxies.of(request(given.replace(/^\[(.*)\].*/, '$1')))).toBe(canonical);
  });
  it.each([
    'unknown',
    '_hidden',
    '1.2.3.4, unknown',
    '1.2.3.4, 010.0.0.1',
    '1.2.3.4, 10.1',
    '1.2.3.4, 0x0a000001',
    '1.2.3.4, 203.0.113.9:port',
    '1.2.3.4, 203.0.113.999',
    '1.2.3.4, [::1',
    '1.2.3.4, ::1]',
    '1.2.3.4, [10.0.0.2]x',
    "1.2.3.4, '; DROP TABLE authfort_users; --",
    'x'.repeat(10_000),
    '',
    ' , ,',
  ])('stops at the last trusted hop before the garbage (%#)', (forwarded) => {
    expect(behindProxies.of(request('10.0.0.1', { 'x-forwarded-for': forwarded }))).toBe('10.0.0.1');
    const twice = `${forwarded}, 10.0.0.2`;
    expect(behindProxies.of(request('10.0.0.1', { 'x-forwarded-for': twice }))).toBe('10.0.0.2');
  });
  it('ignores Forwarded and other headers', () => {
    const headers = { forwarded: 'for=1.2.3.4', 'x-real-ip': '1.2.3.4', 'cf-connecting-ip': '1.2.3.4' };
    expect(behindProxies.of(request('10.0.0.1', headers))).toBe('10.0.0.1');
  });
  it('takes the addresses of a range in any spelling', () => {
    for (const range of ['2001:DB8::/32', '2001:0db8:0:0::0/32']) {
      const clientIp = new ClientIp({ trustedProxies: [range] });
      const peer = '2001:0DB8:0::7';
      expect(clientIp.of(request(peer, { 'x-forwarded-for': '203.0.113.9' }))).toBe('203.0.113.9');
    }
  });
  describe('behind a unix socket', () => {
    const at = (address: unknown) => ({ httpAdapter: { getHttpServer: () => ({ address: () => address }) } });
    const pipe = request(undefined, { 'x-forwarded-for': '1.2.3.4, 203.0.113.9' });

    it('takes every client for one, unless unix is trusted', () => {
      expect(new ClientIp({ trustedProxies: ['loopback'] }, at('/run/auth.sock')).of(pipe)).toBe('unix');
    });
    it('finds the client, if unix is trusted', () => {
      const clientIp = new ClientIp({ trustedProxies: ['unix', '10.0.0.0/8'] }, at('/run/auth.sock'));
      expect(clientIp.of(pipe)).toBe('203.0.113.9');
      expect(clientIp.of(request(undefined))).toBe('unix');
      expect(clientIp.of(request(undefined, { 'x-forwarded-for': '203.0.113.9, unix' }))).toBe('unix');
    });
    it('does not take a closed connection for a unix socket', () => {
      const clientIp = new ClientIp({ trustedProxies: ['unix'] }, at({ port: 8000, address: '::' }));
      expect(clientIp.of(pipe)).toBe('');
      expect(new ClientIp({ trustedProxies: ['unix'] }, at(null)).of(pipe)).toBe('');
    });
  });
  it('reads a Fastify request through its raw one', () => {
    expect(behindProxies.of({ raw: request('203.0.113.9') })).toBe('203.0.113.9');
  });
  it('keeps a user agent printable and bounded', () => {
    const userAgent = `Mozilla\u0000\u001b[31m ${'x'.repeat(1000)}`;
    const info = behindProxies.info(request('203.0.113.9', { 'user-agent': userAgent }));
    expect(info.userAgent).toMatch(/^Mozilla\[31m x+$/);
    expect(info.userAgent).toHaveLength(400);
  });

  it('tells the address of a client from that of a proxy', () => {
    const clientIp = new ClientIp({ trustedProxies: ['10.0.0.0/8'] });
    expect(clientIp.isOfClient(clientIp.of(request('203.0.113.9')))).toBe(true);
    expect(clientIp.isOfClient(clientIp.of(request('10.0.0.1', { 'x-forwarded-for': '203.0.113.9' })))).toBe(
      true,
    );
    // A trusted proxy that forwards nothing, and a proxy that nobody has named.
    expect(clientIp.isOfClient(clientIp.of(request('10.0.0.1')))).toBe(false);
    const forwarded = request('192.0.2.1', { 'x-forwarded-for': '203.0.113.9' });
    expect(clientIp.isOfClient(clientIp.of(forwarded))).toBe(false);
    expect(clientIp.isOfClient('192.0.2.1')).toBe(false);
  });

  it('remembers a bounded number of proxies that nobody has named', () => {
    const clientIp = new ClientIp({ trustedProxies: [] });
    const peers = Array.from({ length: 1001 }, (_, n) => `192.0.${n >> 8}.${n & 255}`);
    for (const peer of peers) clientIp.of(request(peer, { 'x-forwarded-for': '203.0.113.9' }));
    expect(peers.filter((peer) => !clientIp.isOfClient(peer))).toEqual(peers.slice(1));
  });
});
