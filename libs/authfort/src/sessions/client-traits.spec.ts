import { describe, expect, it } from '@jest/globals';
import { deviceOf, networkOf, traitsOf } from './client-traits.js';
import { parsedUserAgents } from './user-agent.js';

describe('networkOf', () => {
  it.each([
    ['203.0.113.7', '203.0.113'],
    ['2001:db8:1:2::1', '2001:db8:1'],
    ['2001:0DB8:0001::', '2001:db8:1'],
    ['2001:db8::7', '2001:db8:0'],
    ['::1', '0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0'],
    ['', null],
    ['unix', null],
    ['1.2.3', null],
  ])('takes %j for the network %j', (ip, network) => expect(networkOf(ip)).toBe(network));

  it('distinguishes sites with compressed addresses', () => {
    // "1::2:3:4:5:6:7" leaves out a single group.
    expect(networkOf('1::2:3:4:5:6:7')).toBe('1:0:0');
    expect(networkOf('1:2:3::')).not.toBe(networkOf('1:2:4::'));
  });
});

describe('deviceOf', () => {
  const chrome = (version: string) =>
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version} Safari/537.36`;
  it.each([
    [chrome('142.0.0.0'), chrome('143.0.7499.40')],
    ['curl/8.5.0', 'curl/8.6.0'],
    ['Shop/1.2 CFNetwork/1410 Darwin/22', 'Shop/1.3 CFNetwork/1490 Darwin/23'],
    ['python-requests/2.31.0', 'python-requests/2.32.3'],
    ['node', 'node'],
  ])('takes %j and its update for one device', (before, after) => {
    expect(deviceOf(before)).not.toBeNull();
    expect(deviceOf(before)).toBe(deviceOf(after));
  });
  it('distinguishes browsers and systems', () => {
    const all = [
      chrome('142.0'),
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1',
      'curl/8.5.0',
      'node',
    ];
    expect(new Set(all.map(deviceOf)).size).toBe(all.length);
  });
  it.each([null, '', '/1.0', '()'])('knows nothing of %j', (userAgent) =>
    expect(deviceOf(userAgent)).toBeNull(),
  );
});

it('keeps the devices of 500 user agents in memory at most', () => {
  const names = Array.from({ length: 1200 }, (_, n) => `Invented${'x'.repeat(n % 7)}/${n} (${n})`);
  for (const name of names) expect(deviceOf(name)).toMatch(/^invented/);
  expect(parsedUserAgents()).toBe(500);
});

it('keys the traits by the token: they say nothing without it', () => {
  const client = { ip: '203.0.113.7', userAgent: 'curl/8' };
  const [one, same, other] = [
    traitsOf(client, 'a'),
    traitsOf({ ...client, ip: '203.0.113.8' }, 'a'),
    traitsOf(client, 'b'),
  ];
  expect(one).toEqual(same);
  expect(one.network!.equals(other.network!)).toBe(false);
  expect([one.network!.length, one.device!.length]).toEqual([16, 16]);
  expect(traitsOf({ ip: '', userAgent: null }, 'a')).toEqual({ network: null, device: null });
});
