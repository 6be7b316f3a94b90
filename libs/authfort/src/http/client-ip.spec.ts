import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { ClientIp } from './client-ip.js';

function request(remoteAddress: string, headers: Record<string, string> = {}): IncomingMessage {
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
  it('reads a Fastify request through its raw one', () => {
    expect(behindProxies.of({ raw: request('203.0.113.9') })).toBe('203.0.113.9');
  });
  it('keeps a user agent printable and bounded', () => {
    const userAgent = `Mozilla\u0000\u001b[31m ${'x'.repeat(1000)}`;
    const info = behindProxies.info(request('203.0.113.9', { 'user-agent': userAgent }));
    expect(info.userAgent).toMatch(/^Mozilla\[31m x+$/);
    expect(info.userAgent).toHaveLength(400);
  });
});
